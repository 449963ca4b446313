"""The headline says the one thing that staff need, and never more than was assessed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from leapfrog.exam import ImageReading, Measurement
from leapfrog.wording.content import gist_of
from leapfrog.wording.headline import headline_of
from leapfrog.wording.report_words import Headline
from support.readings import NERVE_MODEL, chest_reading, finding, head_reading, nerve_reading, unassessed_reading


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
    assert headline.detail == "This does not rule out disease. What was not assessed needs a person."


def test_an_image_that_was_not_assessed_needs_a_person_whatever_the_others_show(tmp_path: Path) -> None:
    for seen in (chest_reading(tmp_path), head_reading(tmp_path), nerve_reading(tmp_path)):
        assert "What was not assessed needs a person." in _headline([seen, unassessed_reading()]).detail
        assert "needs a person" not in _headline([seen, seen]).detail


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
    assert _headline([reading.model_copy(update={"findings": (measured_finding,)})]).text == "Nerve area 36 mm²"


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


@pytest.mark.parametrize(
    ("nerves", "vessels", "text", "kind"),
    [
        (1, 1, "Nerve outlined, vessel hatched (aid, no diagnosis)", "measured"),
        (2, 0, "Nerve outlined (aid, no diagnosis)", "measured"),
        (0, 1, "No nerve outlined: there may still be one", "nothing_flagged"),
        (0, 0, "No nerve outlined: there may still be one", "nothing_flagged"),
    ],
)
def test_what_an_aid_draws_or_does_not_is_neither_good_nor_bad_news(
    tmp_path: Path, nerves: int, vessels: int, text: str, kind: str
) -> None:
    headline = _headline([nerve_reading(tmp_path, nerves=nerves, vessels=vessels)])
    assert (headline.text, headline.kind, headline.urgent) == (text, kind, False)
    assert headline.detail == NERVE_MODEL.aid


def test_the_area_of_a_nerve_is_no_headline(tmp_path: Path) -> None:
    headline = _headline([nerve_reading(tmp_path, areas=(12.3,))])
    assert headline.text == "Nerve outlined, vessel hatched (aid, no diagnosis)"


def test_on_several_images_an_aid_says_on_how_many_it_drew(tmp_path: Path) -> None:
    with_nerve, without = nerve_reading(tmp_path), nerve_reading(tmp_path, nerves=0, vessels=0)
    assert _headline([with_nerve, without, with_nerve]).text == (
        "Nerve outlined in 2 of 3 images, vessel hatched (aid, no diagnosis)"
    )
    assert _headline([without, without]).text == "No nerve outlined in 2 images: there may still be one"
    assert _headline([without, unassessed_reading()]).text == (
        "No nerve outlined: there may still be one; 1 of 2 images was not assessed"
    )


def test_why_there_is_no_area_stands_beside_the_headline(tmp_path: Path) -> None:
    reading = nerve_reading(tmp_path, reason="The image has no scale.")
    assert _headline([reading]).detail == f"{NERVE_MODEL.aid} The image has no scale."


def test_an_aid_changes_nothing_of_what_other_models_found(tmp_path: Path) -> None:
    film, head, nerve = chest_reading(tmp_path), head_reading(tmp_path), nerve_reading(tmp_path, areas=(12.3,))
    unseen = nerve_reading(tmp_path, nerves=0)
    for aid in (nerve, unseen):
        assert _headline([film, aid]).text == _headline([film]).text
        assert _headline([film, aid]).kind == "look"
    assert _headline([head, nerve]).text == (
        "Head circumference 175.0 mm; Nerve outlined, vessel hatched (aid, no diagnosis)"
    )
    quiet = chest_reading(tmp_path, findings=(finding("Nodule", 0.1),), outcome="nothing_found")
    both = _headline([quiet, unseen])
    assert both.text == "Nothing flagged; No nerve outlined: there may still be one"
    assert both.detail == f"{NERVE_MODEL.aid} This does not rule out disease."
