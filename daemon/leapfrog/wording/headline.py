"""The headline of an image or a study: the one thing that staff need to know, and what must be known before it."""

from collections.abc import Iterable
from dataclasses import replace

from leapfrog.wording.content import Aid, Gist, Span
from leapfrog.wording.finding_words import finding_name, number, unit
from leapfrog.wording.report_words import Headline
from leapfrog.wording.text import clean, count, each_once, in_a_sentence

LONGEST_REMARK = 600  # characters

NOT_RULED_OUT = "This does not rule out disease."
AGE_NOT_GIVEN = "Age not given: this reading holds for adults only; for a child disregard it."
LOOK_YOURSELF = "Look at the picture yourself before you act."
NEEDS_A_PERSON = "No model gives a result for this: it needs a person."


def headline_of(gist: Gist) -> Headline:
    """The one thing that staff need to know about an image or a study, in one line, and for whom it does not hold."""
    return replace(_headline(gist), caution=" ".join(_cautions(gist)))


def _cautions(gist: Gist) -> list[str]:
    """What must be known before anything of a reading is believed."""
    ages = [AGE_NOT_GIVEN] if gist.age_not_given else []
    return [*ages, *(f"Caution: {in_a_sentence(clean(caution))}" for caution in gist.cautions)]


def _headline(gist: Gist) -> Headline:
    measurements = [_span(span) for span in gist.spans] or each_once(
        f"{finding_name(finding)} outlined, not measured" for finding in gist.outlined
    )
    aid = "" if gist.aid is None else _drawn(gist.aid)
    good_for = "" if gist.aid is None else " ".join(map(clean, gist.aid.sentences))
    missing = _missing(gist.images, gist.assessed)
    match gist.kind:
        case "not_assessed":
            return Headline("not_assessed", "Not assessed", f"{_only(gist.remarks)} {NEEDS_A_PERSON}".strip())
        case "look":
            names = each_once(finding_name(finding) for finding in gist.flagged)
            verb = "finding needs a look" if len(names) == 1 else "findings need a look"
            text = f"{len(names)} {verb}: {', '.join(names)}"
            details = [*(f"{part}." for part in (*measurements, aid, missing) if part), good_for, LOOK_YOURSELF]
            text = f"Urgent: {text}" if gist.urgent else text
            return Headline("look", text, " ".join(filter(None, details)), gist.urgent)
        case "measured":
            text = "; ".join(part for part in (*measurements, aid, missing) if part)
            return Headline("measured", text, " ".join(filter(None, (good_for, _only(gist.remarks)))))
        case "nothing_flagged":
            is_aid_alone = gist.aid is not None and gist.aid.images == gist.assessed
            nothing = "" if is_aid_alone else "Nothing outlined" if gist.only_outlines else "Nothing flagged"
            text = "; ".join(part for part in (nothing, aid, missing) if part)
            rest = "" if is_aid_alone else _only(gist.remarks) or NOT_RULED_OUT
            return Headline("nothing_flagged", text, " ".join(filter(None, (good_for, rest))))


def _drawn(aid: Aid) -> str:
    """`Nerve outlined, vessel hatched (aid, no diagnosis)`, or that what was looked for may still be there."""
    if not aid.outlined:
        names = " or ".join(each_once(in_a_sentence(finding_name(finding)) for finding in aid.missed))
        on = f" in {count(aid.images, 'image')}" if aid.images > 1 else ""
        return f"No {names} outlined{on}: there may still be one"
    on = f" in {aid.outlined_on} of {count(aid.images, 'image')}" if aid.images > 1 else ""
    outlined = " and ".join(each_once(finding_name(finding) for finding in aid.outlined))
    hatched = " and ".join(each_once(in_a_sentence(finding_name(finding)) for finding in aid.hatched))
    return f"{outlined} outlined{on}{f', {hatched} hatched' if hatched else ''} (aid, no diagnosis)"


def _span(span: Span) -> str:
    """`Head circumference 175.0 mm`; for several images `Head circumference 170.0 to 175.0 mm (2 images)`."""
    name, written_unit = clean(span.name), unit(span.unit)
    lowest, highest = number(span.lowest, span.unit), number(span.highest, span.unit)
    if lowest == highest:
        return f"{name} {lowest} {written_unit}"
    return f"{name} {lowest} to {highest} {written_unit} ({count(span.images, 'image')})"


def _missing(images: int, assessed: int) -> str:
    if images == assessed:
        return ""
    verb = "was" if images - assessed == 1 else "were"
    return f"{images - assessed} of {images} images {verb} not assessed"


def _only(sentences: Iterable[str]) -> str:
    """The sentence, if there is only one; empty if there are several, since each image then shows its own."""
    different = {clean(sentence, LONGEST_REMARK) for sentence in sentences if sentence}
    return different.pop() if len(different) == 1 else ""
