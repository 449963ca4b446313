"""The boxes that the district knows: a public key for each, in a folder.

stations/
  kitui.pem           as `leapfrog station key` prints it on that box; named as in the box's certificate

A file that is no key costs its own box the trust, and no other: this page is made when nobody sits in front of it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from leapfrog.commands.stations import LARGEST_KEY_FILE_BYTES
from leapfrog.plain_file import NotPlain, opened
from leapfrog.state.station.station_key import public_key_of

MOST_BOXES = 5000
SUFFIX = ".pem"


@dataclass(frozen=True)
class BoxKey:
    """A box's public key (raw), and since when it is known here; None if its file is no key that tells it from others,
    and then `problem` says why.
    """

    key: bytes | None
    known_since: datetime
    problem: str = ""


@dataclass(frozen=True)
class BoxKeys:
    """The keys by the names of their boxes; `problem` says why there are none, or not all."""

    by_name: Mapping[str, BoxKey]
    problem: str = ""

    def owner(self, key: bytes) -> str:
        """The box that has this key; "" if none has it."""
        return next((name for name, box in self.by_name.items() if box.key == key), "")


def box_keys(folder: Path) -> BoxKeys:
    """All that lie in `folder`. It raises nothing: what cannot be used is said."""
    try:
        files = sorted(one for one in folder.iterdir() if one.suffix == SUFFIX and not one.name.startswith("."))
    except FileNotFoundError:
        return BoxKeys({}, f"There is no folder {folder}, so no box is known: district-authority station BOX < KEY")
    except OSError as problem:
        return BoxKeys({}, f"The folder {folder} cannot be read ({problem.strerror}), so no box is known.")
    said = f"Only the first {MOST_BOXES:,} boxes in {folder} are looked at." if len(files) > MOST_BOXES else ""
    found = {file.stem: _box_key(file) for file in files[:MOST_BOXES]}
    often = Counter(box.key for box in found.values() if box.key is not None)
    return BoxKeys({name: _alone(box, often) for name, box in found.items()}, said)


def _box_key(file: Path) -> BoxKey:
    since = datetime.now(UTC)
    try:
        since = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        with opened(file, LARGEST_KEY_FILE_BYTES) as stream:
            key = public_key_of(stream.read(LARGEST_KEY_FILE_BYTES))
    except OSError as problem:
        return BoxKey(None, since, f"Its key {file.name} cannot be read: {problem.strerror}.")
    except NotPlain:
        key = None
    if key is None:
        return BoxKey(None, since, f"{file.name} is not the public key of a box.")
    return BoxKey(key, since)


def _alone(box: BoxKey, often: Counter[bytes]) -> BoxKey:
    if box.key is None or often[box.key] == 1:
        return box
    return BoxKey(None, box.known_since, "Another box has the same key here, so nobody can tell them apart.")
