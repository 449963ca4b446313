"""What a person may take over from an evaluation as a threshold of this box."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leapfrog.commands.evaluate.signed_run import signature_file, write_signed
from leapfrog.commands.evaluate.thresholds import Wanted, asked, take_over
from leapfrog.errors import UsageError
from leapfrog.evaluation.evaluation import PackageEvaluation, Setup, evaluated
from leapfrog.evaluation.labelled import EvaluatedImage, LabelledImage, SaidFinding, SaidOfImage
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.settings import Settings
from leapfrog.state.station.local_thresholds import has_thresholds
from leapfrog.state.station.station_key import station_key_file
from support.signed_packages import write_version

OF_EACH = 110


def image(number: int) -> EvaluatedImage:
    """The first OF_EACH have the finding; the scores of both groups overlap, from 0.1 to 0.9."""
    sick = number < OF_EACH
    score = (0.3 if sick else 0.1) + 0.6 * (number % OF_EACH) / OF_EACH
    said = SaidFinding(score=score, threshold=0.6, flagged=score >= 0.6, urgent=False)
    return EvaluatedImage(
        labelled=LabelledImage(file=f"{number}.png", truth={"Bright": sick}),
        said=SaidOfImage(sha256=f"{number}", read_by="tiny-chest 1.2.3", outcome="findings", findings={"Bright": said}),
        assessed=True,
    )


def also_of(image: EvaluatedImage, finding: str) -> EvaluatedImage:
    """The image, of which the same is known and said of `finding` as of Bright."""
    labelled = image.labelled.model_copy(update={"truth": {finding: image.labelled.truth["Bright"]}})
    said = image.said.model_copy(update={"findings": {finding: image.said.findings["Bright"]}})
    return image.model_copy(update={"labelled": labelled, "said": said})


class Place:
    """A box with the tiny classifier, and an evaluation of it."""

    def __init__(self, directory: Path) -> None:
        write_version(directory / "packages/tiny", "1.2.3")
        self.settings = Settings.model_validate(
            {"station": {"state_dir": str(directory / "state")}, "models": {"paths": [str(directory / "packages")]}}
        )
        (directory / "state").mkdir()
        (package,) = (one for one in packages_in_use(self.settings).packages if one.name == "tiny-chest")
        setup = Setup(
            package=package.name, version=package.version, package_sha256=package.digest, demonstration=True,
            data="films", images=220, labels_changed_at="2026-11-20T08:15:00+03:00",
            station="Test hospital", leapfrog="0.1.0", measured_at="2026-11-29T10:00:00+00:00",
        )  # fmt: skip
        self.evaluation = evaluated(setup, package.manifest, [image(number) for number in range(2 * OF_EACH)], ())
        self.file = directory / "evaluation.json"
        self.write(self.evaluation)

    def write(self, evaluation: PackageEvaluation) -> None:
        assert write_signed(self.file, evaluation.model_dump_json().encode(), self.settings.state_dir) == ""

    def wanted(self, threshold: float) -> Wanted:
        return Wanted("tiny-chest", self.file, "Bright", "", threshold, "Dr Amina Okello")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_threshold_that_tells_the_sick_from_some_healthy_is_set(place: Place) -> None:
    (setting,) = take_over(place.wanted(0.5), place.settings).thresholds
    assert (setting.threshold, setting.positives, setting.negatives) == (0.5, OF_EACH, OF_EACH)
    assert 0 < setting.alarms < setting.found < OF_EACH


def test_an_urgent_threshold_is_set_with_it_and_says_whom_it_calls_urgent(place: Place) -> None:
    outcome = take_over(replace(place.wanted(0.5), urgent_threshold=0.65), place.settings)
    (setting,) = outcome.thresholds
    assert (setting.threshold, setting.urgent_threshold, setting.package_urgent_threshold) == (0.5, 0.65, None)
    assert "calls urgent 45 of 110 sick and 9 of 110 healthy" in " ".join(outcome.lines)
    assert "urgent from 0.65 on, instead of whenever it is flagged" in outcome.lines[0]
    assert asked(Wanted("tiny-chest"), False, place.settings).thresholds == (setting,)


@pytest.mark.parametrize(
    ("finding", "urgent", "said"),
    [
        ("Bright", 0.4, "below --threshold 0.5"),
        ("Bright", 0.99, "The urgent threshold 0.99 of Bright was not set: it finds none of the 110 sick"),
        ("Dark", 0.8, "Dark is never urgent, as the package has it"),
    ],
)
def test_an_urgent_threshold_that_cannot_be_is_refused(place: Place, finding: str, urgent: float, said: str) -> None:
    images = tuple(also_of(one, finding) for one in place.evaluation.images)
    place.write(place.evaluation.model_copy(update={"images": images}))
    with pytest.raises(UsageError, match=said):
        take_over(replace(place.wanted(0.5), finding=finding, urgent_threshold=urgent), place.settings)
    assert not has_thresholds(place.settings.state_dir, "tiny-chest")


def test_an_urgent_threshold_alone_sets_nothing(place: Place) -> None:
    with pytest.raises(UsageError, match="Missing: --from, --finding, --threshold, --by"):
        asked(Wanted("tiny-chest", urgent_threshold=0.8), False, place.settings)


@pytest.mark.parametrize("called", ["Bright", "bright", "BRIGHT"])
def test_a_finding_is_called_in_any_case_of_letters(place: Place, called: str) -> None:
    (setting,) = take_over(replace(place.wanted(0.5), finding=called), place.settings).thresholds
    assert setting.finding == "Bright"


def test_a_finding_that_the_package_does_not_know_is_refused(place: Place) -> None:
    with pytest.raises(UsageError, match=r'has no finding "Mass", .* It has: Bright, Dark'):
        take_over(replace(place.wanted(0.5), finding="Mass"), place.settings)


@pytest.mark.parametrize(("threshold", "said"), [(1.0, "none of the 110 sick"), (0.0, "flags all 110 healthy")])
def test_a_threshold_that_tells_nobody_apart_is_refused(place: Place, threshold: float, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        take_over(place.wanted(threshold), place.settings)
    assert not has_thresholds(place.settings.state_dir, "tiny-chest")


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ({"measured": None}, "Missing: --from."),
        ({"measured": None, "by": "", "finding": ""}, "Missing: --from, --finding, --by."),
        ({"measured": None, "threshold": None, "by": "", "finding": "", "view": "PA"}, "Missing: --from"),
        ({"threshold": None}, "Missing: --threshold."),
    ],
)
def test_an_option_that_was_forgotten_shows_no_old_setting(place: Place, left_out: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        asked(replace(place.wanted(0.5), **left_out), False, place.settings)
    assert said in str(refused.value)


def test_undo_takes_nothing_but_the_package(place: Place) -> None:
    assert asked(place.wanted(0.5), False, place.settings).thresholds
    with pytest.raises(UsageError, match="takes no other option"):
        asked(place.wanted(0.4), True, place.settings)
    assert asked(Wanted("tiny-chest"), False, place.settings).thresholds[0].threshold == 0.5
    assert asked(Wanted("tiny-chest"), True, place.settings).thresholds == ()


def refusal(place: Place) -> str:
    with pytest.raises(UsageError) as refused:
        take_over(place.wanted(0.5), place.settings)
    assert not has_thresholds(place.settings.state_dir, "tiny-chest")
    return str(refused.value)


def test_figures_that_were_edited_are_refused(place: Place) -> None:
    place.file.write_bytes(place.file.read_bytes().replace(b'"Bright":false', b'"Bright":true', 1))
    assert "was altered after it was measured" in refusal(place)


def test_figures_that_this_box_did_not_sign_are_refused(place: Place, tmp_path: Path) -> None:
    assert write_signed(place.file, place.file.read_bytes(), tmp_path / "another box") == ""
    assert "measured by another box" in refusal(place)
    signature_file(place.file).unlink()
    assert "there is no evaluation.json.sig beside it" in refusal(place)


def test_figures_are_refused_when_the_station_key_is_gone(place: Place) -> None:
    station_key_file(place.settings.state_dir).unlink()
    assert "is missing" in refusal(place)


def test_a_run_that_cannot_be_signed_says_so_and_keeps_no_old_signature(place: Place, tmp_path: Path) -> None:
    (tmp_path / "no folder").write_text("")
    said = write_signed(place.file, b"{}", tmp_path / "no folder")
    assert "No threshold can be taken over from this run" in said
    assert place.file.read_bytes() == b"{}" and not signature_file(place.file).exists()


def test_too_few_images_of_each_kind_are_refused(place: Place) -> None:
    few = [one for one in place.evaluation.images if int(one.said.sha256) % OF_EACH < 60]
    place.write(place.evaluation.model_copy(update={"images": tuple(few)}))
    said = refusal(place)
    assert said.startswith("No threshold is taken over: that takes at least 100")
    assert "Here there are 60 and 60." in said
