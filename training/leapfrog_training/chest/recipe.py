"""The recipe of the package chest-findings: MobileNetV2 from ImageNet weights, trained on films made from two.

Its last output tells PA from AP. It is a linear model of the finished network's features and plays no part in the
training of the findings. Quantization-aware training then learns the logits of the network's own float form on made-up
films, not the labels again (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.architectures import mobilenet_v2
from leapfrog_training.chest.decisions.shipped import decide
from leapfrog_training.chest.decisions.told_views import told_views
from leapfrog_training.chest.decisions.views import tell_views, view_head
from leapfrog_training.chest.films import (
    AdultFilm,
    Adults,
    Source,
    folds_of,
    for_abnormal,
    normal_of,
    of_view,
    truth,
    with_boxes,
    with_views,
)
from leapfrog_training.chest.mixing import groups_of
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.datasets.splits import Split
from leapfrog_training.files import save_array
from leapfrog_training.films.mixing import Group, Mixing, made_up_examples
from leapfrog_training.films.network import AUGMENTATION, SIDE, following, network, weighted_loss
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.loop import Schedule, fit, save_weights, seed_everything
from leapfrog_training.fitting.pictures import Pictures, Selected, predictions
from leapfrog_training.fitting.quantize import convert_comparisons, make_int8
from leapfrog_training.fitting.resume import forget
from leapfrog_training.run.folder import SHIPPED_SEED, Job, Run

FILMS_MADE = 12_000  # for all epochs in float together
FILMS_QUANTIZED = 2800  # in quantization-aware training: rounding needs fewer films than answers
SCHEDULE = Schedule(epochs=5, batch=16, learning_rate=1e-4, in_parts=True)
QUANTIZED_SCHEDULE = Schedule(epochs=1, batch=16, learning_rate=2e-5)
MIXING = Mixing(in_other_frame=0.4, hidden=0.12, other_grays=0.5, shrunk=0.5)

# So that no fold and no network without a source has the random numbers of a seed.
FIRST_FOLD_SEED, FIRST_WITHOUT_SEED = 100, 200

FLOAT = "float"  # the name of the weights file after training in float


@dataclass(frozen=True)
class Training:
    """Films with their pictures (n, side, side, 1), and the findings that are learned."""

    films: tuple[AdultFilm, ...]
    pictures: Pictures
    findings: tuple[str, ...]

    def at(self, positions: NDArray[np.intp]) -> "Training":
        """The films at `positions`."""
        films = tuple(self.films[position] for position in positions)
        return replace(self, films=films, pictures=Selected(self.pictures, positions))

    @property
    def answers(self) -> NDArray[np.float32]:
        """Which film has which finding: 1 or 0, (films, findings)."""
        return truth(self.films, self.findings).astype(np.float32)

    def made_up(self, count: int, seed: int) -> Examples:
        """`count` films made of these."""
        return made_up_examples(self.pictures, self.answers, groups_of(self.films), MIXING, count, seed)


@dataclass(frozen=True)
class Network:
    """One network of a run: the films that it learns from, and its seed."""

    job: Job
    training: Training
    seed: int


def fit_run(run: Run, data: Adults, imagenet: Path) -> Run:
    """Tell the views, fit every network, and decide by the folds' held-out films which findings ship."""
    pictures = cached_pictures([film.path for film in data.records], SIDE, SIDE, run.pictures, field="exposed")
    tell_views(run, data.records, pictures, imagenet)
    training = _training(run, data)
    for one in _networks(run, training):
        _fit(one, imagenet)
    folds = folds_of(training.films, run.notes.folds)
    for index, fold in enumerate(folds):
        _read_held_out(run.fold(index), training.at(fold.held_out))
    _read_held_out(run.seed(SHIPPED_SEED), _side(run, data, "test"))
    held_out = [np.load(run.fold(index).held_out_scores) for index in range(len(folds))]
    order = np.argsort(np.concatenate([fold.held_out for fold in folds]))
    decided = decide(training.films, run.notes.findings, np.concatenate(held_out)[order])
    notes = {"epochs": SCHEDULE.epochs, "shipped": decided.shipped, "within_abnormal": decided.within_abnormal}
    return run.with_notes(run.notes.model_copy(update=notes))


def quantize_run(run: Run, data: Adults) -> None:
    """Make the int8 network of every seed, fold and left-out source; for the seeds also those to compare it with."""
    seeds = [run.seed(seed) for seed in range(run.notes.seeds)]
    for one in _networks(run, _training(run, data)):
        pictures = one.training.made_up(FILMS_QUANTIZED, one.seed).pictures
        make_int8(one.job, one.seed, partial(_aware, run, one, pictures), pictures)
        if one.job in seeds:
            convert_comparisons(one.job, partial(_shipped, run, one.job), pictures)


def _training(run: Run, data: Adults) -> Training:
    return _side(run, data, "train")


def _side(run: Run, data: Adults, split: Split) -> Training:
    films = data.in_split(split)
    pictures = cached_pictures([film.path for film in data.records], SIDE, SIDE, run.pictures, field="exposed")
    positions = np.array([index for index, film in enumerate(data.records) if film.split == split])
    return Training(with_views(films, told_views(run)), Selected(pictures, positions), run.notes.findings)


def _networks(run: Run, training: Training) -> list[Network]:
    networks = [Network(run.seed(seed), training, seed) for seed in range(run.notes.seeds)]
    for index, fold in enumerate(folds_of(training.films, run.notes.folds)):
        networks.append(Network(run.fold(index), training.at(fold.fit), FIRST_FOLD_SEED + index))
    for number, source in enumerate(run.notes.without):
        kept = np.flatnonzero(~normal_of(training.films, Source(source)))
        networks.append(Network(run.without(source), training.at(kept), FIRST_WITHOUT_SEED + number))
    return networks


def _fit(one: Network, imagenet: Path) -> None:
    if not one.job.weights(FLOAT).exists():
        seed_everything(one.seed)
        findings = len(one.training.findings)
        model = network(findings + 1)
        mobilenet_v2.load_imagenet(model, imagenet)
        loss = partial(_of_findings, weighted_loss(_worth(one.training)), findings)
        made = one.training.made_up(FILMS_MADE, one.seed)
        fit(model, made, loss, AUGMENTATION, SCHEDULE, one.seed, folder=one.job.folder)
        _set_view_head(model, one.training)
        save_weights(model, one.job.weights(FLOAT))
    forget(one.job.folder)


def _of_findings(loss: Any, findings: int, targets: Any, logits: Any) -> Any:
    """The loss without the last output, which tells the view."""
    return loss(targets, logits[:, :findings])


def _worth(training: Training) -> NDArray[np.float32]:
    """What a positive of each finding counts: as many times as its share among the made-up films is rarer than that of
    all abnormal ones, by the square root of the odds.
    """
    groups: Sequence[Group] = groups_of(training.films)
    share = sum(group.share * training.answers[group.films].mean(axis=0) for group in groups)
    return np.asarray(np.sqrt((1 - share) / np.maximum(share, 1e-3)), dtype=np.float32)


def _set_view_head(model: Any, training: Training) -> None:
    (features,) = predictions(mobilenet_v2.feature_model(model), training.pictures)
    weights, bias = view_head(features, of_view(training.films, "AP"))
    all_weights, all_bias = mobilenet_v2.head(model)
    all_weights[:, -1], all_bias[-1] = weights, bias
    mobilenet_v2.set_head(model, all_weights, all_bias)


def _read_held_out(job: Job, held_out: Training) -> None:
    """Keep the float network's logits for films that it has not seen, and its maps of those with boxes."""
    if job.held_out_scores.exists():
        return
    model = mobilenet_v2.build(len(held_out.findings) + 1, SIDE)  # the same network with its maps
    model.load_weights(job.weights(FLOAT))
    logits, maps = predictions(model, held_out.pictures)
    save_array(job.held_out_maps, maps[with_boxes(held_out.films), :, :, for_abnormal(held_out.findings)])
    save_array(job.held_out_scores, logits[:, :-1])


def _aware(run: Run, one: Network, pictures: Pictures) -> Any:
    return following(_shipped(run, one.job), pictures, QUANTIZED_SCHEDULE, one.seed, one.job.quantized)


def _shipped(run: Run, job: Job) -> Any:
    """The float network with the outputs that ship: those of the findings that do, and the view's."""
    whole = _fitted(job, len(run.notes.findings))
    outputs = [*(run.notes.findings.index(finding) for finding in run.notes.shipped), len(run.notes.findings)]
    model = network(len(outputs))
    model.set_weights([*whole.get_weights()[:-2], *(part[..., outputs] for part in whole.get_weights()[-2:])])
    return model


def _fitted(job: Job, findings: int) -> Any:
    model = network(findings + 1)
    model.load_weights(job.weights(FLOAT))
    return model
