"""The headline of an image or a study: the one thing that staff need to know, and what must be known before it."""

from collections.abc import Iterable
from dataclasses import replace

from leapfrog.language.listing import all_of, any_of, clauses, enumerated
from leapfrog.language.sentence import Sentence, joined, plural, sentence
from leapfrog.wording.content import Aid, Gist, Span
from leapfrog.wording.finding_words import finding_name, number, unit
from leapfrog.wording.report_words import Headline
from leapfrog.wording.text import clean, each_once, from_package

LONGEST_REMARK = 600  # characters

NOT_RULED_OUT = sentence("This does not rule out disease.")
AGE_NOT_GIVEN = sentence("Age not given: this reading holds for adults only; for a child disregard it.")
LOOK_YOURSELF = sentence("Look at the picture yourself before you act.")
NEEDS_A_PERSON = sentence("No model gives a result for this: it needs a person.")
REST_NEEDS_A_PERSON = sentence("What was not assessed needs a person.")
CAUTION = sentence("Caution: {caution}")

NOT_ASSESSED = sentence("Not assessed")
NOTHING_FLAGGED, NOTHING_OUTLINED = sentence("Nothing flagged"), sentence("Nothing outlined")
NEEDS_A_LOOK = plural("{count} finding needs a look: {names}", "{count} findings need a look: {names}")
URGENT = plural("Urgent: {count} finding needs a look: {names}", "Urgent: {count} findings need a look: {names}")
OUTLINED_ONLY = sentence("{name} outlined, not measured")
FULL_STOP = sentence("{statement}.")
ONE_SPAN = sentence("{name} {value} {unit}")
SPAN = plural(
    "{name} {lowest} to {highest} {unit} ({count} image)", "{name} {lowest} to {highest} {unit} ({count} images)"
)
MISSING = plural("{count} of {images} images was not assessed", "{count} of {images} images were not assessed")
# What an aid drew.
NONE_OUTLINED = sentence("No {names} outlined: there may still be one")
NONE_OUTLINED_IN = plural(
    "No {names} outlined in {count} image: there may still be one",
    "No {names} outlined in {count} images: there may still be one",
)
OUTLINED = sentence("{outlined} outlined (aid, no diagnosis)")
OUTLINED_AND_HATCHED = sentence("{outlined} outlined, {hatched} hatched (aid, no diagnosis)")
OUTLINED_IN = plural(
    "{outlined} outlined in {number} of {count} image (aid, no diagnosis)",
    "{outlined} outlined in {number} of {count} images (aid, no diagnosis)",
)
OUTLINED_AND_HATCHED_IN = plural(
    "{outlined} outlined in {number} of {count} image, {hatched} hatched (aid, no diagnosis)",
    "{outlined} outlined in {number} of {count} images, {hatched} hatched (aid, no diagnosis)",
)


def headline_of(gist: Gist) -> Headline:
    """The one thing that staff need to know about an image or a study, in one line, and for whom it does not hold."""
    return replace(_headline(gist), caution=joined(_cautions(gist)))


def _cautions(gist: Gist) -> list[Sentence]:
    """What must be known before anything of a reading is believed."""
    ages = [AGE_NOT_GIVEN] if gist.age_not_given else []
    return [*ages, *(CAUTION.format(caution=from_package(caution).lowered()) for caution in gist.cautions)]


def aid_sentences(gist: Gist) -> Sentence:
    """What the packages that only help to find something are good for."""
    return Sentence("") if gist.aid is None else joined(map(from_package, gist.aid.sentences))


def _headline(gist: Gist) -> Headline:
    measurements = [_span(span) for span in gist.spans] or each_once(
        OUTLINED_ONLY.format(name=finding_name(finding)) for finding in gist.outlined
    )
    aid = Sentence("") if gist.aid is None else _drawn(gist.aid)
    good_for = aid_sentences(gist)
    missing = _missing(gist.images, gist.assessed)
    person = REST_NEEDS_A_PERSON if missing else Sentence("")
    match gist.kind:
        case "not_assessed":
            return Headline("not_assessed", NOT_ASSESSED, joined((_only(gist.remarks), NEEDS_A_PERSON)))
        case "look":
            names = each_once(finding_name(finding) for finding in gist.flagged)
            text = (URGENT if gist.urgent else NEEDS_A_LOOK).format(count=len(names), names=enumerated(names))
            statements = [FULL_STOP.format(statement=part) for part in (*measurements, aid, missing) if part]
            return Headline("look", text, joined((*statements, good_for, person, LOOK_YOURSELF)), gist.urgent)
        case "measured":
            text = clauses((*measurements, aid, missing))
            return Headline("measured", text, joined((good_for, _only(gist.remarks), person)))
        case "nothing_flagged":
            is_aid_alone = gist.aid is not None and gist.aid.images == gist.assessed
            nothing = NOTHING_OUTLINED if gist.only_outlines else NOTHING_FLAGGED
            text = clauses((Sentence("") if is_aid_alone else nothing, aid, missing))
            rest = Sentence("") if is_aid_alone else _only(gist.remarks) or NOT_RULED_OUT
            return Headline("nothing_flagged", text, joined((good_for, rest, person)))


def _drawn(aid: Aid) -> Sentence:
    """`Nerve outlined, vessel hatched (aid, no diagnosis)`, or that what was looked for may still be there."""
    is_several = aid.images > 1
    if not aid.outlined:
        names = any_of(each_once(finding_name(finding).lowered() for finding in aid.missed))
        if is_several:
            return NONE_OUTLINED_IN.format(names=names, count=aid.images)
        return NONE_OUTLINED.format(names=names)
    values: dict[str, int | Sentence] = {"outlined": all_of(each_once(map(finding_name, aid.outlined)))}
    if is_several:
        values |= {"number": aid.outlined_on, "count": aid.images}
    hatched = all_of(each_once(finding_name(finding).lowered() for finding in aid.hatched))
    if not hatched:
        return (OUTLINED_IN if is_several else OUTLINED).format(**values)
    return (OUTLINED_AND_HATCHED_IN if is_several else OUTLINED_AND_HATCHED).format(**values, hatched=hatched)


def _span(span: Span) -> Sentence:
    """`Head circumference 175.0 mm`; for several images `Head circumference 170.0 to 175.0 mm (2 images)`."""
    name, written_unit = from_package(span.name), unit(span.unit)
    lowest, highest = number(span.lowest, span.unit), number(span.highest, span.unit)
    if lowest == highest:
        return ONE_SPAN.format(name=name, value=lowest, unit=written_unit)
    return SPAN.format(name=name, lowest=lowest, highest=highest, unit=written_unit, count=span.images)


def _missing(images: int, assessed: int) -> Sentence:
    return MISSING.format(count=images - assessed, images=images) if images > assessed else Sentence("")


def _only(sentences: Iterable[Sentence]) -> Sentence:
    """The sentence, if there is only one; empty if there are several, since each image then shows its own."""
    different = each_once(clean(one, LONGEST_REMARK) for one in sentences)
    return different[0] if len(different) == 1 else Sentence("")
