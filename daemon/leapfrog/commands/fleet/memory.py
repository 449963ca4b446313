"""What was seen of each box: its newest state that was believed, as it was signed, and when that arrived.

By it an older state that somebody puts back is known as such, a box whose file is gone or was written over keeps what
is known of it, and what arrived when does not depend on the times of files.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from leapfrog.durable import write_durably
from leapfrog.errors import StorageError

NAME = "seen.json"
DAMAGED_NAME = "seen.damaged"
FILE_MODE = 0o644
FORMAT = 1


class Seen(BaseModel):
    """The newest state of one box: the content of its file, when it arrived, and how. The key (hexadecimal) is that of
    the box then: one that got a new key begins anew. `log_cut_at`: when its log of who did what was last found to lack
    lines that it had had.
    """

    model_config = ConfigDict(frozen=True)

    station_key: str
    document: str
    arrived_at: AwareDatetime
    by_stick: bool = False
    log_cut_at: AwareDatetime | None = None


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)

    format: int
    boxes: dict[str, Seen]


@dataclass(frozen=True)
class Memory:
    """What was seen, by the names of boxes; `problem` says why it begins anew, if it was not there whole."""

    boxes: Mapping[str, Seen]
    problem: str = ""


def remembered(folder: Path) -> Memory:
    """What is remembered in `folder`; nothing, at the first time. One that is damaged is put aside."""
    file = folder / NAME
    try:
        kept = _Kept.model_validate_json(file.read_bytes())
        if kept.format != FORMAT:
            raise ValueError("it is of another version")
        return Memory(kept.boxes)
    except FileNotFoundError:
        return Memory({})
    except (ValidationError, ValueError):
        try:
            file.replace(file.with_name(DAMAGED_NAME))
        except OSError as problem:
            raise StorageError(f"{file} is damaged, and cannot be put aside: {problem.strerror}.") from problem
        return Memory(
            {},
            f"The memory of what was seen before ({file}) was damaged and begins anew; the damaged one is beside it,"
            f" {DAMAGED_NAME}. Until each box has reported again, older states are not known as such.",
        )
    except OSError as problem:
        raise StorageError(f"{file} cannot be read: {problem.strerror}. Run this as its owner.") from problem


def remember(folder: Path, boxes: Mapping[str, Seen], before: Memory) -> None:
    """Keep it, if it is not what was kept `before`. Raises StorageError."""
    if boxes == before.boxes and not before.problem:
        return
    kept = {"format": FORMAT, "boxes": {name: seen.model_dump(mode="json") for name, seen in sorted(boxes.items())}}
    try:
        write_durably(folder / NAME, json.dumps(kept).encode("ascii"), mode=FILE_MODE)
    except OSError as problem:
        raise StorageError(
            f"{folder / NAME} cannot be written: {problem.strerror}. Make room on its disk."
        ) from problem
