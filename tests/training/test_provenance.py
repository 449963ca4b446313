"""What a run was made by."""

import json
from pathlib import Path

from leapfrog_training.evaluate.latency import machine
from leapfrog_training.provenance import git_revision, record_provenance


def test_each_time_a_command_worked_on_a_run_is_an_entry(tmp_path: Path) -> None:
    for seconds in (1.0, 2.5):
        record_provenance(tmp_path, "OneDeviceStrategy", seconds)
    first, second = json.loads((tmp_path / "made-by.json").read_text())
    assert (first["seconds"], second["seconds"]) == (1.0, 2.5)
    assert second["packages"]["numpy"]
    assert second["machine"] == machine()
    assert second["git_revision"] == git_revision()
