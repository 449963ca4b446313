"""All boxes of a district on one page, and for Prometheus. It runs at the district, without a daemon."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leapfrog.commands.fleet import textfile
from leapfrog.commands.fleet.box_files import read_folder
from leapfrog.commands.fleet.box_keys import box_keys
from leapfrog.commands.fleet.fleet import Fleet, fleet_of
from leapfrog.commands.fleet.memory import remember, remembered
from leapfrog.commands.fleet.needs import BoxInNeed
from leapfrog.commands.fleet.page import headline, render_fleet
from leapfrog.durable import fsync_directory, replacing
from leapfrog.errors import StorageError
from leapfrog.wording.text import clean

PAGE_NAME = "index.html"
FILE_MODE = 0o644  # the server of the page, and Prometheus, read as other users; no patient is in it


@dataclass(frozen=True)
class FleetOutcome:
    """What was found, and where the page is."""

    fleet: Fleet
    page: Path

    def lines(self) -> Iterator[str]:
        """For people."""
        yield headline(self.fleet)
        yield from self.fleet.problems
        for one in self.fleet.boxes:
            for need in one.needs:
                yield f"  {clean(one.box.name)}: {need.what} {need.do}"
        for stranger in self.fleet.strangers:
            yield f"  {clean(stranger.name)}.json: {stranger.distrust.why}"
        yield str(self.page)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "made_at": self.fleet.made_at.isoformat(),
            "page": str(self.page),
            "problems": list(self.fleet.problems),
            "boxes": [_box_as_json(one) for one in self.fleet.boxes],
            "strangers": [
                {"file": f"{one.name}.json", "kind": one.distrust.kind, "why": one.distrust.why}
                for one in self.fleet.strangers
            ],
        }


def show_fleet(folder: Path, out: Path, stations: Path, now: datetime | None = None) -> FleetOutcome:
    """Look at the states in `folder`, checked with the keys in `stations`, and write the page and the textfile to
    `out`, where it also remembers what was seen. Raises StorageError when that cannot be written.
    """
    with _alone(out):
        memory, keys = remembered(out), box_keys(stations)
        # After the lock: whoever waited for it looks at what is there now.
        moment = now or datetime.now(UTC)
        found = read_folder(folder, keys, memory, moment)
        fleet = fleet_of(found, (keys.problem, memory.problem), moment)
        # First the memory: what was shown once is known from then on.
        remember(out, found.seen, memory)
        try:
            for name, content in ((PAGE_NAME, render_fleet(fleet)), (textfile.NAME, textfile.textfile(fleet))):
                with replacing(out / name, FILE_MODE) as stream:
                    stream.write(content.encode())
            fsync_directory(out)
        except OSError as problem:
            raise StorageError(
                f"Nothing can be written to {out}: {problem.strerror}. Make room on its disk."
            ) from problem
    return FleetOutcome(fleet, out / PAGE_NAME)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """The folder is there, and no other look writes to it meanwhile. Raises StorageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as problem:
        raise StorageError(f"Nothing can be written to {out}: {problem.strerror}. Run this as its owner.") from problem
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _box_as_json(one: BoxInNeed) -> dict[str, Any]:
    heard = one.box.heard
    return {
        "box": one.box.name,
        "urgency": one.urgency,
        "last_heard": heard.arrived_at.isoformat() if heard else None,
        "made_at": heard.made_at.isoformat() if heard else None,
        "by_stick": heard.by_stick if heard else None,
        "sequence": heard.state.sequence if heard else None,
        "trusted": one.box.distrust is None and not one.box.key_problem,
        "drifted": [drift.measure for drift in one.drifted],
        "needs": [
            {
                "urgency": need.urgency,
                "what": need.what,
                "since": need.since.isoformat() if need.since else None,
                "do": need.do,
            }
            for need in one.needs
        ],
        "state": heard.state.model_dump(mode="json") if heard else None,
    }
