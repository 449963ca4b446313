"""A report says what is known about an exam, whom it is about, and what was not looked for."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from leapfrog.exam import (
    FramePicture,
    FrontalView,
    Identity,
    ImageHeader,
    ImageReading,
    Outcome,
    Quality,
    ThresholdSetHere,
)
from leapfrog.language.sentence import Sentence
from leapfrog.wording.content import content_of
from leapfrog.wording.report import words_of
from leapfrog.wording.report_words import PackageCaution, ReportWords, WorklistRow
from support.readings import (
    CHEST_MODEL,
    HEAD_MODEL,
    NERVE_MODEL,
    PATIENT,
    chest_reading,
    finding,
    head_reading,
    nerve_reading,
    unassessed_reading,
)


def _words(
    readings: Sequence[ImageReading], *other_patient_ids: str, models_in_use: Mapping[str, str] | None = None
) -> ReportWords:
    return words_of(
        content_of(readings, other_patient_ids=other_patient_ids, models_in_use=models_in_use),
        study_key="0123456789abcdef",
        station="Kitgum",
        ae_title="LEAPFROG",
        version=3,
        software_version="1.0",
        received_at="2026-11-03T14:25:10+03:00",
    )


def test_a_threshold_of_this_place_says_whose_it_is(tmp_path: Path) -> None:
    film = chest_reading(tmp_path)
    setting = ThresholdSetHere(
        set_at="2026-11-29T10:00:00+00:00", set_by="Dr\nAmina Okello", images=240, package_threshold=0.5
    )
    first = film.findings[0].model_copy(update={"threshold": 0.503, "set_here": setting})
    film = film.model_copy(update={"findings": (first, *film.findings[1:])})
    words = _words([film])
    notes = words.images[0].notes
    said = (
        "threshold 0.503 set here on 2026-11-29 from 240 images by Dr Amina Okello, instead of the model's own 0.500."
    )
    assert sum(said in note for note in notes) == 1
    assert words.worklist_row.threshold_set_here, "the list says so too"
    assert not _words([chest_reading(tmp_path)]).worklist_row.threshold_set_here


def test_images_that_disagree_about_the_patient_are_named(tmp_path: Path) -> None:
    other = PATIENT.model_copy(update={"patient_name": "Nakato^Sarah", "birth_date": "19900101"})
    words = _words([chest_reading(tmp_path), chest_reading(tmp_path, identity=other)])
    assert words.conflicts == (
        "The images of this study disagree about the patient name: Nakato, Sarah; Okello, Grace.",
        "The images of this study disagree about the date of birth: 1984-02-17; 1990-01-01.",
    )


def test_names_that_differ_only_in_how_they_are_written_are_no_conflict(tmp_path: Path) -> None:
    same = PATIENT.model_copy(update={"patient_name": f"{PATIENT.patient_name}^^", "birth_date": "1984.02.17"})
    assert _words([chest_reading(tmp_path), chest_reading(tmp_path, identity=same)]).conflicts == ()


def test_another_patient_under_the_same_study_number_is_named(tmp_path: Path) -> None:
    words = _words([chest_reading(tmp_path)], "KIT-2", "")
    numbered, unnumbered = words.conflicts
    assert "(patient ID KIT-2)" in numbered
    assert "(patient ID not given)" in unnumbered
    assert words.worklist_row.conflict == "The same study number was used for two patients"


def test_the_row_says_that_the_images_disagree_about_whose_exam_it_is_and_otherwise_nothing(tmp_path: Path) -> None:
    other = PATIENT.model_copy(update={"patient_name": "Nakato^Sarah", "birth_date": "20010509"})
    row = _words([chest_reading(tmp_path), chest_reading(tmp_path, identity=other)]).worklist_row
    assert row.conflict == "The images disagree about the patient name; The images disagree about the date of birth"
    assert _words([chest_reading(tmp_path)]).worklist_row.conflict == ""


def test_the_row_has_what_an_exam_is_found_by(tmp_path: Path) -> None:
    found_by = {"accession_number": "A77", "birth_date": "19840217", "study_date": "20261102"}
    row = _words([chest_reading(tmp_path, identity=PATIENT.model_copy(update=found_by))]).worklist_row
    assert (row.accession_number, row.birth_date, row.exam_date) == ("A77", "1984-02-17", "2026-11-02")


def test_the_row_of_the_worklist_says_what_the_report_says(tmp_path: Path) -> None:
    words = _words([chest_reading(tmp_path), unassessed_reading()])
    row = words.worklist_row
    assert (row.headline, row.kind, row.urgent) == (words.headline.text, words.headline.kind, words.headline.urgent)
    assert (row.patient, row.patient_id) == tuple(field.value for field in words.patient[:2])
    assert (row.exam, row.images, row.received) == ("CR CHEST", "2 images, 1 not assessed", "2026-11-03 14:25")
    assert row.detail == "", "findings are explained on the report itself"


def test_the_row_of_an_exam_that_was_not_assessed_gives_the_reason() -> None:
    row = _words([unassessed_reading()]).worklist_row
    assert (row.headline, row.images) == ("Not assessed", "1 image")
    assert row.detail.startswith("This is a lateral view. Send a frontal film.")


def test_an_exam_that_a_replaced_model_read_says_so_and_how_to_have_it_read_again(tmp_path: Path) -> None:
    film = chest_reading(tmp_path)
    assert film.model is not None
    name, version = film.model.name, film.model.version
    words = _words([film, unassessed_reading()], models_in_use={name: "99.0.0", "another": "1.0.0"})
    assert f"({name} {version})" in words.replaced_models
    assert "leapfrog reread 0123456789abcdef" in words.replaced_models
    assert words.worklist_row.replaced_models == (f"{name} {version}",)
    for in_use in ({name: version}, {"another": "1.0.0"}, None):
        assert _words([film], models_in_use=in_use).replaced_models == ""


# ---------------------------------------------------------------- ages, what was not looked for, digits


def test_an_age_that_is_not_given_is_the_first_thing_said_and_stands_in_the_row(tmp_path: Path) -> None:
    words = _words([chest_reading(tmp_path, age_not_given=True), head_reading(tmp_path)])
    said = "Age not given: this reading holds for adults only; for a child disregard it."
    assert words.headline.caution == said
    assert [image.headline.caution for image in words.images] == [said, ""]
    assert words.worklist_row.caution == "Age not given: for adults only"
    known = _words([chest_reading(tmp_path)])
    assert (known.headline.caution, known.worklist_row.caution) == ("", "")


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ({"birth_date": "19840217", "sex": "F"}, "42 years, female"),
        ({"patient_age": "007Y", "sex": "M"}, "7 years, male"),
        ({"birth_date": "20260301", "sex": ""}, "8 months, sex not given"),
        ({"patient_age": "001D", "sex": "O"}, "1 day, other"),
        ({"sex": "F"}, "age not given, female"),
        ({"patient_age": "7Y", "sex": "F"}, 'age not given (the image says "7Y"), female'),
        ({"age_set_here": 30, "sex": "F"}, "30 years (set on this box), female"),
        (
            {"birth_date": "19840217", "patient_age": "007Y", "sex": "F"},
            "42 years by date of birth, but 7 years in the image, female",
        ),
        (
            {"birth_date": "20300101", "patient_age": "034Y"},
            "34 years (the date of birth is after the exam), sex not given",
        ),
        ({"birth_date": "20300101", "sex": "F"}, "age not given (the date of birth is after the exam), female"),
        ({"birth_date": "19000101"}, "not given"),
        ({}, "not given"),
    ],
)
def test_age_and_sex_stand_on_report_and_row(identity: dict[str, Any], expected: str) -> None:
    words = _words([unassessed_reading(identity=Identity(study_date="20261103", **identity))])
    assert {field.label: field.value for field in words.patient}[Sentence("Age and sex")] == expected
    assert words.worklist_row.age_and_sex == expected


def test_an_older_row_has_no_age() -> None:
    row = _words([unassessed_reading()]).worklist_row.model_dump(exclude={"age_and_sex", "caution", "mark"})
    assert WorklistRow.model_validate(row).age_and_sex == ""


def test_what_was_not_looked_for_is_said_whatever_was_found(tmp_path: Path) -> None:
    model = CHEST_MODEL.model_copy(update={"not_covered": ("Pneumothorax", "TB")})
    quiet = chest_reading(tmp_path, findings=(finding("Nodule", 0.1),), outcome="nothing_found", model=model)
    expected = (
        "Not covered, so neither found nor ruled out: pneumothorax, TB, and everything else that this model was not"
        " made to find."
    )
    for reading in (chest_reading(tmp_path, model=model), quiet):
        assert [image.not_covered for image in _words([reading]).images] == [expected]
    [head] = _words([head_reading(tmp_path)]).images
    assert head.not_covered == (
        "This model looks for nothing else: whatever else there may be is neither found nor ruled out."
    )
    [unread] = _words([unassessed_reading()]).images
    assert unread.not_covered == "", "no model has looked"


def test_a_bar_that_is_not_to_scale_is_said_to_be_none(tmp_path: Path) -> None:
    said = "A bar shows on which side of its thresholds a score lies. It is not drawn to scale."
    assert [
        said in _words([reading]).images[0].notes for reading in (chest_reading(tmp_path), head_reading(tmp_path))
    ] == [
        True,
        False,
    ]


def test_the_caution_of_a_package_comes_first_on_all_that_it_read_also_when_nothing_was_found(tmp_path: Path) -> None:
    model = CHEST_MODEL.model_copy(update={"caution": "One hospital; not yet shown to look at the lungs."})
    said = "Caution: one hospital; not yet shown to look at the lungs."
    quiet = chest_reading(tmp_path, findings=(finding("Nodule", 0.1),), outcome="nothing_found", model=model)
    for reading in (chest_reading(tmp_path, model=model), quiet):
        words = _words([reading, reading])
        assert words.headline.caution == said
        assert words.worklist_row.caution == "", "it stands once above the list"
        assert words.worklist_row.package_cautions == (
            PackageCaution(package=model.name, caution=Sentence(model.caution)),
        )
    mixed = _words([quiet, head_reading(tmp_path), unassessed_reading()])
    assert [image.headline.caution for image in mixed.images] == [said, "", ""]
    assert mixed.headline.caution == said
    unknown = _words([quiet.model_copy(update={"age_not_given": True})])
    assert unknown.headline.caution.startswith("Age not given: this reading holds for adults only")
    assert unknown.headline.caution.endswith(said)
    assert unknown.worklist_row.caution == "Age not given: for adults only"
    assert _words([unassessed_reading(model=model)]).worklist_row.package_cautions == ()


@pytest.mark.parametrize(
    ("shows_where", "said", "overlay"),
    [
        ((True, True), "", "Where the model looked: Pleural effusion, Infiltration. "),
        (
            (True, False),
            "The model does not tell where in the picture it sees: Infiltration.",
            "Where the model looked: Pleural effusion. ",
        ),
        ((False, False), "The model does not tell where in the picture it sees these.", None),
    ],
)
def test_of_what_the_model_does_not_tell_where_this_is_said_once(
    tmp_path: Path, shows_where: tuple[bool, bool], said: str, overlay: str | None
) -> None:
    names = ("Pleural effusion", "Infiltration")
    findings = tuple(finding(name, shows_where=one) for name, one in zip(names, shows_where, strict=True))
    pictures: dict[str, Any] = {"overlay": "overlay-1.jpg" if any(shows_where) else None, "heatmaps": ()}
    quiet = finding("Nodule", 0.1, shows_where=False)
    [image] = _words([chest_reading(tmp_path, findings=(*findings, quiet), **pictures)]).images
    assert image.no_place == said
    assert (image.overlay is None) == (overlay is None)
    assert image.overlay is None or overlay is None or image.overlay.caption.startswith(overlay)
    one = chest_reading(tmp_path, findings=(findings[1], quiet), **pictures)
    if not shows_where[1]:
        assert _words([one]).images[0].no_place.endswith(" it sees this.")
    nothing = chest_reading(tmp_path, findings=(quiet,), outcome="nothing_found", overlay=None, heatmaps=())
    assert _words([nothing]).images[0].no_place == "", "there is nothing to be seen anywhere"


@pytest.mark.parametrize(
    ("told", "sent", "said"),
    [
        ("PA", "PA", "Read as PA (from behind)."),
        ("AP", "", "Read as AP (from the front, as in bed): the picture looks like that."),
        ("AP", "anteroposterior", "Read as AP (from the front, as in bed)."),
        (
            "AP",
            "PA",
            "Sent as PA (from behind), but the picture looks like AP (from the front, as in bed): it was read as AP.",
        ),
        (
            "PA",
            "Antero-Posterior",
            "Sent as AP (from the front, as in bed), but the picture looks like PA (from behind): it was read as PA.",
        ),
        (None, "PA", ""),
    ],
)
def test_the_view_that_a_film_was_read_as_is_said_and_that_it_was_sent_as_another(
    tmp_path: Path, told: FrontalView | None, sent: str, said: str
) -> None:
    header = ImageHeader(modality="CR", body_part="CHEST", view=sent)
    [image] = _words([chest_reading(tmp_path, view=told, header=header)]).images
    assert image.view == said


@pytest.mark.parametrize(
    ("score", "threshold", "shown"),
    [
        (0.87, 0.41, ("0.87", "0.41")),
        (0.1402, 0.1438, ("0.140", "0.144")),
        (0.1436, 0.1438, ("0.1436", "0.1438")),
        (0.14376, 0.1438, ("0.14376", "0.14380")),
        (0.1438, 0.14376, ("0.14380", "0.14376")),
        (0.1438, 0.1438, ("0.14", "0.14")),
        (0.0, 1e-7, ("0.0000000", "0.0000001")),
    ],
)
def test_score_and_threshold_are_shown_to_the_digits_that_decide(
    tmp_path: Path, score: float, threshold: float, shown: tuple[str, str]
) -> None:
    [image] = _words([chest_reading(tmp_path, findings=(finding("Atelectasis", score, threshold),))]).images
    [row] = image.rows
    assert (row.score, row.threshold) == shown
    assert (float(row.score) >= float(row.threshold)) == (score >= threshold)


def test_two_floats_side_by_side_are_told_apart_or_called_equal(tmp_path: Path) -> None:
    threshold = 0.1438
    below = math.nextafter(threshold, 0)
    [image] = _words([chest_reading(tmp_path, findings=(finding("Atelectasis", below, threshold),))]).images
    assert image.rows[0].score != image.rows[0].threshold


@pytest.mark.parametrize(
    ("score", "shown", "urgent_from", "result", "grade"),
    [
        (0.87, ("0.87", "0.34"), "0.41", "URGENT", "above the urgent threshold"),
        (0.4123, ("0.4123", "0.3400"), "0.4117", "URGENT", "above the urgent threshold"),
        (0.4088, ("0.4088", "0.3400"), "0.4090", "FLAGGED", "above the threshold"),
        (0.41, ("0.41", "0.34"), "0.41", "URGENT", "just at the urgent threshold"),
        (0.3, ("0.300", "0.340"), "0.344", "not flagged", "not ruled out"),
    ],
)
def test_the_urgent_threshold_is_said_to_the_digits_that_decide_which_the_score_has_too(
    tmp_path: Path, score: float, shown: tuple[str, str], urgent_from: str, result: str, grade: str
) -> None:
    limit = {"0.41": 0.41, "0.4117": 0.4117, "0.4090": 0.409, "0.344": 0.344}[urgent_from]
    edema = finding("Pulmonary edema", score, 0.34, urgent=score >= limit, urgent_threshold=limit)
    [image] = _words([chest_reading(tmp_path, findings=(edema, finding("TB", 0.1)))]).images
    row = next(row for row in image.rows if row.name == "Pulmonary edema")
    assert (row.score, row.threshold, row.urgent_threshold) == (*shown, urgent_from)
    assert (row.result, row.grade) == (result, grade)
    assert (float(row.score) >= float(urgent_from)) == row.urgent


def test_a_finding_without_an_urgent_threshold_of_its_own_is_graded_by_the_one_it_has(tmp_path: Path) -> None:
    findings = (finding("TB", 0.96, 0.95, urgent=True), finding("Nodule", 0.5, 0.5))
    [image] = _words([chest_reading(tmp_path, findings=findings)]).images
    assert [(row.result, row.grade, row.urgent_threshold) for row in image.rows] == [
        ("URGENT", "above the threshold", ""),
        ("FLAGGED", "just at the threshold", ""),
    ]


@pytest.mark.parametrize("outcome", ["findings", "nothing_found"])
def test_what_a_model_is_for_and_how_its_picture_was_checked_is_said_whatever_was_found(
    tmp_path: Path, outcome: Outcome
) -> None:
    model = CHEST_MODEL.model_copy(update={"intended_use": "Frontal chest films of adults."})
    findings = (finding("Nodule", 0.9 if outcome == "findings" else 0.1),)
    film = chest_reading(tmp_path, findings=findings, outcome=outcome, model=model)
    [image] = _words([film]).images
    assert image.made_for == "What this model is for: Frontal chest films of adults."
    assert image.image_check.startswith("Image check: none")
    checked = film.model_copy(update={"quality": Quality(acceptable=True, score=-1.0, limit=0)})
    assert _words([checked]).images[0].image_check.startswith("Image check: nothing wrong was noticed")
    doubtful = checked.model_copy(update={"quality": Quality(acceptable=True, detail=Sentence("It may be dark."))})
    assert _words([doubtful]).images[0].image_check == "Image check: It may be dark."
    [unread] = _words([unassessed_reading()]).images
    assert (unread.made_for, unread.image_check) == ("", "")


def test_a_model_that_ran_without_a_result_is_named_and_nobody_says_that_none_looked(tmp_path: Path) -> None:
    reason = "No fetal head was recognised in the picture, so nothing was measured."
    model = HEAD_MODEL.model_copy(update={"intended_use": "Fetal heads."})
    lost = head_reading(tmp_path, model=model, findings=(), outcome="not_assessed", overlay=None, reason=reason)
    words = _words([lost])
    [image] = words.images
    assert image.not_assessed == (reason, "No model gives a result for this: it needs a person.")
    assert image.model.startswith("Model: fetal-head 0.2.0")
    assert image.made_for.endswith("Fetal heads.")
    assert words.headline.detail == " ".join(image.not_assessed)


def test_of_a_loop_it_is_said_how_many_frames_were_looked_at(tmp_path: Path) -> None:
    [loop] = _words([head_reading(tmp_path, frames_read=9)]).images
    assert loop.frames == "The model looked at 9 of the 40 frames, and this is what it says of frame 12."
    [film] = _words([chest_reading(tmp_path)]).images
    assert film.frames == ""


def test_what_is_flagged_has_another_shape_and_other_words_than_what_is_urgent(tmp_path: Path) -> None:
    both = chest_reading(tmp_path, findings=(finding("Nodule"), finding("TB", urgent=True), finding("Edema", 0.1)))
    [image] = _words([both]).images
    assert {row.name: (row.mark, row.result) for row in image.rows} == {
        "Nodule": ("△", "FLAGGED"),
        "TB": ("▲", "URGENT"),
        "Edema": ("○", "not flagged"),
    }
    words = _words([both, chest_reading(tmp_path)])
    assert [image.headline.mark for image in words.images] == ["▲", "△"]
    assert (words.headline.mark, words.worklist_row.mark) == ("▲", "▲")
    assert _words([chest_reading(tmp_path)]).worklist_row.mark == "△"


# ---------------------------------------------------------------- what is only an aid


def test_an_aid_says_on_report_and_row_what_it_is_for_and_how_often_it_is_wrong(tmp_path: Path) -> None:
    for nerves, vessels in ((1, 1), (0, 1), (0, 0)):
        words = _words([nerve_reading(tmp_path, nerves=nerves, vessels=vessels)])
        for where in (words.headline, words.images[0].headline):
            assert where.caution == "Caution: of ten nerves it outlines, about three are none."
        assert [one.package for one in words.worklist_row.package_cautions] == ["nerve"]
        for shown in (words.headline, words.images[0].headline, words.worklist_row):
            assert shown.detail.startswith(NERVE_MODEL.aid)
            assert not shown.urgent
        assert words.headline.kind != "look"
        assert words.disclaimer.endswith("a trained person decides.")


def test_the_table_of_an_aid_tells_what_was_drawn_and_how(tmp_path: Path) -> None:
    [image] = _words([nerve_reading(tmp_path, nerves=2, areas=(35.24, 12.3))]).images
    assert [(row.name, row.result, row.kind) for row in image.rows] == [
        ("Nerve", "Nerve area 35 and 12 mm²", "measured"),
        ("Vessel", "hatched", "measured"),
    ]
    assert image.overlay is not None
    assert image.overlay.caption == "Outline: Nerve area 35 and 12 mm². Hatched: Vessel"
    [small] = _words([nerve_reading(tmp_path, areas=(9.43,))]).images
    assert small.rows[0].result == "Nerve area 9.4 mm²"
    [nothing] = _words([nerve_reading(tmp_path, nerves=0, vessels=0)]).images
    assert [row.result for row in nothing.rows] == ["not outlined", "not hatched"]
    assert nothing.overlay is None
    assert not any("rule out" in note or "flagged" in note.lower() for note in nothing.notes)


def test_a_reason_beside_the_headline_is_not_said_again_below(tmp_path: Path) -> None:
    [image] = _words([nerve_reading(tmp_path, reason="The image has no scale.")]).images
    assert "The image has no scale." in image.headline.detail
    assert "The image has no scale." not in image.notes


def test_the_reported_frame_stands_among_the_others_of_its_loop(tmp_path: Path) -> None:
    others = tuple(FramePicture(frame=frame, file=f"frame-{frame}.jpg") for frame in (1, 20))
    [image] = _words([head_reading(tmp_path, frame_pictures=others)]).images
    assert [(one.file, one.caption, one.reported) for one in image.loop] == [
        ("frame-1.jpg", "Frame 1", False),
        ("plain-2.jpg", "Frame 12, the one reported", True),
        ("frame-20.jpg", "Frame 20", False),
    ]
    [film] = _words([chest_reading(tmp_path)]).images
    assert film.loop == ()


def test_an_urgent_threshold_that_was_set_here_is_told_in_the_report_too(tmp_path: Path) -> None:
    setting = ThresholdSetHere(
        package_threshold=0.5, set_by="Dr Amina Okello", set_at="2026-11-29T10:00:00+03:00", images=240,
        urgent_threshold=0.8, package_urgent_threshold=0.9,
    )  # fmt: skip
    film = chest_reading(tmp_path, findings=(finding("Nodule", 0.7, set_here=setting),))
    note = next(note for note in _words([film]).images[0].notes if "set here" in note)
    assert note.endswith(" instead of the model's own 0.50. Urgent from 0.80 on, instead of 0.90.")
