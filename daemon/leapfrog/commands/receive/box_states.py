"""What a box said of itself when it wrote a part: it is laid where `leapfrog fleet` finds it.

boxes/kitui.json            what came by link, which the web server puts there
boxes/by-stick/kitui.json   the newest that a stick brought: it was made days ago, which is no fault of the box's clock
"""

import json
from pathlib import Path

from leapfrog.durable import write_durably
from leapfrog.errors import NotABoxState, StorageError
from leapfrog.fleet.signed_state import BY_STICK, LARGEST_BYTES, SignedState, read_state
from leapfrog.plain_file import NotPlain, content_of
from leapfrog.stick.parcel import Manifest

STATE_MODE = 0o644  # who makes the page of all boxes is another user; no patient is in it


def keep_state(folder: Path, box: str, manifest: Manifest) -> bool:
    """Keep the state that came with a part of `box`, if it is that box's and newer than the one that lies there.
    Returns whether it was kept. Raises NotABoxState when it is not what the box signed, StorageError when it cannot be
    kept.
    """
    if manifest.box_state is None:
        return False
    content = json.dumps(manifest.box_state, sort_keys=True).encode("ascii")
    state = read_state(content)
    if state.station_key.hex() != manifest.station_key:
        raise NotABoxState("another box signed it")
    path = folder / BY_STICK / f"{box}.json"
    if not state.is_later_than(_kept(path)):
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, content + b"\n", STATE_MODE)
    except OSError as problem:
        raise StorageError(
            f"What {box} says of itself cannot be kept in {folder}: {problem.strerror}. Run this as root, or name"
            " another folder with --boxes."
        ) from problem
    return True


def _kept(path: Path) -> SignedState | None:
    try:
        return read_state(content_of(path, LARGEST_BYTES))
    except (NotABoxState, NotPlain, OSError):
        return None
