"""The recipe of chest-findings, part by part, with a tiny network. Skipped without TensorFlow."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.architectures import mobilenet_v2
    from leapfrog_training.chest import recipe
    from leapfrog_training.chest.decisions.views import view_head
    from leapfrog_training.films.network import network, weighted_loss
    from leapfrog_training.keras import tf

from leapfrog_training.chest.films import AdultFilm, Source, folds_of, normal_of, of_view, truth
from leapfrog_training.chest.recipe import Network, Training
from leapfrog_training.run.folder import PackageName, Run, RunNotes, begin_run
from support.adults import SICK, film, films

MINED, RSNA = Source.CHESTXRAY14, Source.RSNA_NORMAL
FINDINGS = ("Pneumonia", "Edema", "Effusion")
NOTES = RunNotes(
    package=PackageName.CHEST_FINDINGS,
    seeds=2,
    folds=3,
    findings=FINDINGS,
    left_out=(),
    without=(MINED.value, RSNA.value),
    shipped=("Pneumonia", "Effusion"),
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return begin_run(tmp_path / "run", NOTES)


def training() -> Training:
    """Each film's picture is all of one gray: its position."""
    listed = films(
        (12, ("Pneumonia", "Edema"), "AP", MINED), (12, SICK, "PA", MINED),
        (9, (), "AP", MINED), (9, (), "PA", MINED), (9, (), "AP", RSNA), (9, (), "PA", RSNA),
    )  # fmt: skip
    grays = np.arange(len(listed), dtype=np.uint8)[:, np.newaxis, np.newaxis, np.newaxis]
    return Training(tuple(listed), np.broadcast_to(grays, (len(listed), 8, 8, 1)), FINDINGS)


def seen(one: Network) -> set[AdultFilm]:
    """The films of a network, found by their pictures."""
    pictures = one.training.pictures[:]
    assert len(pictures) == len(one.training.films)
    return {training().films[int(picture[0, 0, 0])] for picture in pictures}


def networks(run: Run) -> dict[str, Network]:
    return {one.job.folder.name: one for one in recipe._networks(run, training())}


def test_a_fold_has_not_seen_the_films_that_it_reads(run: Run) -> None:
    listed, named = training().films, networks(run)
    for index, fold in enumerate(folds_of(listed, NOTES.folds)):
        held_out = {listed[position] for position in fold.held_out}
        assert seen(named[f"fold-{index}"]) == set(named[f"fold-{index}"].training.films) == set(listed) - held_out
    assert seen(named["seed-0"]) == seen(named["seed-1"]) == set(listed)


def test_a_network_without_a_source_has_not_seen_its_normal_films(run: Run) -> None:
    listed, named = training().films, networks(run)
    for source in Source:
        normal = {one for one, chosen in zip(listed, normal_of(listed, source), strict=True) if chosen}
        one = named[f"without-{source.lower()}"]
        assert seen(one) == set(one.training.films) == set(listed) - normal
        assert len(normal) == 18


def test_no_two_networks_have_the_same_random_numbers(run: Run) -> None:
    seeds = [one.seed for one in networks(run).values()]
    assert len(seeds) == len(set(seeds)) == 2 + 3 + 2


def test_the_loss_does_not_see_the_output_that_tells_the_view() -> None:
    loss = weighted_loss(np.ones(2, np.float32))
    targets = tf.constant([[1.0, 0.0]])
    logits = tf.Variable([[0.3, -0.2, 5.0]])
    with tf.GradientTape() as tape:
        value = recipe._of_findings(loss, 2, targets, logits)
    gradient = tape.gradient(value, logits).numpy()
    assert gradient[0, 2] == 0 and (gradient[0, :2] != 0).all()
    assert float(value) == pytest.approx(float(loss(targets, logits[:, :2])))


def test_a_positive_of_a_rare_finding_counts_by_the_root_of_its_odds_among_the_films_made() -> None:
    worth = recipe._worth(training())
    assert worth[0] == pytest.approx(1)  # half of them are sick, as many as are not
    assert worth[1] == pytest.approx(np.sqrt(0.75 / 0.25))  # half of the sick, whatever the set's own share is


def test_a_positive_that_counts_twice_is_worth_two_in_the_loss() -> None:
    once, twice = weighted_loss(np.ones(1, np.float32)), weighted_loss(np.array([2], np.float32))
    logits = tf.constant([[0.4]])
    sick, healthy = tf.constant([[1.0]]), tf.constant([[0.0]])
    assert float(twice(sick, logits)) == pytest.approx(2 * float(once(sick, logits)))
    assert float(twice(healthy, logits)) == pytest.approx(float(once(healthy, logits)))


def test_the_network_that_ships_has_a_column_for_what_ships_and_for_the_view_and_no_other(
    run: Run, tiny_networks: Any
) -> None:
    whole = network(len(FINDINGS) + 1)
    whole.save_weights(str(run.seed(0).weights(recipe.FLOAT)))
    shown = np.random.default_rng(0).uniform(-1, 1, (3, tiny_networks.side, tiny_networks.side, 1)).astype(np.float32)
    shipped = recipe._shipped(run, run.seed(0))
    assert shipped.output_shape == (None, 3)
    assert shipped.predict_on_batch(shown) == pytest.approx(whole.predict_on_batch(shown)[:, [0, 2, 3]], abs=1e-5)


def test_the_view_is_told_by_the_features_of_the_finished_network(tiny_networks: Any) -> None:
    """Bright films are AP; the findings' outputs stay as they are."""
    listed = [film(number, SICK, "AP" if number % 2 else "PA") for number in range(40)]
    random = np.random.default_rng(1)
    shape = (tiny_networks.side, tiny_networks.side, 1)
    pictures = np.stack([random.integers(120, 200, shape) - (0 if one.view == "AP" else 80) for one in listed])
    one = Training(tuple(listed), pictures.astype(np.uint8), ("Pneumonia",))
    model = network(2)
    before, _ = mobilenet_v2.head(model)
    recipe._set_view_head(model, one)
    after, _ = mobilenet_v2.head(model)
    assert np.array_equal(after[:, 0], before[:, 0]) and not np.array_equal(after[:, 1], before[:, 1])
    told = model.predict_on_batch(one.pictures[:].astype(np.float32) / 127.5 - 1)[:, 1] > 0
    assert (told == of_view(listed, "AP")).mean() == 1


def test_both_views_count_the_same_however_many_films_there_are_of_each() -> None:
    """Nine in ten are PA, and the features tell little: the answer still lies midway between the two."""
    random = np.random.default_rng(0)
    is_ap = np.arange(2000) % 10 == 0
    features = (random.normal(0, 1, (2000, 1)) + is_ap[:, np.newaxis]).astype(np.float32)
    weights, bias = view_head(features, is_ap)
    told = features @ weights + bias > 0
    assert told[is_ap].mean() == pytest.approx((~told[~is_ap]).mean(), abs=0.08)


def test_findings_of_the_training_films_are_the_answers() -> None:
    one = training().at(np.array([30, 0, 12]))
    assert np.array_equal(one.answers, truth(one.films, FINDINGS))
    assert one.pictures[:][:, 0, 0, 0].tolist() == [30, 0, 12]
    assert replace(one, findings=("Edema",)).answers[:, 0].tolist() == [0, 1, 0]
