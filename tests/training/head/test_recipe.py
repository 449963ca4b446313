"""How a run of fetal-head is fitted. Skipped without TensorFlow."""

import warnings
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("tensorflow", reason="the extra `training` is not installed: TensorFlow is missing")
    from leapfrog_training.head import recipe

from leapfrog_training.datasets.hc18 import open_hc18
from leapfrog_training.run.folder import PackageName, RunNotes, begin_run


def test_a_finished_float_training_leaves_a_stopped_int8_one_to_be_taken_up(made_up_heads: Any, tmp_path: Path) -> None:
    notes = RunNotes(package=PackageName.FETAL_HEAD, seeds=1, folds=0, findings=(), left_out=())
    run = begin_run(tmp_path / "run", notes)
    job = run.seed(0)
    job.weights(recipe.FLOAT).write_bytes(b"kept")
    for stopped in (job.folder / "unfinished", job.folder / "quantized" / "unfinished"):
        stopped.mkdir(parents=True)
    data = open_hc18(made_up_heads.write(["000_HC.png", "001_HC.png"], validation=["001"]))
    recipe.fit_run(run, data, tmp_path / "no.tflite")
    assert not (job.folder / "unfinished").exists()
    assert (job.folder / "quantized" / "unfinished").exists()
