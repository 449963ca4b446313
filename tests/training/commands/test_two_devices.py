"""`leapfrog-train` on two devices and in mixed precision, killed and resumed. Skipped without TensorFlow.

The devices are two logical ones of the processor, since no machine of the tests has two graphics cards.
"""

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

from leapfrog_training.edge_tpu_fit.fit import fit_of
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.run.folder import open_run
from support.made_up_films import listed_adults, listed_normals

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[2]


def run(how: str, package: str, *command: str) -> "subprocess.CompletedProcess[str]":
    paths = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "support.two_devices", how, package, *command],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.fixture
def data_of(made_up_chest: Any, made_up_normals: Any, made_up_nerves: Any) -> dict[str, list[Path]]:
    """The folders of made-up pictures by package."""
    films, views = listed_adults(training=84, test=48)
    return {
        "chest-findings": [made_up_chest.write(films, views=views), made_up_normals.write(listed_normals(24))],
        "nerve": [made_up_nerves.write(patients=5, each=2)],
    }


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("package", ["chest-findings", "nerve"])
def test_a_training_on_two_devices_in_mixed_precision_is_killed_and_goes_on_to_int8(
    package: str, data_of: dict[str, list[Path]], shared_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    data = [word for folder in data_of[package] for word in ("--data", str(folder))]
    imagenet = str(shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite")
    fit = ["fit", package, *data, "--out", str(out), "--imagenet", imagenet, "--seeds", "1", "--folds", "2"]
    killed = run("killed", package, *fit, "--precision", "mixed")
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    (stopped,) = out.rglob("unfinished/state.json")
    (first_loss,) = json.loads(stopped.read_text())["history"]["losses"]
    for command in ([*fit, "--precision", "mixed"], ["quantize", str(out), *data]):
        done = run("whole", package, *command)
        assert done.returncode == 0, done.stderr[-2000:]
    record = json.loads((stopped.parents[1] / "training.json").read_text())
    assert record["history"]["losses"][0] == first_loss, "the first epoch is not done again"
    assert not list(out.rglob("unfinished"))
    assert {entry["devices"] for entry in json.loads((out / "made-by.json").read_text())} == {"all-gpus"}
    job = open_run(out).seed(0)
    assert fit_of(job.int8.read_bytes()).maps_whole
    for file in (job.float32, job.int8):
        with KioskModel(file) as model:
            assert model.input.dtype in ("float32", "int8")
            height, width = model.input.shape[1:3]
            answers = model.run(np.zeros((height, width), np.uint8))
            assert all(np.isfinite(answer).all() for answer in answers)
