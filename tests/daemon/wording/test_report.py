"""The headline says the one thing that staff need, and never more than was assessed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from leapfrog.exam import ImageReading, Measurement
from leapfrog.wording.content import content_of, gist_of
from leapfrog.wording.report import Headline, ReportWords, headline_of, words_of
from support.readings import PATIENT, chest_reading, finding, head_reading, unassessed_reading


def _headline(readings: Sequence[ImageReading]) -> Headline:
    return headline_of(gist_of(readings))


def test_flagged_findings_are_counted_and_named_each_once(tmp_path: Path) -> None:
    film = chest_reading(tmp_path)
    headline = _headline([film, film])
    assert headline.text == "2 findings need a look: Pleural effusion, Infiltration"
    assert (headline.kind, headline.urgent) == ("look", False)


def test_an_urgent_finding_comes_first_and_says_so(tmp_path: Path) -> None:
    findings = (finding("Infiltration"), finding("Pneumothorax", urgent=True))
    headline = _headline([chest_reading(tmp_path, findings=findings)])
    assert headline.text == "Urgent: 2 findings need a look: Pneumothorax, Infiltration"
    assert headline.urgent


def test_an_urgent_finding_that_is_not_flagged_is_not_urgent(tmp_path: Path) -> None:
    findings = (finding("Infiltration"), finding("Pneumothorax", 0.1, urgent=True))
    assert not _headline([chest_reading(tmp_path, findings=findings)]).urgent


def test_nothing_flagged_does_not_speak_for_an_image_that_was_not_assessed(tmp_path: Path) -> None:
    quiet = chest_reading(tmp_path, findings=(finding("Nodule", 0.1),), outcome="nothing_found")
    headline = _headline([quiet, unassessed_reading()])
    assert headline.text == "Nothing flagged; 1 of 2 images was not assessed"
    assert headline.detail == "This does not rule out disease."


def test_what_was_not_outlined_is_not_called_unflagged(tmp_path: Path) -> None:
    unseen = finding("Brachial plexus", 0.1).model_copy(update={"note": "No brachial plexus was recognised."})
    headline = _headline([chest_reading(tmp_path, findings=(unseen,), outcome="nothing_found")])
    assert (headline.text, headline.detail) == ("Nothing outlined", "No brachial plexus was recognised.")


def test_what_says_nothing_or_different_things_is_called_unflagged_or_left_general(tmp_path: Path) -> None:
    silent = _headline([chest_reading(tmp_path, findings=(), outcome="nothing_found")])
    assert (silent.text, silent.detail) == ("Nothing flagged", "This does not rule out disease.")
    notes = ("No brachial plexus was recognised.", "No head was recognised.")
    several = tuple(finding("Outline", 0.1).model_copy(update={"note": note}) for note in notes)
    both = _headline([chest_reading(tmp_path, findings=several, outcome="nothing_found")])
    assert (both.text, both.detail) == ("Nothing outlined", "This does not rule out disease.")


def test_a_measurement_is_no_alarm(tmp_path: Path) -> None:
    headline = _headline([head_reading(tmp_path)])
    assert (headline.kind, headline.text) == ("measured", "Head circumference 175.0 mm")


def test_several_measurements_are_shown_as_a_range(tmp_path: Path) -> None:
    first = head_reading(tmp_path)
    measurement = first.findings[0].measurement
    assert measurement is not None
    longer = measurement.model_copy(update={"value": 180.24})
    second = first.model_copy(update={"findings": (first.findings[0].model_copy(update={"measurement": longer}),)})
    assert _headline([first, second]).text == "Head circumference 175.0 to 180.2 mm (2 images)"


def test_an_area_is_shown_in_square_millimetres_as_people_write_them(tmp_path: Path) -> None:
    reading = head_reading(tmp_path)
    area = Measurement(name="Nerve area", value=35.52, unit="mm2")
    measured_finding = reading.findings[0].model_copy(update={"measurement": area})
    assert _headline([reading.model_copy(update={"findings": (measured_finding,)})]).text == "Nerve area 35.5 mm²"


def test_an_outline_without_a_scale_is_reported_as_not_measured(tmp_path: Path) -> None:
    reading = head_reading(tmp_path, reason="The image has no scale.")
    outlined = reading.findings[0].model_copy(update={"measurement": None})
    headline = _headline([reading.model_copy(update={"findings": (outlined,)})])
    assert headline.text == "Fetal head outlined, not measured"
    assert headline.detail == "The image has no scale."


def test_not_assessed_gives_its_reason() -> None:
    headline = _headline([unassessed_reading()])
    assert (headline.kind, headline.text) == ("not_assessed", "Not assessed")
    assert headline.detail.startswith("This is a lateral view. Send a frontal film.")


def test_a_study_without_any_image_is_not_assessed() -> None:
    assert _headline([]).kind == "not_assessed"


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
    numbered, unnumbered = _words([chest_reading(tmp_path)], "KIT-2", "").conflicts
    assert "(patient ID KIT-2)" in numbered
    assert "(patient ID not given)" in unnumbered


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
