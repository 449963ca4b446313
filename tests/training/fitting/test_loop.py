"""The training loop: stopped and taken up, on several devices. Skipped without TensorFlow."""

import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.ports import free_port

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.fitting import loop
    from leapfrog_training.fitting.augmentation import STILL, Augmentation
    from leapfrog_training.fitting.devices import Devices, Precision, prepare
    from leapfrog_training.fitting.examples import Examples
    from leapfrog_training.fitting.history import History, TrainingRecord, draw_curves
    from leapfrog_training.fitting.resume import forget
    from leapfrog_training.keras import tf, tf_keras


pytestmark = pytest.mark.filterwarnings("ignore")
TESTS = Path(__file__).parents[2]
# Seconds: up to three processes at once import TensorFlow, trace and train on two cores, beside what else these do. On
# a busy machine they were not done after 120.
PATIENCE = 300  # for the processes that run at once; each test has two rounds of them

SCHEDULE = loop.Schedule(epochs=3, batch=4, learning_rate=0.05)


def start(mode: str, folder: Path, *precision: str, **environment: str) -> "subprocess.Popen[str]":
    paths = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "support.training_process", mode, str(folder), *precision],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process: "subprocess.Popen[str]") -> dict[str, list[float]]:
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors[-2000:]
    lines = [line.split() for line in output.splitlines() if line.startswith(("losses", "weights"))]
    return {name: [float(value) for value in values] for name, *values in lines}


@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.parametrize(("devices", "precision"), [("", "float32"), ("-two", "mixed")])
def test_a_training_that_was_killed_goes_on_and_ends_with_the_same_weights(
    devices: str, precision: str, tmp_path: Path
) -> None:
    killed, undisturbed = (start(f"{how}{devices}", tmp_path / how, precision) for how in ("kill", "whole"))
    killed.communicate(timeout=PATIENCE)
    assert killed.returncode == -signal.SIGKILL
    state = json.loads((tmp_path / "kill" / "unfinished" / "state.json").read_text())
    assert len(state["history"]["losses"]) == 2
    resumed = told(start(f"whole{devices}", tmp_path / "kill", precision))
    expected = told(undisturbed)
    assert len(resumed["losses"]) == 5
    assert resumed == {name: pytest.approx(values, abs=2e-5) for name, values in expected.items()}


def test_a_training_that_ended_without_its_weights_kept_gives_them_at_once(tmp_path: Path) -> None:
    trained = tiny()
    history = loop.fit(trained, examples(), squared, STILL, SCHEDULE, seed=1, folder=tmp_path)
    again, epochs = tiny(), list[int]()
    assert loop.fit(again, examples(), squared, STILL, SCHEDULE, 1, epochs.append, folder=tmp_path) == history
    assert epochs == []
    assert all(map(np.array_equal, again.get_weights(), trained.get_weights()))
    forget(tmp_path)
    assert not (tmp_path / "unfinished").exists()


@pytest.mark.timeout(2 * PATIENCE)
def test_two_devices_and_two_machines_learn_what_one_device_learns(tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    machines = [
        start(
            "machines",
            tmp_path / f"machine{index}",
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
        )
        for index in range(2)
    ]
    two = told(start("two", tmp_path / "two"))
    first, second = map(told, machines)
    one = told(
        start(
            "machines",
            tmp_path / "one",
            TF_CONFIG=json.dumps(
                {"cluster": {"worker": [f"127.0.0.1:{free_port()}"]}, "task": {"type": "worker", "index": 0}}
            ),
        )
    )
    assert two["weights"] == pytest.approx(one["weights"], abs=1e-4)
    assert first["weights"] == second["weights"] == pytest.approx(one["weights"], abs=1e-4)


def tiny(seed: int = 5) -> Any:
    loop.seed_everything(seed)
    return tf_keras.Sequential([tf_keras.layers.Flatten(input_shape=(4, 4, 1)), tf_keras.layers.Dense(1)])


def squared(targets: Any, outputs: Any) -> Any:
    return tf.reduce_mean(tf.square(targets - outputs))


def examples() -> Examples:
    random = np.random.default_rng(0)
    return Examples(random.integers(0, 256, (8, 4, 4, 1), dtype=np.uint8), np.ones((8, 1), np.float32))


def test_some_examples_of_many_stay_where_they_are() -> None:
    many = examples()
    some = many.at(np.array([1, 4, 6]))
    assert len(some) == len(some.targets) == 3
    assert np.array_equal(some.pictures[np.array([2, 0])], many.pictures[np.array([6, 1])])
    assert np.array_equal(some.at(np.array([1])).pictures[:1], many.pictures[4:5])


def test_each_epoch_of_a_schedule_in_parts_has_examples_of_its_own() -> None:
    """Made-up films cost nothing to have more of: none is seen twice."""
    in_parts, whole = (loop.Schedule(epochs=3, batch=2, learning_rate=1e-3, in_parts=parts) for parts in (True, False))
    many = examples()
    parts = [in_parts.of_epoch(many, epoch).pictures[:] for epoch in (1, 2, 3)]
    assert np.array_equal(np.concatenate(parts), many.pictures[:6])
    assert [len(whole.of_epoch(many, epoch)) for epoch in (1, 2, 3)] == [8, 8, 8]


def test_a_training_in_parts_sees_each_example_once() -> None:
    many = examples()
    many.targets[:] = np.arange(8)[:, np.newaxis]
    seen: list[float] = []

    def remember(targets: Any, outputs: Any) -> Any:
        tf.py_function(lambda values: seen.extend(values.numpy().ravel().tolist()), [targets], [])
        return squared(targets, outputs)

    schedule = loop.Schedule(epochs=2, batch=2, learning_rate=1e-3, in_parts=True)
    loop.fit(tiny(), many, remember, STILL, schedule, seed=1)
    assert sorted(seen[:4]) == [0, 1, 2, 3] and sorted(seen[4:]) == [4, 5, 6, 7]


def stopped_after_one_epoch(folder: Path, seed: int) -> None:
    def stop(epoch: int) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.fit(tiny(), examples(), squared, STILL, SCHEDULE, seed, after_epoch=stop, folder=folder)


@pytest.mark.parametrize(("seed", "epochs_left"), [(1, [2, 3]), (2, [1, 2, 3])])
def test_a_stopped_training_is_taken_up_by_the_same_settings_only(
    tmp_path: Path, seed: int, epochs_left: list[int]
) -> None:
    stopped_after_one_epoch(tmp_path, seed=1)
    done: list[int] = []
    history = loop.fit(tiny(), examples(), squared, STILL, SCHEDULE, seed, done.append, folder=tmp_path)
    assert done == epochs_left
    record = TrainingRecord.model_validate_json((tmp_path / "training.json").read_bytes())
    assert (record.history, record.settings["seed"]) == (history, seed)


def test_the_same_seed_gives_the_same_weights_and_another_gives_others() -> None:
    changes = Augmentation(rotation_degrees=20, zoom=0.2, shift=0.1, contrast=0.2, brightness=0.2)
    weights = []
    for seed in (1, 1, 2):
        model = tiny()
        loop.fit(model, examples(), squared, changes, loop.Schedule(2, 4, 0.05), seed)
        weights.append(model.get_weights()[0])
    assert np.array_equal(weights[0], weights[1])
    assert not np.allclose(weights[0], weights[2])


def test_what_a_training_leaves_can_be_read_by_tensorboard_and_seen(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    loop.fit(tiny(), examples(), squared, STILL, loop.Schedule(3, 4, 0.05), seed=1, folder=tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"tensors": 0})
    events.Reload()
    assert [event.step for event in events.Tensors("loss")] == [1, 2, 3]
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 400


def test_curves_of_several_trainings_share_a_picture(tmp_path: Path) -> None:
    histories = {f"seed {seed}": History(losses=(0.5, 0.3 + seed / 10)) for seed in range(2)}
    pixels = []
    for number, some in enumerate((histories, {"seed 0": histories["seed 0"]})):
        draw_curves(tmp_path / f"{number}.png", "chest-findings", some)
        with Image.open(tmp_path / f"{number}.png") as picture:
            assert picture.width > 400
            pixels.append(np.asarray(picture.convert("RGB")))
    both, one = pixels
    assert not np.array_equal(both, one)


def test_a_record_of_an_earlier_version_is_read_without_its_scores() -> None:
    kept = '{"settings": {}, "history": {"losses": [0.5], "scores": [0.7], "learning_rates": [0.1]}}'
    assert TrainingRecord.model_validate_json(kept).history == History(losses=(0.5,), learning_rates=(0.1,))


def test_mixed_precision_computes_in_float16_with_a_scaled_loss_and_keeps_weights_in_float32() -> None:
    try:
        compute = prepare(Devices.CPU, Precision.MIXED)
        with compute.scope():
            model = tiny()
            before = model.get_weights()[0].copy()
            assert model.layers[-1].compute_dtype == "float16"
            assert type(loop._scaled(tf_keras.optimizers.legacy.Adam())).__name__.startswith("LossScale")
            history = loop.fit(model, examples(), squared, STILL, loop.Schedule(2, 4, 0.05), seed=1)
        assert model.get_weights()[0].dtype == np.float32
        assert not np.allclose(model.get_weights()[0], before)
        assert np.isfinite(history.losses).all()
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
