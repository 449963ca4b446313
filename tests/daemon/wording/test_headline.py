"""The headline says the one thing that staff need, and never more than was assessed."""

from pathlib import Path

from leapfrog.exam import Measurement
from leapfrog.wording.headline import headline_of
from support.readings import chest_reading, finding, head_reading, unassessed_reading


def test_flagged_findings_are_counted_and_named_each_once(tmp_path: Path) -> None:
    film = chest_reading(tmp_path)
    headline = headline_of([film, film])
    assert headline.text == "2 findings need a look: Pleural effusion, Infiltration"
    assert (headline.kind, headline.urgent) == ("look", False)


def test_an_urgent_finding_comes_first_and_says_so(tmp_path: Path) -> None:
    findings = (finding("Infiltration"), finding("Pneumothorax", urgent=True))
    headline = headline_of([chest_reading(tmp_path, findings=findings)])
    assert headline.text == "Urgent: 2 findings need a look: Pneumothorax, Infiltration"
    assert headline.urgent


def test_an_urgent_finding_that_is_not_flagged_is_not_urgent(tmp_path: Path) -> None:
    findings = (finding("Infiltration"), finding("Pneumothorax", 0.1, urgent=True))
    assert not headline_of([chest_reading(tmp_path, findings=findings)]).urgent


def test_nothing_flagged_does_not_speak_for_an_image_that_was_not_assessed(tmp_path: Path) -> None:
    quiet = chest_reading(tmp_path, findings=(finding("Nodule", 0.1),), outcome="nothing_found")
    headline = headline_of([quiet, unassessed_reading()])
    assert headline.text == "Nothing flagged; 1 of 2 images was not assessed"
    assert headline.detail == "This does not rule out disease."


def test_what_was_not_outlined_is_not_called_unflagged(tmp_path: Path) -> None:
    unseen = finding("Brachial plexus", 0.1).model_copy(update={"note": "No brachial plexus was recognised."})
    headline = headline_of([chest_reading(tmp_path, findings=(unseen,), outcome="nothing_found")])
    assert (headline.text, headline.detail) == ("Nothing outlined", "No brachial plexus was recognised.")


def test_what_says_nothing_or_different_things_is_called_unflagged_or_left_general(tmp_path: Path) -> None:
    silent = headline_of([chest_reading(tmp_path, findings=(), outcome="nothing_found")])
    assert (silent.text, silent.detail) == ("Nothing flagged", "This does not rule out disease.")
    notes = ("No brachial plexus was recognised.", "No head was recognised.")
    several = tuple(finding("Outline", 0.1).model_copy(update={"note": note}) for note in notes)
    both = headline_of([chest_reading(tmp_path, findings=several, outcome="nothing_found")])
    assert (both.text, both.detail) == ("Nothing outlined", "This does not rule out disease.")


def test_a_measurement_is_no_alarm(tmp_path: Path) -> None:
    headline = headline_of([head_reading(tmp_path)])
    assert (headline.kind, headline.text) == ("measured", "Head circumference 175.0 mm")


def test_several_measurements_are_given_as_a_span(tmp_path: Path) -> None:
    first = head_reading(tmp_path)
    measurement = first.findings[0].measurement
    assert measurement is not None
    longer = measurement.model_copy(update={"value": 180.24})
    second = first.model_copy(update={"findings": (first.findings[0].model_copy(update={"measurement": longer}),)})
    assert headline_of([first, second]).text == "Head circumference 175.0 to 180.2 mm (2 images)"


def test_an_area_is_given_in_square_millimetres_as_people_write_them(tmp_path: Path) -> None:
    reading = head_reading(tmp_path)
    area = Measurement(name="Nerve area", value=35.52, unit="mm2")
    found = reading.findings[0].model_copy(update={"measurement": area})
    assert headline_of([reading.model_copy(update={"findings": (found,)})]).text == "Nerve area 35.5 mm²"


def test_an_outline_without_a_scale_is_said_to_be_unmeasured(tmp_path: Path) -> None:
    reading = head_reading(tmp_path, reason="The image has no scale.")
    outlined = reading.findings[0].model_copy(update={"measurement": None})
    headline = headline_of([reading.model_copy(update={"findings": (outlined,)})])
    assert headline.text == "Fetal head outlined, not measured"
    assert headline.detail == "The image has no scale."


def test_not_assessed_gives_its_reason() -> None:
    headline = headline_of([unassessed_reading()])
    assert (headline.kind, headline.text) == ("not_assessed", "Not assessed")
    assert headline.detail.startswith("This is a lateral view. Send a frontal film.")


def test_a_study_without_any_image_is_not_assessed() -> None:
    assert headline_of([]).kind == "not_assessed"
