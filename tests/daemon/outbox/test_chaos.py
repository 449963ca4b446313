"""A small dose of chaos before the district; `tests/faults/run outbox-chaos` has the large one."""

from pathlib import Path

import pytest

from support.chaos import Chaos
from support.orthanc import Orthanc


@pytest.mark.parametrize("seed", [14, 41])
def test_chaos_loses_and_doubles_nothing(tmp_path: Path, orthanc: Orthanc, seed: int) -> None:
    result = Chaos(tmp_path, orthanc, seed).run(films=20)
    assert (result.unconfirmed, result.lost, result.doubled, result.fatal) == ([], [], [], [])
    assert result.befallen.total() > 20
    assert not result.is_busy, f"{result.requests} requests for {result.films} films"
