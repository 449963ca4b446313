"""Fits and measures the quality check of a model package (`leapfrog.reader.assess.check_in_front.quality`).

It is fitted to training images, each also in two varied forms (`strangers.varied`), against strangers. The limit comes
from patient-wise cross-validation: the share of held-out training images above it is the intended false-alarm rate.
Rates are then measured on the validation images, and on strangers that differ in kind or source from the fitted ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from leapfrog.reader.assess.check_in_front.quality import Description, QualityCheck, describe, distance
from leapfrog.reader.image.pixels import model_input
from leapfrog_training.datasets.splits import patient_folds
from leapfrog_training.files import npz_bytes
from leapfrog_training.quality.boundary import fit_boundary
from leapfrog_training.quality.span import span
from leapfrog_training.quality.strangers import Gray, varied

FOLDS = 5
VARIED_FORMS = 2
STORED_IN_HALF = ("thumbnail_mean", "thumbnail_components", "gradient_mean", "gradient_components")

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """How a picture is described: the model's input size in pixels, the blocks and the numbers of components.

    `telling`: inverted and turned training images are among the strangers. `false_alarm_rate` is the intended rate on
    held-out patients, over original and varied forms together.
    """

    height: int
    width: int
    thumbnail_block: int
    gradient_block: int
    thumbnail_components: int = 40
    gradient_components: int = 60
    telling: bool = False
    false_alarm_rate: float = 0.01


@dataclass(frozen=True)
class Fitted:
    """A check, and the false-alarm rates of its limit on held-out patients, for original and for varied forms."""

    check: QualityCheck
    false_alarm_rate_aimed_at: float
    held_out_false_alarm_rate: float
    held_out_false_alarm_rate_varied: float


@dataclass(frozen=True)
class Rates:
    """The check's results for pictures that it was not fitted on. `missed`, by kind, is (share that passed, number)."""

    false_alarm_rate: float
    pictures: int
    false_alarm_rate_varied: float
    missed: Mapping[str, tuple[float, int]]


@dataclass(frozen=True)
class Descriptions:
    """B described pictures, each field (B, N)."""

    thumbnails: Floats
    gradients: Floats
    textures: Floats

    def at(self, positions: NDArray[np.intp]) -> "Descriptions":
        """The descriptions at `positions`."""
        return Descriptions(self.thumbnails[positions], self.gradients[positions], self.textures[positions])


def describe_all(pictures: Iterable[Gray], layout: Layout) -> Descriptions:
    """Describe pictures of any size as the kiosk does: after resizing them to the model's input."""
    described: list[Description] = [
        describe(
            model_input(np.ascontiguousarray(picture), layout.height, layout.width),
            layout.thumbnail_block,
            layout.gradient_block,
        )
        for picture in pictures
    ]
    return Descriptions(
        np.stack([one.thumbnail for one in described]),
        np.stack([one.gradients for one in described]),
        np.stack([one.texture for one in described]),
    )


def fit_quality(
    pictures: Sequence[Gray], patients: Sequence[str], strangers: Iterable[Gray], layout: Layout, seed: int
) -> Fitted:
    """Fit the check to `pictures`, whose `patients` are given, against `strangers`. The limit is set on held-out
    patients.
    """
    generator = np.random.default_rng(seed)
    forms = [form for picture in pictures for form in (picture, *_varied_forms(picture, generator))]
    owners = [patient for patient in patients for _ in range(1 + VARIED_FORMS)]
    own = describe_all(forms, layout)
    foreign = describe_all(strangers, layout)

    boundary = np.zeros(len(forms), dtype=np.float32)
    far = np.zeros(len(forms), dtype=np.float32)
    for fold in patient_folds(owners, FOLDS, seed):
        check = _fit(own.at(fold.fit), foreign, layout, seed)
        standardised = _standardised(check, own.at(fold.held_out))
        boundary[fold.held_out] = check.boundary(standardised)
        far[fold.held_out] = distance(standardised)

    boundary_scale, distance_scale = _centre_and_spread(boundary), _centre_and_spread(far)
    held_out = np.maximum(
        (boundary - boundary_scale[0]) / boundary_scale[1], (far - distance_scale[0]) / distance_scale[1]
    )
    limit = np.asarray(np.quantile(held_out, 1 - layout.false_alarm_rate), dtype=np.float32)
    as_taken = np.arange(0, len(forms), 1 + VARIED_FORMS)
    final = _fit(own, foreign, layout, seed)
    return Fitted(
        check=replace(final, boundary_scale=boundary_scale, distance_scale=distance_scale, limit=limit),
        false_alarm_rate_aimed_at=layout.false_alarm_rate,
        held_out_false_alarm_rate=float((held_out[as_taken] > limit).mean()),
        held_out_false_alarm_rate_varied=float((np.delete(held_out, as_taken) > limit).mean()),
    )


def measure_quality(
    check: QualityCheck, pictures: Sequence[Gray], strangers: Mapping[str, Sequence[Gray]], seed: int
) -> Rates:
    """Measure the check on pictures that should pass (also in one varied form each), and on strangers of each kind."""
    generator = np.random.default_rng(seed)
    return Rates(
        false_alarm_rate=1 - _passing_share(check, pictures),
        pictures=len(pictures),
        false_alarm_rate_varied=1 - _passing_share(check, [varied(picture, generator) for picture in pictures]),
        missed={kind: (_passing_share(check, group), len(group)) for kind, group in strangers.items()},
    )


def metrics(fitted: Fitted, rates: Rates) -> dict[str, object]:
    """The measured rates as `[metrics.quality]` of a model package."""
    return {
        "false_alarm_rate_aimed_at": fitted.false_alarm_rate_aimed_at,
        "false_alarm_rate_held_out": round(fitted.held_out_false_alarm_rate, 4),
        "false_alarm_rate_held_out_varied": round(fitted.held_out_false_alarm_rate_varied, 4),
        "false_alarm_rate_validation": round(rates.false_alarm_rate, 4),
        "false_alarm_rate_validation_varied": round(rates.false_alarm_rate_varied, 4),
        "validation_images": rates.pictures,
        "miss_rate": {kind: round(share, 4) for kind, (share, _) in rates.missed.items()},
        "miss_rate_images": {kind: number for kind, (_, number) in rates.missed.items()},
    }


def quality_bytes(check: QualityCheck) -> bytes:
    """The check as the content of `quality.npz`, with its large parts as 16-bit floats."""
    values = {field.name: np.asarray(getattr(check, field.name)) for field in fields(check)}
    return npz_bytes({**values, **{name: values[name].astype(np.float16) for name in STORED_IN_HALF}})


def _varied_forms(picture: Gray, generator: np.random.Generator) -> list[Gray]:
    return [varied(picture, generator) for _ in range(VARIED_FORMS)]


def _passing_share(check: QualityCheck, pictures: Sequence[Gray]) -> float:
    height, width = (int(side) for side in check.input_shape)
    passed = [check.check(model_input(np.ascontiguousarray(picture), height, width)).acceptable for picture in pictures]
    return sum(passed) / len(passed)


def _fit(own: Descriptions, foreign: Descriptions, layout: Layout, seed: int) -> QualityCheck:
    """Fit spans, standardisation and boundary; scales and limit are not set yet."""
    thumbnail_mean, thumbnail_components = span(own.thumbnails, layout.thumbnail_components)
    gradient_mean, gradient_components = span(own.gradients, layout.gradient_components)
    feature_count = layout.thumbnail_components + layout.gradient_components + 2 + own.textures.shape[1]
    unset = np.zeros((), dtype=np.float32)
    spans = QualityCheck(
        input_shape=np.array([layout.height, layout.width], dtype=np.int32),
        thumbnail_block=np.array(layout.thumbnail_block, dtype=np.int32),
        gradient_block=np.array(layout.gradient_block, dtype=np.int32),
        thumbnail_mean=thumbnail_mean,
        thumbnail_components=thumbnail_components,
        gradient_mean=gradient_mean,
        gradient_components=gradient_components,
        feature_mean=np.zeros(feature_count, dtype=np.float32),
        feature_scale=np.ones(feature_count, dtype=np.float32),
        hidden_weights=unset,
        hidden_bias=unset,
        weights=unset,
        bias=unset,
        boundary_scale=unset,
        distance_scale=unset,
        limit=unset,
        telling=np.array(layout.telling),
    )
    features = spans.features(own.thumbnails, own.gradients, own.textures)
    # A feature may be the same in all pictures.
    spread = features.std(axis=0) + np.float32(1e-5)
    check = replace(spans, feature_mean=features.mean(axis=0), feature_scale=spread)
    boundary = fit_boundary(_standardised(check, own), _standardised(check, foreign), seed)
    return replace(
        check,
        hidden_weights=boundary.hidden_weights,
        hidden_bias=boundary.hidden_bias,
        weights=boundary.weights,
        bias=boundary.bias,
    )


def _standardised(check: QualityCheck, descriptions: Descriptions) -> Floats:
    return check.standardise(check.features(descriptions.thumbnails, descriptions.gradients, descriptions.textures))


def _centre_and_spread(values: Floats) -> Floats:
    """Median, and the distance from it to the 84th percentile: one standard deviation if the values were normal."""
    median, above = np.quantile(values, (0.5, 0.8413))
    return np.array([median, above - median], dtype=np.float32)
