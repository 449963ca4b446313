"""The station's key, without which sheets have no code and reports are not signed."""

from collections.abc import Iterator
from pathlib import Path

from leapfrog.commands.doctor.check import Check, as_check, ok, wrong
from leapfrog.errors import StorageError
from leapfrog.state.station.key_at_start import doubts, lost_key, was_lost
from leapfrog.state.station.station_key import existing_station_key

NAME = "station key"


def station_key_checks(state_dir: Path) -> Iterator[Check]:
    """Whether the key is here. A box that never started has none yet, which is no problem."""
    try:
        key = existing_station_key(state_dir)
    except StorageError as problem:
        yield wrong(NAME, str(problem), "")
        return
    if key is not None:
        doubtful = [as_check(NAME, problem) for problem in doubts(state_dir)]
        yield from doubtful or [ok(NAME, f"{key.id}; sheets and reports are signed with it")]
    elif was_lost(state_dir):
        yield as_check(NAME, lost_key(state_dir))
