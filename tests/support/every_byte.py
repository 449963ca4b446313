"""A link that breaks at a certain byte of what goes there or comes back: does everything arrive all the same?"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.state.deliveries import Deliveries
from support.byte_proxy import Break, ByteProxy, Direction
from support.orthanc import Orthanc
from support.outbox_box import Box
from support.owed import open_state
from support.recording_proxy import RecordingProxy

What = Literal["an original", "a result", "three results together"]
WHAT: tuple[What, ...] = ("an original", "a result", "three results together")
DIRECTIONS: tuple[Direction, ...] = ("there", "back")
TIMEOUTS = Timeouts(connect_seconds=2.0, send_seconds=2.0, query_seconds=2.0, answer_seconds=2.0)


@dataclass
class Outcome:
    """What came of breaks: the UIDs of objects that did not arrive, and of those that were sent whole twice."""

    breaks: int = 0
    objects: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    fatal: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Take in what came of others."""
        self.breaks += other.breaks
        self.objects += other.objects
        self.lost += other.lost
        self.doubled += other.doubled
        self.fatal += other.fatal


def lengths(what: What, district: Orthanc) -> dict[Direction, int]:
    """How many bytes go each way when nothing breaks."""
    outcome, passed = _send(what, district, None)
    assert not (outcome.lost or outcome.doubled or outcome.fatal)
    return passed


def places(what: What, district: Orthanc, most: int | None = None) -> Iterator[Break]:
    """A break at every byte, or at so many of them that are evenly spread, in each direction."""
    for direction, length in lengths(what, district).items():
        step = 1 if most is None else max(1, length // most)
        for after_bytes in range(0, length, step):
            yield Break(direction, after_bytes, resets=after_bytes // step % 2 == 0)


def broken_at(what: What, district: Orthanc, place: Break) -> Outcome:
    """Send it over a link that breaks there once."""
    return _send(what, district, place)[0]


def _send(what: What, district: Orthanc, place: Break | None) -> tuple[Outcome, dict[Direction, int]]:
    with tempfile.TemporaryDirectory(prefix="lf.") as folder, RecordingProxy(district.dicomweb_url) as counted:
        journal, spool = open_state(Path(folder))
        box = Box(journal, spool, Deliveries(journal))
        uids = [box.owe()]
        if what != "an original":
            journal.change("UPDATE deliveries SET state = 'confirmed'")  # it is only there for its study
            # Several go together once one alone has proven the link.
            uids = [box.owe_result(byte_count=1_000) for _ in range(1 if what == "a result" else 4)]
        with ByteProxy(counted.url, place) as link:
            outbox = box.sender(link.url, timeouts=TIMEOUTS)
            outbox.start()
            try:
                box.wait_for(waiting=0)
            except AssertionError:
                pass  # what waits is counted as lost
            finally:
                outbox.stop()
        held, posts = district.held(), counted.posts
        confirmed = {
            row["sop_instance_uid"]
            for row in journal.rows("SELECT sop_instance_uid FROM deliveries WHERE state = 'confirmed'")
        }
        journal.close()
    outcome = Outcome(
        breaks=0 if place is None else 1,
        objects=len(uids),
        lost=[uid for uid in uids if held[uid] == 0 or uid not in confirmed],
        doubled=[uid for uid in uids if held[uid] > 1 or posts[uid] > 1],
        fatal=box.fatal,
    )
    for uid in uids:
        if held[uid]:
            district.remove(uid)
    return outcome, link.passed
