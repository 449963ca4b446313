"""A report in words: the one place where a report's content becomes text.

Page, PDF, pictures, DICOM objects and the worklist only lay out the sentences that they get from here, each in the
language in which it is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from leapfrog.answers.shown import AnswersOfExam
from leapfrog.exam import Finding, FrontalView, Identity, ImageReading, ModelUsed, ThresholdSetHere, stated_view
from leapfrog.language.listing import all_of, clauses, enumerated
from leapfrog.language.sentence import Sentence, day, joined, number, plural, sentence, term
from leapfrog.patient_age import patient_age
from leapfrog.wording.answer_words import AnswersWords, tag_of, words_of_answers
from leapfrog.wording.content import Gist, ImageContent, ReportContent, is_aid, kind_of
from leapfrog.wording.finding_words import finding_name, measured
from leapfrog.wording.gauge import gauge_of
from leapfrog.wording.headline import LONGEST_REMARK, NEEDS_A_PERSON, aid_sentences, headline_of
from leapfrog.wording.report_words import (
    Field,
    FindingRow,
    FrameWords,
    Headline,
    ImageWords,
    PackageCaution,
    PictureWords,
    ReportWords,
    WorklistRow,
)
from leapfrog.wording.scores import told_apart, written_score
from leapfrog.wording.sheet_words import made_when, read_by
from leapfrog.wording.text import (
    NOT_GIVEN,
    age_in_words,
    as_it_is,
    clean,
    date,
    date_of,
    each_once,
    from_package,
    moment,
    or_not_given,
    person_name,
    sex,
    time_of_day,
)
from leapfrog.wording.text import images as images_in_words

LONGEST_ROW_DETAIL = 160
MOST_NAMED_PATIENTS = 5  # of those under the same study number
SHARED_IN_SHORT = sentence("The same study number was used for two patients")
SHARED = sentence(
    "The same study number was also received for another patient (patient ID {patient_id}). Check whose images these"
    " are."
)
SHARED_BY_MORE = sentence(
    "The same study number was received for even more patients than are named here: the machine seems to give it to"
    " every exam. Have the machine's settings corrected."
)
NAMES_DISAGREE = sentence("The images of this study disagree about the patient name: {names}.")
NAMES_DISAGREE_IN_SHORT = sentence("The images disagree about the patient name")
BIRTHS_DISAGREE = sentence("The images of this study disagree about the date of birth: {dates}.")
BIRTHS_DISAGREE_IN_SHORT = sentence("The images disagree about the date of birth")
REPLACED = sentence(
    "Read by a version of the model that this box has replaced since ({models}). The new one may come to another"
    " result. The technician can have the exam read again: {command}"
)

PHANTOM_BANNER = sentence("Phantom: a test image made by a program. There is no patient.")
DISCLAIMER = sentence(
    "Demonstration model. This is not a diagnosis and not a medical device: a trained person decides."
)
NO_DIAGNOSIS = sentence("A program made this report. It is not a diagnosis: a trained person decides.")
# Translators: what stands first on a report: its station
HEADING = sentence("{station} report")
VERSION_LINE = sentence("Report version {version} · {images} · {box} · Leapfrog {software}")
AGE_NOT_GIVEN_IN_ROW = sentence("Age not given: for adults only")
NO_REASON = sentence("No reason was given.")
NO_PLACE_OF_THIS = sentence("The model does not tell where in the picture it sees this.")
NO_PLACE_OF_THESE = sentence("The model does not tell where in the picture it sees these.")
NO_PLACE_OF = sentence("The model does not tell where in the picture it sees: {findings}.")
CHECK_PASSED = sentence("Image check: nothing wrong was noticed. It does not notice everything.")
CHECK_SAYS = sentence("Image check: {detail}")
NO_CHECK = sentence("Image check: none, since this model comes without one. Look whether the picture suits it.")
WHERE_IT_LOOKED = sentence(
    "Where the model looked: {findings}. The tint is scaled to the strongest point of this picture; do not compare it"
    " with other pictures."
)
OUTLINE, HATCHED = sentence("Outline: {findings}"), sentence("Hatched: {findings}")
OUTLINE_AND_HATCHED = sentence("Outline: {outlined}. Hatched: {hatched}")
NAME_AND_MEASUREMENT = sentence("{name} ({measurement})")

ISSUED_BY = sentence("{patient_id} (issued by {issuer})")
AGE_AND_SEX = sentence("{age}, {sex}")
NO_AGE, NO_SEX = sentence("age not given"), sentence("sex not given")
AGES_DIFFER = sentence("{by_birth} by date of birth, but {stated} in the image")
AGE_UNCLEAR = sentence('age not given (the image says "{stated}")')
AGE_SET_HERE = sentence("{age} (set on this box)")
BORN_AFTER_EXAM = sentence("{age} (the date of birth is after the exam)")
IMAGES_NOT_ASSESSED = sentence("{images}, {number} not assessed")

IMAGE = sentence("Image")
IMAGE_SHOWS = sentence("Image {number} of {total}: {shown}")
IMAGE_OF = sentence("Image {number} of {total}")
READ_AS_LOOKS = sentence("Read as {view}: the picture looks like that.")
READ_AS = sentence("Read as {view}.")
READ_AS_OTHER = sentence("Sent as {stated}, but the picture looks like {view}: it was read as {short}.")
PICTURE, PICTURE_FRAME = sentence("The picture"), sentence("The picture, frame {frame} of {frames}")
FRAME, FRAME_REPORTED = sentence("Frame {frame}"), sentence("Frame {frame}, the one reported")
FRAMES_READ = sentence("The model looked at {read} of the {frames} frames, and this is what it says of frame {frame}.")

# What came of a finding, and how sure that is.
DRAWN_RESULTS = {
    # Translators: said of a nerve: a line is drawn around it
    "outline": sentence("outlined"),
    # Translators: said of a vessel: parallel lines are drawn across it
    "hatched": sentence("hatched"),
}
NOT_DRAWN_RESULTS = {"outline": sentence("not outlined"), "hatched": sentence("not hatched")}
# Translators: said of a finding, such as cardiomegaly: the program saw it, or did not; capitals where they exist
NOT_FLAGGED, FLAGGED, URGENT = sentence("not flagged"), sentence("FLAGGED"), sentence("URGENT")
# Translators: said of a finding that was not flagged
MAY_BE_THERE, NOT_RULED_OUT_GRADE = sentence("may still be there"), sentence("not ruled out")
# Translators: how sure a finding is
ABOVE, JUST_AT = sentence("above the threshold"), sentence("just at the threshold")
ABOVE_URGENT, JUST_AT_URGENT = sentence("above the urgent threshold"), sentence("just at the urgent threshold")

MODEL_ON = sentence("Model: {model} on {device}.")
DEMONSTRATION_MODEL_ON = sentence("Model: {model} on {device}, demonstration model.")
NOT_COVERED = sentence(
    "Not covered, so neither found nor ruled out: {findings}, and everything else that this model was not made to find."
)
NOTHING_LISTED = sentence(
    "This model looks for nothing else: whatever else there may be is neither found nor ruled out."
)
MADE_FOR = sentence("What this model is for: {use}")
BELOW_THRESHOLD = sentence(
    "Not flagged means that the score is below this model version's threshold. This does not rule out disease."
)
NOT_TO_SCALE = sentence("A bar shows on which side of its thresholds a score lies. It is not drawn to scale.")
THRESHOLD_SET_HERE = plural(
    "{finding}: threshold {here} set here on {date} from {count} image by {who}, instead of the model's own {package}.",
    "{finding}: threshold {here} set here on {date} from {count} images by {who}, instead of the model's own"
    " {package}.",
)
# Translators: the next two stand after that sentence
URGENT_SET_HERE = sentence("Urgent from {here} on, instead of whenever it is flagged.")
URGENT_CHANGED_HERE = sentence("Urgent from {here} on, instead of {package}.")

NOTHING = Sentence("")
NO_ANSWERS = AnswersOfExam()
DEVICE_NAMES = {"cpu": "CPU", "edgetpu": "Edge TPU"}
# Translators: the side of the body
LATERALITIES = {"L": term("side", "left"), "R": term("side", "right"), "B": term("side", "both sides")}
VIEW_NAMES: dict[FrontalView, Sentence] = {
    "PA": sentence("PA (from behind)"),
    "AP": sentence("AP (from the front, as in bed)"),
}


def words_of(
    content: ReportContent,
    *,
    study_key: str,
    exam_number: str = "",
    station: str,
    ae_title: str,
    version: int,
    software_version: str,
    received_at: str,
    made_at: str = "",
    code: str = "",
    answers: AnswersOfExam = NO_ANSWERS,
) -> ReportWords:
    """`content` in words, and `answers` to the exam. `received_at` and `made_at`, when the report is made, are ISO
    8601; the other arguments name the study, the box and the report's version; `exam_number` is "" where the exam has
    none, and `code` (the signed summary) where there is none for the sheet.
    """
    headline = headline_of(content.gist)
    conflicts = _conflicts(content)
    box = f"{clean(station)} ({clean(ae_title)})"
    images = images_in_words(len(content.images))
    readings = [image.reading for image in content.images]
    answered = words_of_answers(answers, content.identity, readings)
    return ReportWords(
        headline=headline,
        conflicts=tuple(clean(conflict.sentence, LONGEST_REMARK) for conflict in conflicts),
        replaced_models=_replaced(content.replaced_models, exam_number or study_key),
        patient=_patient(content.identity),
        exam=_exam(content.identity, readings, received_at),
        images=tuple(_image(image, len(content.images), answered.contradicted) for image in content.images),
        exam_number=clean(exam_number),
        station=clean(station),
        heading=HEADING.format(station=clean(station)),
        version_line=VERSION_LINE.format(version=version, images=images, box=box, software=software_version),
        disclaimer=DISCLAIMER if content.demonstration else NO_DIAGNOSIS,
        phantom_banner=PHANTOM_BANNER if content.phantom else NOTHING,
        worklist_row=_worklist_row(content, headline, conflicts, received_at, exam_number).model_copy(
            update=_answered(answers, answered)
        ),
        models=read_by(reading.model.label for reading in readings if reading.model is not None),
        made=made_when(made_at),
        code=code,
        answers=answered,
    )


# ---------------------------------------------------------------- whose exam


@dataclass(frozen=True)
class _Conflict:
    """Why nobody knows whose exam it is: a sentence of the report, and the same in few words for its row."""

    sentence: Sentence
    in_short: Sentence


def _conflicts(content: ReportContent) -> list[_Conflict]:
    """One for each other patient under the same Study Instance UID, and each detail on which the images disagree."""
    identities = [image.reading.identity for image in content.images]
    shared = [_Conflict(told, SHARED_IN_SHORT) for told in _sharing(content.other_patient_ids)]
    return [*shared, *_disagreements(identities)]


def _sharing(others: Sequence[str]) -> list[Sentence]:
    named = [SHARED.format(patient_id=or_not_given(patient_id)) for patient_id in others[:MOST_NAMED_PATIENTS]]
    return [SHARED_BY_MORE, *named] if len(others) > MOST_NAMED_PATIENTS else named


def _disagreements(identities: Sequence[Identity]) -> Iterator[_Conflict]:
    names = sorted({person_name(identity.patient_name) for identity in identities} - {""})
    if len(names) > 1:
        yield _Conflict(NAMES_DISAGREE.format(names=clauses(names)), NAMES_DISAGREE_IN_SHORT)
    births = sorted({date(identity.birth_date) for identity in identities} - {""})
    if len(births) > 1:
        yield _Conflict(BIRTHS_DISAGREE.format(dates=clauses(births)), BIRTHS_DISAGREE_IN_SHORT)


def _replaced(models: tuple[str, ...], exam: str) -> Sentence:
    if not models:
        return NOTHING
    return REPLACED.format(models=all_of(map(clean, models)), command=f"leapfrog reread {exam}")


def _patient(identity: Identity) -> tuple[Field, ...]:
    patient_id = or_not_given(identity.patient_id)
    if issuer := clean(identity.issuer_of_patient_id):
        patient_id = ISSUED_BY.format(patient_id=patient_id, issuer=issuer)
    return (
        Field(sentence("Patient"), as_it_is(person_name(identity.patient_name)) or NOT_GIVEN),
        Field(sentence("Patient ID"), patient_id),
        # Translators: a label, before the date of birth
        Field(sentence("Born"), date(identity.birth_date) or NOT_GIVEN),
        Field(sentence("Age and sex"), _age_and_sex(identity)),
    )


def _age_and_sex(identity: Identity) -> Sentence:
    """`41 years, female`; says which of them is not given, and where the image contradicts itself."""
    age, written_sex = _age(identity), sex(identity.sex)
    if not age and not written_sex:
        return NOT_GIVEN
    return AGE_AND_SEX.format(age=age or NO_AGE, sex=written_sex or NO_SEX)


def _age(identity: Identity) -> Sentence:
    known = patient_age(identity)
    if known.is_contradictory and known.stated is not None and known.from_birth is not None:
        return AGES_DIFFER.format(by_birth=age_in_words(known.from_birth), stated=age_in_words(known.stated))
    if known.age is not None:
        age = age_in_words(known.age)
        age = AGE_SET_HERE.format(age=age) if known.age is known.set_here else age
    elif unclear := clean(identity.patient_age):
        age = AGE_UNCLEAR.format(stated=unclear)
    else:
        age = NO_AGE if known.born_after_exam else NOTHING
    return BORN_AFTER_EXAM.format(age=age) if known.born_after_exam else age


def _exam(identity: Identity, readings: Sequence[ImageReading], received_at: str) -> tuple[Field, ...]:
    taken = _taken(identity)
    shown = enumerated(each_once(_image_name(reading) for reading in readings))
    fields = [
        Field(sentence("Exam date"), taken or NOT_GIVEN),
        Field(sentence("Exam"), as_it_is(identity.study_description) or clean(shown) or NOT_GIVEN),
        Field(sentence("Accession number"), or_not_given(identity.accession_number)),
        Field(sentence("Received"), moment(received_at)),
    ]
    if referring := person_name(identity.referring_physician):
        fields.append(Field(sentence("Referred by"), as_it_is(referring)))
    return tuple(fields)


def _taken(identity: Identity) -> Sentence:
    """When the images were made: `2026-11-03 14:22`, as far as it is given."""
    on, at = date(identity.study_date), time_of_day(identity.study_time)
    return day(f"{on} {at}") if on and at and not on.is_plain else joined((on, at))


def _worklist_row(
    content: ReportContent, headline: Headline, conflicts: Sequence[_Conflict], received_at: str, exam_number: str
) -> WorklistRow:
    headers = [image.reading.header for image in content.images]
    modalities = each_once(header.modality for header in headers)
    body_parts = each_once(header.body_part for header in headers)
    images = images_in_words(content.gist.images)
    not_assessed = content.gist.images - content.gist.assessed
    if not_assessed and headline.kind != "not_assessed":
        images = IMAGES_NOT_ASSESSED.format(images=images, number=not_assessed)
    return WorklistRow(
        exam_number=clean(exam_number),
        patient=as_it_is(person_name(content.identity.patient_name)) or NOT_GIVEN,
        patient_id=or_not_given(content.identity.patient_id),
        age_and_sex=_age_and_sex(content.identity),
        birth_date=str(date(content.identity.birth_date)),
        accession_number=clean(content.identity.accession_number),
        exam_date=str(date(content.identity.study_date)),
        conflict=clauses(each_once(conflict.in_short for conflict in conflicts)),
        exam=or_not_given(" ".join(modalities + body_parts) or content.identity.study_description),
        received=moment(received_at),
        kind=headline.kind,
        caution=AGE_NOT_GIVEN_IN_ROW if content.gist.age_not_given else NOTHING,
        package_cautions=_package_cautions(content),
        headline=clean(headline.text),
        detail=_row_detail(content.gist, headline),
        urgent=headline.urgent,
        phantom=content.phantom,
        images=images,
        replaced_models=content.replaced_models,
        threshold_set_here=any(
            finding.set_here is not None for image in content.images for finding in image.reading.findings
        ),
    )


def _answered(answers: AnswersOfExam, words: AnswersWords) -> dict[str, object]:
    """What the line in the worklist says of answers."""
    by_radiologists = [one for one in answers.shown if one.counts and one.judgement != "unclear"]
    return {
        "answers_mark": answers.mark,
        "answered": tag_of(answers),
        "answered_on": max((one.received_at[:10] for one in by_radiologists), default=""),
        "answer_differs": bool(words.differences),
        "radiologist_answered": bool(by_radiologists),
        "answers_to_do": words.not_shown,
    }


def _package_cautions(content: ReportContent) -> tuple[PackageCaution, ...]:
    assessed = (image.reading.model for image in content.images if image.reading.outcome != "not_assessed")
    cautious = (model for model in assessed if model is not None and model.caution)
    return tuple(
        dict.fromkeys(PackageCaution(package=clean(one.name), caution=from_package(one.caution)) for one in cautious)
    )


def _row_detail(gist: Gist, headline: Headline) -> Sentence:
    """Only a missing result needs its reason here, and an aid what it is good for; findings are explained on the report
    itself.
    """
    if headline.kind == "not_assessed":
        return clean(headline.detail, LONGEST_ROW_DETAIL)
    return aid_sentences(gist)


# ---------------------------------------------------------------- an image


def _image(image: ImageContent, total: int, contradicted: frozenset[tuple[str, str, bool]]) -> ImageWords:
    reading = image.reading
    assessed = reading.outcome != "not_assessed"
    headline = headline_of(image.gist)
    names = {finding.name: finding_name(finding) for finding in reading.findings}
    return ImageWords(
        number=image.number,
        title=_title(reading, image.number, total),
        headline=headline,
        plain=PictureWords(image.plain, _plain_caption(reading)) if image.plain else None,
        overlay=PictureWords(image.overlay, _overlay_caption(reading)) if image.overlay else None,
        heatmaps=tuple(PictureWords(one.file, names.get(one.finding, as_it_is(one.finding))) for one in image.heatmaps),
        loop=_loop(reading),
        rows=tuple(
            replace(
                _row(finding, is_aid=is_aid(reading)),
                contradicted=(finding.code.scheme, finding.code.value, finding.flagged) in contradicted,
            )
            for finding in image.findings
        )
        if assessed
        else (),
        not_assessed=() if assessed else (clean(reading.reason, LONGEST_REMARK) or NO_REASON, NEEDS_A_PERSON),
        model=_model(reading.model),
        no_place=_no_place(reading),
        view=_view(reading),
        frames=_frames(reading) if assessed else NOTHING,
        not_covered=_not_covered(reading.model),
        made_for=_made_for(reading.model),
        image_check=_image_check(reading) if assessed else NOTHING,
        notes=_notes(image, headline) if assessed else (),
    )


def _image_name(reading: ImageReading) -> Sentence:
    """What an image shows, in DICOM's own short terms: `CR CHEST PA`."""
    header = reading.header
    names = as_it_is(" ".join(filter(None, (header.modality, header.body_part, header.view))))
    return joined((names, LATERALITIES.get(header.laterality.upper(), NOTHING)))


def _title(reading: ImageReading, number: int, total: int) -> Sentence:
    shown = _image_name(reading)
    if total == 1:
        return shown or IMAGE
    if not shown:
        return IMAGE_OF.format(number=number, total=total)
    return IMAGE_SHOWS.format(number=number, total=total, shown=shown)


def _no_place(reading: ImageReading) -> Sentence:
    """Of what was flagged, that of which the model does not tell where it sees it: nobody may look for a mark."""
    flagged = [finding for finding in reading.findings if finding.needs_look]
    unplaced = [finding for finding in flagged if not finding.shows_where]
    if not unplaced:
        return NOTHING
    if len(unplaced) < len(flagged):
        return NO_PLACE_OF.format(findings=enumerated(map(finding_name, unplaced)))
    return NO_PLACE_OF_THIS if len(unplaced) == 1 else NO_PLACE_OF_THESE


def _view(reading: ImageReading) -> Sentence:
    """Which view the model read the film as, by its own eye; and if it was sent as the other, that too."""
    if reading.view is None:
        return NOTHING
    told, stated = VIEW_NAMES[reading.view], stated_view(reading.header.view)
    if stated is None:
        return READ_AS_LOOKS.format(view=told)
    if stated == reading.view:
        return READ_AS.format(view=told)
    return READ_AS_OTHER.format(stated=VIEW_NAMES[stated], view=told, short=reading.view)


def _plain_caption(reading: ImageReading) -> Sentence:
    frames = reading.header.frames
    return PICTURE_FRAME.format(frame=reading.frame, frames=frames) if frames > 1 else PICTURE


def _loop(reading: ImageReading) -> tuple[FrameWords, ...]:
    """The frames that there are pictures of, in their order, and among them the one that is reported."""
    if not reading.frame_pictures or reading.plain is None:
        return ()
    shown = {**{one.frame: one.file for one in reading.frame_pictures}, reading.frame: reading.plain}
    return tuple(_frame(frame, shown[frame], reported=frame == reading.frame) for frame in sorted(shown))


def _frame(frame: int, file: str, *, reported: bool) -> FrameWords:
    return FrameWords(file, (FRAME_REPORTED if reported else FRAME).format(frame=frame), reported)


def _overlay_caption(reading: ImageReading) -> Sentence:
    outlines = [finding for finding in reading.findings if finding.is_outlined]
    if not outlines:
        shown = (finding_name(one) for one in reading.findings if one.needs_look and one.shows_where)
        return WHERE_IT_LOOKED.format(findings=enumerated(shown))
    outlined = enumerated(_outline(one) for one in outlines if one.drawn == "outline")
    hatched = enumerated(_outline(one) for one in outlines if one.drawn == "hatched")
    if outlined and hatched:
        return OUTLINE_AND_HATCHED.format(outlined=outlined, hatched=hatched)
    return OUTLINE.format(findings=outlined) if outlined else HATCHED.format(findings=hatched)


def _outline(finding: Finding) -> Sentence:
    name = finding_name(finding)
    if finding.measurement is None:
        return name
    written = measured(finding.measurement)
    return written if written.startswith(name) else NAME_AND_MEASUREMENT.format(name=name, measurement=written)


def _row(finding: Finding, *, is_aid: bool) -> FindingRow:
    written = written_score(finding)
    return FindingRow(
        name=finding_name(finding),
        result=_result(finding, is_aid=is_aid),
        grade=_grade(finding, is_aid=is_aid),
        graded=enumerated((_result(finding, is_aid=is_aid), _grade(finding, is_aid=is_aid))),
        score=number(written.score),
        threshold=number(written.threshold),
        urgent_threshold=number(written.urgent_threshold) if written.urgent_threshold else NOTHING,
        kind=kind_of(finding),
        urgent=finding.urgent and finding.needs_look,
        gauge=None if finding.is_outlined or is_aid else gauge_of(finding),
    )


def _result(finding: Finding, *, is_aid: bool) -> Sentence:
    if finding.measurement is not None:
        return measured(finding.measurement)
    if finding.contour is not None:
        return DRAWN_RESULTS[finding.drawn]
    if not finding.flagged:
        return NOT_DRAWN_RESULTS[finding.drawn] if is_aid else NOT_FLAGGED
    return URGENT if finding.urgent else FLAGGED


def _grade(finding: Finding, *, is_aid: bool) -> Sentence:
    """How sure a result is, in plain words: by which threshold it passed. What is outlined is seen in the picture."""
    if finding.is_outlined:
        return NOTHING
    if not finding.flagged:
        return MAY_BE_THERE if is_aid else NOT_RULED_OUT_GRADE
    if finding.urgent and finding.urgent_threshold is not None:
        return ABOVE_URGENT if finding.score > finding.urgent_threshold else JUST_AT_URGENT
    return ABOVE if finding.score > finding.threshold else JUST_AT


def _model(model: ModelUsed | None) -> Sentence:
    if model is None:
        return NOTHING
    said = DEMONSTRATION_MODEL_ON if model.demonstration else MODEL_ON
    return said.format(model=clean(model.label), device=DEVICE_NAMES[model.device])


def _not_covered(model: ModelUsed | None) -> Sentence:
    """What the model was not made to find. Nobody may take "nothing flagged" for "nothing there"."""
    if model is None:
        return NOTHING
    if not model.not_covered:
        return NOTHING_LISTED
    return NOT_COVERED.format(findings=enumerated(_of_package(name).lowered() for name in model.not_covered))


def _of_package(name: str) -> Sentence:
    """Readings of older versions have it as a plain string."""
    return clean(name) if isinstance(name, Sentence) and not name.is_plain else from_package(name)


def _made_for(model: ModelUsed | None) -> Sentence:
    """What the model was made for, and for whom, as its package says it."""
    if model is None or not model.intended_use:
        return NOTHING
    return MADE_FOR.format(use=from_package(model.intended_use, LONGEST_REMARK))


def _image_check(reading: ImageReading) -> Sentence:
    """What the check in front of the model says of the picture that it let pass."""
    if reading.quality is None:
        return NO_CHECK
    detail = clean(reading.quality.detail, LONGEST_REMARK)
    return CHECK_SAYS.format(detail=detail) if detail else CHECK_PASSED


def _frames(reading: ImageReading) -> Sentence:
    """Of how many frames of a loop the result speaks."""
    frames = reading.header.frames
    if frames < 2:
        return NOTHING
    return FRAMES_READ.format(read=reading.frames_read, frames=frames, frame=reading.frame)


def _notes(image: ImageContent, headline: Headline) -> tuple[Sentence, ...]:
    """What else there is to say about an assessed image, except what its headline already says."""
    reading = image.reading
    remarks = [reading.reason, *(finding.note for finding in reading.findings), *map(_set_here, reading.findings)]
    notes = [remark for text in remarks if text and (remark := clean(text, LONGEST_REMARK)) not in headline.detail]
    if any(not finding.is_outlined for finding in reading.findings) and not is_aid(reading):
        notes += [BELOW_THRESHOLD, NOT_TO_SCALE]
    return tuple(notes)


def _set_here(finding: Finding) -> Sentence:
    """That its threshold is not the package's own, and whose decision that was."""
    setting = finding.set_here
    if setting is None:
        return NOTHING
    here, package = told_apart(finding.threshold, setting.package_threshold)
    told = THRESHOLD_SET_HERE.format(
        finding=finding_name(finding),
        here=number(here),
        date=date_of(setting.set_at),
        count=setting.images,
        who=clean(setting.set_by),
        package=number(package),
    )
    return joined((told, _urgent_set_here(setting)))


def _urgent_set_here(setting: ThresholdSetHere) -> Sentence:
    if setting.urgent_threshold is None:
        return NOTHING
    if setting.package_urgent_threshold is None:
        (here,) = told_apart(setting.urgent_threshold)
        return URGENT_SET_HERE.format(here=number(here))
    here, package = told_apart(setting.urgent_threshold, setting.package_urgent_threshold)
    return URGENT_CHANGED_HERE.format(here=number(here), package=number(package))
