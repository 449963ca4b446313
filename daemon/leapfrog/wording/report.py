"""A report in words: the one place where a report's content becomes text.

Page, PDF, pictures, DICOM objects and the worklist only lay out the text that they get from here. To translate reports,
translate this file, `headline.py`, `finding_words.py` and the labels of `report_words.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leapfrog.exam import Finding, FrontalView, Identity, ImageReading, ModelUsed, stated_view
from leapfrog.patient_age import patient_age
from leapfrog.wording.content import Gist, ImageContent, ReportContent, is_aid, kind_of
from leapfrog.wording.finding_words import finding_name, measured
from leapfrog.wording.gauge import gauge_of
from leapfrog.wording.headline import LONGEST_REMARK, NEEDS_A_PERSON, NOT_RULED_OUT, cautions_of, headline_of
from leapfrog.wording.report_words import (
    Field,
    FindingRow,
    FrameWords,
    Headline,
    ImageWords,
    PictureWords,
    ReportWords,
    WorklistRow,
)
from leapfrog.wording.scores import written_score
from leapfrog.wording.text import (
    NOT_GIVEN,
    age_in_words,
    clean,
    count,
    date,
    each_once,
    in_a_sentence,
    moment,
    or_not_given,
    person_name,
    sex,
    time_of_day,
)
from leapfrog.wording.threshold_words import set_here

LONGEST_ROW_DETAIL = 160
MOST_NAMED_PATIENTS = 5  # of those under the same study number
SHARED_IN_SHORT = "The same study number was used for two patients"

PHANTOM_BANNER = "Phantom: a test image made by a program. There is no patient."
DISCLAIMER = "Demonstration model. This is not a diagnosis and not a medical device: a trained person decides."
NO_DIAGNOSIS = "A program made this report. It is not a diagnosis: a trained person decides."
AGE_NOT_GIVEN_IN_ROW = "Age not given: for adults only"
NO_REASON = "No reason was given."
NO_PLACE = "The model does not tell where in the picture it sees"
CHECK_PASSED = "Image check: nothing wrong was noticed. It does not notice everything."
NO_CHECK = "Image check: none, since this model comes without one. Look whether the picture suits it."
HEATMAP_NOTE = "The colour is scaled to the strongest point of this picture; do not compare it with other pictures."

DEVICE_NAMES = {"cpu": "CPU", "edgetpu": "Edge TPU"}
LATERALITIES = {"L": "left", "R": "right", "B": "both sides"}
VIEW_NAMES: dict[FrontalView, str] = {"PA": "PA (from behind)", "AP": "AP (from the front, as in bed)"}


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
) -> ReportWords:
    """`content` in words. `received_at` is ISO 8601; the other arguments name the study, the box and the report's
    version; `exam_number` is "" where the exam has none.
    """
    headline = headline_of(content.gist)
    conflicts = _conflicts(content)
    images = count(len(content.images), "image")
    box = f"{clean(station)} ({clean(ae_title)})"
    readings = [image.reading for image in content.images]
    return ReportWords(
        headline=headline,
        conflicts=tuple(clean(conflict.sentence, LONGEST_REMARK) for conflict in conflicts),
        replaced_models=_replaced(content.replaced_models, exam_number or study_key),
        patient=_patient(content.identity),
        exam=_exam(content.identity, readings, received_at),
        images=tuple(_image(image, len(content.images)) for image in content.images),
        exam_number=clean(exam_number),
        station=clean(station),
        version_line=f"Report version {version} · {images} · {box} · Leapfrog {software_version}",
        disclaimer=DISCLAIMER if content.demonstration else NO_DIAGNOSIS,
        phantom_banner=PHANTOM_BANNER if content.phantom else "",
        worklist_row=_worklist_row(content, headline, conflicts, received_at, exam_number),
    )


# ---------------------------------------------------------------- whose exam


@dataclass(frozen=True)
class _Conflict:
    """Why nobody knows whose exam it is: a sentence of the report, and the same in few words for its row."""

    sentence: str
    in_short: str


def _conflicts(content: ReportContent) -> list[_Conflict]:
    """One for each other patient under the same Study Instance UID, and each detail on which the images disagree."""
    identities = [image.reading.identity for image in content.images]
    shared = [_Conflict(sentence, SHARED_IN_SHORT) for sentence in _sharing(content.other_patient_ids)]
    return [*shared, *_disagreements(identities)]


def _sharing(others: Sequence[str]) -> list[str]:
    sentences = [
        "The same study number was also received for another patient"
        f" (patient ID {or_not_given(patient_id)}). Check whose images these are."
        for patient_id in others[:MOST_NAMED_PATIENTS]
    ]
    if len(others) > MOST_NAMED_PATIENTS:
        sentences.insert(
            0,
            "The same study number was received for even more patients than are named here: the machine seems to give"
            " it to every exam. Have the machine's settings corrected.",
        )
    return sentences


def _disagreements(identities: Sequence[Identity]) -> Iterator[_Conflict]:
    for detail, values in (
        ("patient name", {person_name(identity.patient_name) for identity in identities}),
        ("date of birth", {date(identity.birth_date) for identity in identities}),
    ):
        if len(different := sorted(values - {""})) > 1:
            yield _Conflict(
                f"The images of this study disagree about the {detail}: {'; '.join(different)}.",
                f"The images disagree about the {detail}",
            )


def _replaced(models: tuple[str, ...], exam: str) -> str:
    if not models:
        return ""
    names = " and ".join(clean(name) for name in models)
    return (
        f"Read by a version of the model that this box has replaced since ({names}). The new one may come to another"
        f" result. The technician can have the exam read again: leapfrog reread {exam}"
    )


def _patient(identity: Identity) -> tuple[Field, ...]:
    patient_id = or_not_given(identity.patient_id)
    if issuer := clean(identity.issuer_of_patient_id):
        patient_id += f" (issued by {issuer})"
    return (
        Field("Patient", person_name(identity.patient_name) or NOT_GIVEN),
        Field("Patient ID", patient_id),
        Field("Born", date(identity.birth_date) or NOT_GIVEN),
        Field("Age and sex", _age_and_sex(identity)),
    )


def _age_and_sex(identity: Identity) -> str:
    """`41 years, female`; says which of them is not given, and where the image contradicts itself."""
    age, written_sex = _age(identity), sex(identity.sex)
    if not age and not written_sex:
        return NOT_GIVEN
    return f"{age or f'age {NOT_GIVEN}'}, {written_sex or f'sex {NOT_GIVEN}'}"


def _age(identity: Identity) -> str:
    known = patient_age(identity)
    if known.is_contradictory and known.stated is not None and known.from_birth is not None:
        return f"{age_in_words(known.from_birth)} by date of birth, but {age_in_words(known.stated)} in the image"
    if known.age is None:
        unclear = clean(identity.patient_age)
        return f'age {NOT_GIVEN} (the image says "{unclear}")' if unclear else ""
    return age_in_words(known.age) + (" (set on this box)" if known.age is known.set_here else "")


def _exam(identity: Identity, readings: Sequence[ImageReading], received_at: str) -> tuple[Field, ...]:
    taken = " ".join(part for part in (date(identity.study_date), time_of_day(identity.study_time)) if part)
    shown = ", ".join(each_once(_image_name(reading) for reading in readings))
    fields = [
        Field("Exam date", taken or NOT_GIVEN),
        Field("Exam", clean(identity.study_description) or or_not_given(shown)),
        Field("Accession number", or_not_given(identity.accession_number)),
        Field("Received", moment(received_at)),
    ]
    if referring := person_name(identity.referring_physician):
        fields.append(Field("Referred by", referring))
    return tuple(fields)


def _worklist_row(
    content: ReportContent, headline: Headline, conflicts: Sequence[_Conflict], received_at: str, exam_number: str
) -> WorklistRow:
    headers = [image.reading.header for image in content.images]
    modalities = each_once(header.modality for header in headers)
    body_parts = each_once(header.body_part for header in headers)
    images = count(content.gist.images, "image")
    not_assessed = content.gist.images - content.gist.assessed
    if not_assessed and headline.kind != "not_assessed":
        images += f", {not_assessed} not assessed"
    return WorklistRow(
        exam_number=clean(exam_number),
        patient=person_name(content.identity.patient_name) or NOT_GIVEN,
        patient_id=or_not_given(content.identity.patient_id),
        age_and_sex=_age_and_sex(content.identity),
        birth_date=date(content.identity.birth_date),
        accession_number=clean(content.identity.accession_number),
        exam_date=date(content.identity.study_date),
        conflict="; ".join(each_once(conflict.in_short for conflict in conflicts)),
        exam=or_not_given(" ".join(modalities + body_parts) or content.identity.study_description),
        received=moment(received_at),
        kind=headline.kind,
        caution=" · ".join(cautions_of(content.gist, AGE_NOT_GIVEN_IN_ROW)),
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


def _row_detail(gist: Gist, headline: Headline) -> str:
    """Only a missing result needs its reason here, and an aid what it is good for; findings are explained on the report
    itself.
    """
    if headline.kind == "not_assessed":
        return clean(headline.detail, LONGEST_ROW_DETAIL)
    return "" if gist.aid is None else " ".join(map(clean, gist.aid.sentences))


# ---------------------------------------------------------------- an image


def _image(image: ImageContent, total: int) -> ImageWords:
    reading = image.reading
    assessed = reading.outcome != "not_assessed"
    headline = headline_of(image.gist)
    names = {finding.name: finding_name(finding) for finding in reading.findings}
    model = _model(reading.model)
    return ImageWords(
        number=image.number,
        title=_title(reading, image.number, total),
        headline=headline,
        plain=PictureWords(image.plain, _plain_caption(reading)) if image.plain else None,
        overlay=PictureWords(image.overlay, _overlay_caption(reading)) if image.overlay else None,
        heatmaps=tuple(PictureWords(one.file, names.get(one.finding, clean(one.finding))) for one in image.heatmaps),
        loop=_loop(reading),
        rows=tuple(_row(finding, is_aid=is_aid(reading)) for finding in image.findings) if assessed else (),
        not_assessed=() if assessed else (clean(reading.reason, LONGEST_REMARK) or NO_REASON, NEEDS_A_PERSON),
        model=f"Model: {model}." if model else "",
        no_place=_no_place(reading),
        view=_view(reading),
        frames=_frames(reading) if assessed else "",
        not_covered=_not_covered(reading.model),
        made_for=_made_for(reading.model),
        image_check=_image_check(reading) if assessed else "",
        notes=_notes(image, headline) if assessed else (),
    )


def _image_name(reading: ImageReading) -> str:
    """What an image shows, in DICOM's own short terms: `CR CHEST PA`."""
    header = reading.header
    parts = (header.modality, header.body_part, header.view, LATERALITIES.get(header.laterality.upper(), ""))
    return clean(" ".join(part for part in parts if part))


def _title(reading: ImageReading, number: int, total: int) -> str:
    shown = _image_name(reading)
    if total == 1:
        return shown or "Image"
    return f"Image {number} of {total}: {shown}" if shown else f"Image {number} of {total}"


def _no_place(reading: ImageReading) -> str:
    """Of what was flagged, that of which the model does not tell where it sees it: nobody may look for a mark."""
    flagged = [finding for finding in reading.findings if finding.needs_look]
    unplaced = [finding for finding in flagged if not finding.shows_where]
    if not unplaced:
        return ""
    if len(unplaced) < len(flagged):
        return f"{NO_PLACE}: {', '.join(map(finding_name, unplaced))}."
    return f"{NO_PLACE} {'this' if len(unplaced) == 1 else 'these'}."


def _view(reading: ImageReading) -> str:
    """Which view the model read the film as, by its own eye; and if it was sent as the other, that too."""
    if reading.view is None:
        return ""
    told, stated = VIEW_NAMES[reading.view], stated_view(reading.header.view)
    if stated is None:
        return f"Read as {told}: the picture looks like that."
    if stated == reading.view:
        return f"Read as {told}."
    return f"Sent as {VIEW_NAMES[stated]}, but the picture looks like {told}: it was read as {reading.view}."


def _plain_caption(reading: ImageReading) -> str:
    frames = reading.header.frames
    return f"The picture, frame {reading.frame} of {frames}" if frames > 1 else "The picture"


def _loop(reading: ImageReading) -> tuple[FrameWords, ...]:
    """The frames that there are pictures of, in their order, and among them the one that is reported."""
    if not reading.frame_pictures or reading.plain is None:
        return ()
    shown = {**{one.frame: one.file for one in reading.frame_pictures}, reading.frame: reading.plain}
    return tuple(_frame(frame, shown[frame], reported=frame == reading.frame) for frame in sorted(shown))


def _frame(frame: int, file: str, *, reported: bool) -> FrameWords:
    return FrameWords(file, f"Frame {frame:,}{', the one reported' if reported else ''}", reported)


def _overlay_caption(reading: ImageReading) -> str:
    outlines = [finding for finding in reading.findings if finding.is_outlined]
    if outlines:
        kinds = (("Outline", "outline"), ("Hatched", "hatched"))
        named = [(kind, [_outline(one) for one in outlines if one.drawn == drawn]) for kind, drawn in kinds]
        return ". ".join(f"{kind}: {', '.join(names)}" for kind, names in named if names)
    names = ", ".join(finding_name(one) for one in reading.findings if one.needs_look and one.shows_where)
    return f"Where the model looked: {names}. {HEATMAP_NOTE}"


def _outline(finding: Finding) -> str:
    name = finding_name(finding)
    if finding.measurement is None:
        return name
    written = measured(finding.measurement)
    return written if written.startswith(name) else f"{name} ({written})"


def _row(finding: Finding, *, is_aid: bool) -> FindingRow:
    written = written_score(finding)
    return FindingRow(
        name=finding_name(finding),
        result=_result(finding, is_aid=is_aid),
        grade=_grade(finding, is_aid=is_aid),
        score=written.score,
        threshold=written.threshold,
        urgent_threshold=written.urgent_threshold,
        kind=kind_of(finding),
        urgent=finding.urgent and finding.needs_look,
        gauge=None if finding.is_outlined or is_aid else gauge_of(finding),
    )


def _result(finding: Finding, *, is_aid: bool) -> str:
    if finding.measurement is not None:
        return measured(finding.measurement)
    drawn = "hatched" if finding.drawn == "hatched" else "outlined"
    if finding.contour is not None:
        return drawn
    if not finding.flagged:
        return f"not {drawn}" if is_aid else "not flagged"
    return "URGENT" if finding.urgent else "FLAGGED"


def _grade(finding: Finding, *, is_aid: bool) -> str:
    """How sure a result is, in plain words: by which threshold it passed. What is outlined is seen in the picture."""
    if finding.is_outlined:
        return ""
    if not finding.flagged:
        return "may still be there" if is_aid else "not ruled out"
    passed, which = finding.threshold, "threshold"
    if finding.urgent and finding.urgent_threshold is not None:
        passed, which = finding.urgent_threshold, "urgent threshold"
    return f"{'above' if finding.score > passed else 'just at'} the {which}"


def _model(model: ModelUsed | None) -> str:
    if model is None:
        return ""
    demonstration = ", demonstration model" if model.demonstration else ""
    return f"{clean(model.name)} {clean(model.version)} on {DEVICE_NAMES[model.device]}{demonstration}"


def _not_covered(model: ModelUsed | None) -> str:
    """What the model was not made to find. Nobody may take "nothing flagged" for "nothing there"."""
    if model is None:
        return ""
    listed = [*(in_a_sentence(clean(name)) for name in model.not_covered), "and everything else"]
    missing = ", ".join(listed) if model.not_covered else "everything"
    return f"Not covered, so neither found nor ruled out: {missing} that this model was not made to find."


def _made_for(model: ModelUsed | None) -> str:
    """What the model was made for, and for whom, as its package says it."""
    return (
        f"What this model is for: {clean(model.intended_use, LONGEST_REMARK)}" if model and model.intended_use else ""
    )


def _image_check(reading: ImageReading) -> str:
    """What the check in front of the model says of the picture that it let pass."""
    if reading.quality is None:
        return NO_CHECK
    detail = clean(reading.quality.detail, LONGEST_REMARK)
    return f"Image check: {detail}" if detail else CHECK_PASSED


def _frames(reading: ImageReading) -> str:
    """Of how many frames of a loop the result speaks."""
    frames = reading.header.frames
    if frames < 2:
        return ""
    looked_at = f"{reading.frames_read:,} of the {frames:,} frames"
    return f"The model looked at {looked_at}, and this is what it says of frame {reading.frame:,}."


def _notes(image: ImageContent, headline: Headline) -> tuple[str, ...]:
    """What else there is to say about an assessed image, except what its headline already says."""
    reading = image.reading
    remarks = [reading.reason, *(finding.note for finding in reading.findings), *map(_set_here, reading.findings)]
    notes = [remark for text in remarks if text and (remark := clean(text, LONGEST_REMARK)) not in headline.detail]
    if any(not finding.is_outlined for finding in reading.findings) and not is_aid(reading):
        notes.append(f"Not flagged means that the score is below this model version's threshold. {NOT_RULED_OUT}")
    return tuple(notes)


def _set_here(finding: Finding) -> str:
    """That its threshold is not the package's own, and whose decision that was."""
    setting = finding.set_here
    if setting is None:
        return ""
    told = set_here(finding.threshold, setting, "the model's")
    return f"{finding_name(finding)}: threshold {told}."
