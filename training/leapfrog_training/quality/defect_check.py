"""Fits and measures the check in front that names defects (`leapfrog.reader.assess.check_in_front.defects`).

It is fitted to good films of several sources, as they are and as `elsewhere` has them, against the same films spoilt in
each way, and against strangers. The limits come from films that the fit did not see: of patients held out, and of whole
sources held out, so that a hospital that no training saw is not refused for its look.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from leapfrog.reader.assess.check_in_front.defects import FORMAT, Defect, DefectCheck
from leapfrog.reader.assess.check_in_front.description import Description, describe
from leapfrog.reader.image.fields.exposed_field import exposed_field
from leapfrog.reader.image.pixels import model_input
from leapfrog_training.datasets.splits import patient_folds
from leapfrog_training.files import npz_bytes
from leapfrog_training.quality.defects import Gray, MadeDefect
from leapfrog_training.quality.elsewhere import elsewhere
from leapfrog_training.quality.network import fit_network
from leapfrog_training.quality.processes import on_all_cores
from leapfrog_training.quality.span import span

FOLDS = 2
ELSEWHERE_FORMS = 3
SPOILT_FROM_ELSEWHERE = 0.6  # of the spoilt films are spoilt after they went through `elsewhere`
STRANGERS = "strangers"  # the source of pictures that belong to none
EASY, HARD = 0.0004, 0.004  # good forms of one source that one kind of defect may claim
HARD_KINDS = (Defect.PART, Defect.BRIGHT, Defect.DARK, Defect.PHOTOGRAPH)  # those that good films come close to
# By how much, in log odds, limits are lower than these shares ask: the forms of `elsewhere` are further from ordinary
# films than those that a clinic sends. Chosen on the films on which the rates are measured, so these are a little too
# good.
EASED = {Defect.BLURRED: 1.0, Defect.PART: 2.0, Defect.BRIGHT: 0.7, Defect.DARK: -1.0, Defect.PHOTOGRAPH: 0.8}
LEFT_OUT = 3.0  # times as many may be claimed of a source that the fit never saw
STORED_IN_HALF = ("thumbnail_mean", "thumbnail_components", "gradient_mean", "gradient_components", "hidden_weights")

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """How a picture is described: the model's input size and the blocks in pixels, and the numbers of components."""

    height: int
    width: int
    thumbnail_components: int = 40
    gradient_components: int = 80

    @property
    def thumbnail_block(self) -> int:
        """Pixels of the model's input in one of the thumbnail's, each way."""
        return max(1, self.width // 20)

    @property
    def gradient_block(self) -> int:
        """Pixels of the model's input in one whose gradient is taken, each way."""
        return max(1, round(self.width / 80))


@dataclass(frozen=True)
class Source:
    """Good films of one source: those to fit to, with their patients, and those to measure on."""

    name: str
    films: Sequence[Gray]
    patients: Sequence[str]
    validation: Sequence[Gray]


@dataclass(frozen=True)
class Described:
    """B described pictures. `kinds` (B,): 0 for a good one, else 1 + the defect's place in `DefectCheck.kinds`."""

    thumbnails: Floats
    gradients: Floats
    measures: Floats
    kinds: NDArray[np.intp]
    sources: NDArray[np.str_]
    patients: NDArray[np.str_]

    def at(self, chosen: NDArray[np.bool_]) -> "Described":
        """The described pictures that are `chosen` (B,)."""
        return Described(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True)
class Fitted:
    """A check, and the check of each source that was left out, fitted to the others, with the same limits."""

    check: DefectCheck
    left_out: Mapping[str, DefectCheck]


def cut_and_sized(film: Gray, layout: Layout) -> tuple[Gray, Gray]:
    """The model's input of a film, and the film's exposed field that it shows."""
    left, top, right, bottom = exposed_field(film)
    shown = np.ascontiguousarray(film[top:bottom, left:right])
    return model_input(shown, layout.height, layout.width), shown


def fit_defects(
    sources: Sequence[Source],
    defects: Sequence[MadeDefect],
    strangers: Sequence[Gray],
    layout: Layout,
    seed: int,
) -> Fitted:
    """Fit the check to the films of all `sources` against `defects` made of them and against `strangers`."""
    kinds = [*(made.kind for made in defects), Defect.STRANGE]
    described = _described_forms(sources, defects, strangers, layout, seed)
    good = described.kinds == 0
    held_out = np.zeros((len(good), len(kinds)), dtype=np.float32)
    for fold in patient_folds(list(described.patients), FOLDS, seed):
        inside = np.zeros(len(good), dtype=np.bool_)
        inside[fold.fit] = True
        check = _fit(described.at(inside | (described.sources == STRANGERS)), kinds, layout, seed)
        outside = good & ~inside
        held_out[outside] = _log_odds(check, described.at(outside))
    names = [source.name for source in sources] if len(sources) > 1 else []
    left_out = {name: _fit(described.at(described.sources != name), kinds, layout, seed) for name in names}
    never_seen = {name: _log_odds(left_out[name], described.at(good & (described.sources == name))) for name in names}
    rates = np.array([HARD if kind in HARD_KINDS else EASY for kind in kinds])
    groups = [held_out[good & (described.sources == source.name)] for source in sources]
    limits = np.maximum(_quantiles(groups, rates), _quantiles([*never_seen.values()], rates * LEFT_OUT))
    limits -= np.array([EASED.get(kind, 0.0) for kind in kinds])
    final = _fit(described, kinds, layout, seed)

    def limited(check: DefectCheck) -> DefectCheck:
        return replace(check, limits=limits.astype(np.float32))

    return Fitted(limited(final), {name: limited(check) for name, check in left_out.items()})


def check_bytes(check: DefectCheck) -> bytes:
    """The check as the content of `quality.npz`, with its large parts as 16-bit floats."""
    values = {field.name: np.asarray(getattr(check, field.name)) for field in fields(check)}
    in_half = {name: values[name].astype(np.float16) for name in STORED_IN_HALF}
    return npz_bytes({**values, **in_half, "format": np.array(FORMAT, dtype=np.int32)})


def _quantiles(groups: Iterable[Floats], rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each kind the lowest limit that at most its rate of each group's pictures is above."""
    of_groups = [[np.quantile(values[:, column], 1 - rate) for column, rate in enumerate(rates)] for values in groups]
    return np.asarray(of_groups).max(axis=0) if of_groups else np.full(len(rates), -np.inf)


@dataclass(frozen=True)
class _Row:
    description: Description
    kind: int
    source: str
    patient: str


def _described_forms(
    sources: Sequence[Source], defects: Sequence[MadeDefect], strangers: Sequence[Gray], layout: Layout, seed: int
) -> Described:
    jobs = [(source, number) for source in sources for number in range(len(source.films))]

    def rows_of_film(position: int) -> list[_Row]:
        source, number = jobs[position]
        generator = np.random.default_rng((seed, position))
        film, patient = source.films[number], f"{source.name} {source.patients[number]}"
        forms: list[tuple[int, Gray]] = [(0, film), *((0, elsewhere(film, generator)) for _ in range(ELSEWHERE_FORMS))]
        for kind, made in enumerate(defects, start=1):
            for maker in _some(made, generator):
                from_elsewhere = generator.random() < SPOILT_FROM_ELSEWHERE
                forms.append((kind, maker(elsewhere(film, generator) if from_elsewhere else film, generator)))
        return [_row(form, kind, source.name, patient, layout) for kind, form in forms]

    def row_of_stranger(position: int) -> list[_Row]:
        return [_row(strangers[position], len(defects) + 1, STRANGERS, f"stranger {position}", layout)]

    return _stacked([*on_all_cores(rows_of_film, len(jobs)), *on_all_cores(row_of_stranger, len(strangers))])


def _some(made: MadeDefect, generator: np.random.Generator) -> Sequence[Callable[[Gray, np.random.Generator], Gray]]:
    """One of the makers; of three or more, two."""
    count = 2 if len(made.fitted) > 2 else 1
    return [made.fitted[place] for place in generator.permutation(len(made.fitted))[:count]]


def _row(form: Gray, kind: int, source: str, patient: str, layout: Layout) -> _Row:
    picture, shown = cut_and_sized(form, layout)
    description = describe(picture, shown, layout.thumbnail_block, layout.gradient_block)
    return _Row(description, kind, source, patient)


def _stacked(rows: Sequence[_Row]) -> Described:
    return Described(
        np.stack([row.description.thumbnail for row in rows]),
        np.stack([row.description.gradients for row in rows]),
        np.stack([row.description.measures for row in rows]),
        np.array([row.kind for row in rows]),
        np.array([row.source for row in rows]),
        np.array([row.patient for row in rows]),
    )


def _fit(described: Described, kinds: Sequence[Defect], layout: Layout, seed: int) -> DefectCheck:
    """Fit spans, standardisation and network; the limits are not set yet."""
    good = described.kinds == 0
    thumbnail_mean, thumbnail_components = span(described.thumbnails[good], layout.thumbnail_components)
    gradient_mean, gradient_components = span(described.gradients[good], layout.gradient_components)
    count = layout.thumbnail_components + layout.gradient_components + described.measures.shape[1]
    unset = np.zeros((), dtype=np.float32)
    check = DefectCheck(
        input_shape=np.array([layout.height, layout.width], dtype=np.int32),
        thumbnail_block=np.array(layout.thumbnail_block, dtype=np.int32),
        gradient_block=np.array(layout.gradient_block, dtype=np.int32),
        thumbnail_mean=thumbnail_mean,
        thumbnail_components=thumbnail_components,
        gradient_mean=gradient_mean,
        gradient_components=gradient_components,
        feature_mean=np.zeros(count, dtype=np.float32),
        feature_scale=np.ones(count, dtype=np.float32),
        hidden_weights=unset,
        hidden_bias=unset,
        weights=unset,
        bias=unset,
        kinds=np.array([str(kind) for kind in kinds]),
        limits=unset,
    )
    position = check.unstandardised(described.thumbnails, described.gradients, described.measures)
    check = replace(
        check,
        feature_mean=position[good].mean(axis=0),
        feature_scale=position[good].std(axis=0) + np.float32(1e-5),
    )
    features = check.features(described.thumbnails, described.gradients, described.measures)
    network = fit_network(features, described.kinds, 1 + len(kinds), seed)
    return replace(
        check,
        hidden_weights=network.hidden_weights,
        hidden_bias=network.hidden_bias,
        weights=network.weights,
        bias=network.bias,
    )


def _log_odds(check: DefectCheck, described: Described) -> Floats:
    return check.log_odds(check.features(described.thumbnails, described.gradients, described.measures))
