"""What a stick has already: parts that this box wrote before, each read through and compared with what it noted."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from rich.progress import Progress

from leapfrog.commands.stick.box import Box, Head
from leapfrog.errors import StickError
from leapfrog.state.sending.exported import ExportedPart
from leapfrog.stick.layout import CHUNK_BYTES, PartName, Stick


@dataclass(frozen=True)
class OnStick:
    """The parts that are `whole` on it, and still matter; how many were `settled`, since nothing of them waits or the
    district has said what it has of them; `outdated`, since the district or this box had another key then, so that the
    district cannot read them or does not know who signed; and `damaged`. All but the whole ones were removed: what
    still waits of them is written anew.
    """

    whole: tuple[PartName, ...]
    settled: int
    outdated: int
    damaged: int


def look_through(stick: Stick, box: Box, known: Sequence[ExportedPart], head: Head, progress: Progress) -> OnStick:
    """Find out which of the `known` parts are whole and as `head` has them, and remove the others. Raises
    LeapfrogError.
    """
    task = progress.add_task("What is on it", total=sum(one.byte_count for one in known))
    whole, settled, outdated, damaged = list[PartName](), list[PartName](), list[PartName](), list[PartName]()
    keys = (str(head.district), head.station_key)
    for one in known:
        part = PartName(one.export_id, one.part)
        if not one.waiting or one.has_receipt:
            settled.append(part)
        elif (one.public_key, one.station_key) != keys:
            outdated.append(part)
        elif sha256_of(stick, part) == one.file_sha256:
            whole.append(part)
        else:
            damaged.append(part)
        progress.advance(task, one.byte_count)
    progress.update(task, visible=False)
    box.note_parts([*settled, *outdated, *damaged], are_there=False)
    for part in (*settled, *outdated, *damaged):
        stick.remove(part)
    box.note_parts(whole, are_there=True)
    return OnStick(tuple(whole), len(settled), len(outdated), len(damaged))


def sha256_of(stick: Stick, part: PartName) -> str:
    """Of the files of a part, in hexadecimal; "" when they cannot be read, as after an error of the stick."""
    digest = hashlib.sha256()
    try:
        with stick.reading(part) as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except StickError:
        return ""
    return digest.hexdigest()
