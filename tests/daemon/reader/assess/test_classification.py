"""From a classifier's outputs to findings."""

from pathlib import Path

import numpy as np
import pytest

from leapfrog.engine.tensors import TensorSpec, dequantize, quantization_table, quantize
from leapfrog.errors import EngineError
from leapfrog.exam import FrontalView
from leapfrog.packages.finding_rules import Calibration, ThresholdsByView, ViewRule, ViewThresholds
from leapfrog.packages.manifest import Manifest, ModelOutputs
from leapfrog.packages.package import load_package
from leapfrog.reader.assess.classification import calibrated_score, classify, hot_region
from support.tiny_models import write_classifier


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return load_package(write_classifier(tmp_path)).manifest


def outputs(bright: float, dark: float) -> list[np.ndarray]:
    heat = np.zeros((1, 7, 7, 2), np.float32)
    heat[0, 1:3, 4:6, 0] = 1.0
    return [np.array([[bright, dark]], np.float32), heat]


def test_every_finding_is_returned_and_only_the_flagged_one_has_a_heat_map(manifest: Manifest) -> None:
    classification = classify(manifest, outputs(0.9, 0.2))
    assert [(finding.name, finding.flagged, finding.urgent) for finding in classification.findings] == [
        ("Bright", True, True),
        ("Dark", False, False),
    ]
    assert classification.findings[0].score == pytest.approx(0.9, abs=1e-3)
    assert list(classification.heatmaps) == ["Bright"]
    assert classification.heatmaps["Bright"].min() == 0
    assert classification.heatmaps["Bright"].max() == 1


def test_the_box_encloses_the_hot_area(manifest: Manifest) -> None:
    region = classify(manifest, outputs(0.9, 0.2)).findings[0].region
    assert region is not None
    assert region.left == pytest.approx(4 / 7, abs=0.04)
    assert region.right == pytest.approx(6 / 7, abs=0.04)
    assert region.top == pytest.approx(1 / 7, abs=0.04)
    assert region.bottom == pytest.approx(3 / 7, abs=0.04)


def test_the_box_leaves_out_a_second_hot_area() -> None:
    heat = np.zeros((7, 7), np.float32)
    heat[0, 0], heat[6, 6] = 1.0, 0.9
    region = hot_region(heat)
    assert region is not None
    assert region.right < 0.5
    assert region.bottom < 0.5


def test_a_box_that_would_hold_most_of_the_picture_is_left_out() -> None:
    heat = np.zeros((7, 7), np.float32)
    heat[1:, :6] = 1.0
    assert hot_region(heat) is None


def test_a_flat_map_points_nowhere(manifest: Manifest) -> None:
    flat = [np.array([[0.9, 0.1]], np.float32), np.full((1, 7, 7, 2), 0.5, np.float32)]
    classification = classify(manifest, flat)
    assert classification.findings[0].flagged
    assert classification.findings[0].region is None
    assert not classification.findings[0].shows_where
    assert classification.heatmaps == {}


def test_the_threshold_is_on_the_calibrated_score() -> None:
    assert calibrated_score(0.5, Calibration()) == pytest.approx(0.5)
    assert calibrated_score(0.5, Calibration(a=1, b=2)) == pytest.approx(1 / (1 + np.exp(-2)))
    assert calibrated_score(0.0, Calibration(a=2)) > 0
    assert calibrated_score(1.0, Calibration(a=2)) < 1


@pytest.mark.parametrize(
    "wrong",
    [
        [np.zeros((1, 3), np.float32), np.zeros((1, 7, 7, 2), np.float32)],
        [np.zeros((1, 2), np.float32), np.zeros((1, 7, 7, 3), np.float32)],
        [np.zeros((1, 2), np.float32)],
    ],
)
def test_outputs_that_do_not_fit_the_package_are_the_engines_failure(
    manifest: Manifest, wrong: list[np.ndarray]
) -> None:
    with pytest.raises(EngineError):
        classify(manifest, wrong)


@pytest.mark.parametrize("scale", [2 / 255, float(np.float32(2 / 255))])
def test_grays_reach_the_model_through_its_own_scale(scale: float) -> None:
    spec = TensorSpec(shape=(1, 2, 2, 1), dtype="int8", scale=scale, zero_point=-1)
    table = quantization_table(spec)
    picture = np.array([[0, 255], [100, 200]], np.uint8)
    tensor = quantize(picture, table)
    assert tensor.shape == (1, 2, 2, 1)
    assert tensor.dtype == np.int8
    real = dequantize(tensor, spec)[0, :, :, 0]
    assert np.abs(real - (picture / 127.5 - 1)).max() <= 0.51 * scale
    assert len(set(table.tolist())) >= 255  # nearly every gray keeps a number of its own


def test_a_shifted_zero_point_is_kept() -> None:
    spec = TensorSpec(shape=(1,), dtype="uint8", scale=2 / 255, zero_point=127)
    table = quantization_table(spec)
    assert table[0] == 0
    assert table[255] == 255


def test_an_input_that_is_not_quantized_is_refused_unless_float() -> None:
    with pytest.raises(EngineError):
        quantization_table(TensorSpec(shape=(1,), dtype="int8"))
    assert quantization_table(TensorSpec(shape=(1,), dtype="float32"))[255] == pytest.approx(1.0)


def test_the_score_that_is_shown_is_the_one_that_decided(manifest: Manifest) -> None:
    """Rounded to four digits it stood at its threshold, and was not flagged."""
    rule = manifest.finding[0]
    just_below = rule.threshold - 0.00003
    probability = next(p for p in np.linspace(0.5, 0.7, 200_001) if calibrated_score(p, rule.calibration) > just_below)
    finding = classify(manifest, outputs(float(probability), 0.2)).findings[0]
    assert round(finding.score, 4) == rule.threshold
    assert finding.score < rule.threshold
    assert not finding.flagged


def test_a_finding_is_urgent_from_its_own_threshold_on(manifest: Manifest) -> None:
    rule = manifest.finding[0].model_copy(update={"urgent_threshold": 0.8})
    stricter = manifest.model_copy(update={"finding": (rule, manifest.finding[1])})
    marks = [classify(stricter, outputs(score, 0.2)).findings[0] for score in (0.5, 0.7, 0.9)]
    assert [(mark.flagged, mark.urgent) for mark in marks] == [(False, False), (True, False), (True, True)]
    assert marks[0].urgent_threshold == 0.8


def told_apart(manifest: Manifest) -> Manifest:
    pa, ap = ViewThresholds(threshold=0.4, urgent_threshold=0.5), ViewThresholds(threshold=0.7)
    views = {"threshold": 0.4, "urgent": True, "by_view": ThresholdsByView(PA=pa, AP=ap)}
    finding = (manifest.finding[0].model_copy(update=views), manifest.finding[1])
    return manifest.model_copy(update={"finding": finding, "view": ViewRule(column=2)})


def with_view(bright: float, ap: float) -> list[np.ndarray]:
    scores, heat = outputs(bright, 0.2)
    column = np.full((1, 7, 7, 1), ap, np.float32)
    return [np.append(scores, [[np.float32(ap)]], axis=1), np.concatenate([heat, column], axis=3)]


@pytest.mark.parametrize(
    ("bright", "ap", "view", "flagged", "urgent", "thresholds"),
    [
        (0.45, 0.1, "PA", True, False, (0.4, 0.5)),
        (0.60, 0.1, "PA", True, True, (0.4, 0.5)),
        (0.60, 0.9, "AP", False, False, (0.7, None)),
        (0.90, 0.5, "AP", True, False, (0.7, None)),
    ],
)
def test_a_finding_is_judged_by_the_view_that_the_model_sees_and_carries_what_was_applied(
    manifest: Manifest,
    bright: float,
    ap: float,
    view: str,
    flagged: bool,
    urgent: bool,
    thresholds: tuple[float, float | None],
) -> None:
    classification = classify(told_apart(manifest), with_view(bright, ap))
    finding, other = classification.findings
    assert classification.view == view
    assert (finding.flagged, finding.urgent) == (flagged, urgent)
    assert (finding.threshold, finding.urgent_threshold) == thresholds
    assert (other.threshold, len(classification.findings)) == (0.6, 2), "the view is no finding"


def test_a_model_without_the_column_of_its_view_is_the_engines_failure(manifest: Manifest) -> None:
    with pytest.raises(EngineError, match="3 columns"):
        classify(told_apart(manifest), outputs(0.9, 0.2))
    assert classify(manifest, outputs(0.9, 0.2)).view is None


def test_a_finding_whose_map_is_not_shown_has_no_place(manifest: Manifest) -> None:
    """Whether there is no map, or one that was not shown to point at this finding."""
    silent = tuple(rule.model_copy(update={"shows_where": False}) for rule in manifest.finding)
    for one, given in (
        (manifest.model_copy(update={"finding": silent}), outputs(0.9, 0.2)),
        (manifest.model_copy(update={"outputs": ModelOutputs(scores=0)}), outputs(0.9, 0.2)[:1]),
    ):
        classification = classify(one, given)
        assert classification.findings[0].flagged
        assert [(finding.shows_where, finding.region) for finding in classification.findings] == [(False, None)] * 2
        assert classification.heatmaps == {}
    told = classify(manifest, outputs(0.9, 0.2)).findings
    assert [finding.shows_where for finding in told] == [True, True]


def test_a_finding_that_is_not_looked_for_in_a_view_is_not_among_its_findings(manifest: Manifest) -> None:
    only_ap = {"by_view": ThresholdsByView(AP=ViewThresholds(threshold=0.7))}
    finding = (manifest.finding[0].model_copy(update=only_ap), manifest.finding[1])
    tells = manifest.model_copy(update={"finding": finding, "view": ViewRule(column=2)})
    pa, ap = (classify(tells, with_view(0.9, probability)) for probability in (0.1, 0.9))
    assert [one.name for one in pa.findings] == [manifest.finding[1].name]
    assert [one.name for one in ap.findings] == [one.name for one in manifest.finding]
    assert pa.findings[0].score == ap.findings[1].score, "a score stays with its finding"


@pytest.mark.parametrize(
    ("ap", "stated", "view"), [(0.6, "PA", "PA"), (0.4, "AP", "AP"), (0.8, "PA", "AP"), (0.6, None, "AP")]
)
def test_where_the_model_is_unsure_of_the_view_the_one_that_the_image_states_is_taken(
    manifest: Manifest, ap: float, stated: FrontalView | None, view: str
) -> None:
    tells = told_apart(manifest).model_copy(update={"view": ViewRule(column=2, unsure=0.2)})
    assert classify(tells, with_view(0.9, ap), stated).view == view
