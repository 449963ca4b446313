"""What a run was made by."""

import json
from pathlib import Path
from typing import Any

import pytest

from leapfrog_training.run.provenance import git_revision, machine, recorded_provenance


def entries(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "made-by.json").read_text()))


def test_each_time_a_command_worked_on_a_run_is_an_entry(tmp_path: Path) -> None:
    for devices in ("cpu", "one-gpu"):
        with recorded_provenance(tmp_path, devices):
            pass
    first, second = entries(tmp_path)
    assert (first["devices"], second["devices"]) == ("cpu", "one-gpu")
    assert second["began"] <= second["ended"]
    assert second["packages"]["numpy"]
    assert second["machine"] == machine()
    assert second["git_revision"] == git_revision()


def test_work_that_goes_on_or_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(MemoryError), recorded_provenance(tmp_path, "cpu"):
        (going_on,) = entries(tmp_path)
        assert going_on["ended"] is None
        raise MemoryError
    (failed,) = entries(tmp_path)
    assert failed["error"] == "MemoryError"
    assert failed["ended"]
