"""`leapfrog export DIR`: writes what is owed on a stick.

Part after part: the objects are read through, so that no damaged one goes; the part is written under another name, made
durable and read back; the box notes what is in it; and only then it gets its name. So the stick may be pulled out at
any moment: whatever has its name is whole and known, and the rest is as if it had never been begun. Receipts that came
back on it and that nobody imported are taken first: what they confirm need not be written once more.
"""

import random
import secrets
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from leapfrog.commands.stick.box import Box, Head, Look
from leapfrog.commands.stick.on_stick import OnStick, look_through, sha256_of
from leapfrog.commands.stick.receipts import Receipt, take_receipts
from leapfrog.commands.stick.told import Written
from leapfrog.commands.stick.whereabouts import warnings_about
from leapfrog.commands.stick.writing import PART_BYTES, PartWriter, Progressed
from leapfrog.district_key import DistrictPublicKey
from leapfrog.errors import StickError, StickFull
from leapfrog.settings import Settings
from leapfrog.state.spool import SPOOL_NAME, Spool
from leapfrog.state.station.key_at_start import require_not_lost
from leapfrog.state.station.station_key import station_key
from leapfrog.stick.layout import PartName, Stick
from leapfrog.wording.text import count

LOOKED_AT_AGAIN = 3  # parts, at the end
TOO_SMALL = (
    "The stick {root} is smaller than it says: what was written first is not on it any more. Nothing is lost. What was"
    " found to be wrong was removed from it; use another stick, and throw this one away."
)


def export(
    settings: Settings,
    root: Path,
    destination: str | None = None,
    kinds: tuple[str, ...] = (),
    *,
    new_only: bool = False,
    console: Console | None = None,
    part_bytes: int = PART_BYTES,
) -> Written:
    """Write what is owed to `destination`, or to the only one with a key, on the stick at `root`, until it is full.
    What is there whole is not written again.

    Raises LeapfrogError: StickError when the stick fails, and then what was written before is on it.
    """
    root = root.absolute()
    warnings = warnings_about(root, settings.state_dir)
    stick, box = Stick(root), Box(settings, destination, kinds)
    on_stick = stick.parts()
    receipts = _receipts_not_taken(settings, stick, box)
    look = box.look(on_stick)
    require_not_lost(settings.state_dir)
    key, district = station_key(settings.state_dir), DistrictPublicKey.parse(look.public_key)
    head = Head(key, look.destination, district, secrets.token_hex(16), box.state())
    with stick.alone(), Progress(console=console, disable=console is None) as progress:
        stick.remove_unfinished()
        before = look_through(stick, box, look.parts, head, progress)
        box.here += before.whole
        look = box.look()
        task = progress.add_task("Writing", total=look.byte_count, visible=look.total > 0)
        spool = Spool(settings.state_dir / SPOOL_NAME, 0)
        writer = PartWriter(stick, box, spool, head, lambda n: progress.advance(task, n), part_bytes)
        try:
            writer.write_all(box.owed(new_only=new_only))
            _require_still_there(stick, box, writer.done)
        except StickFull:
            writer.done.full = True
        except StickError as problem:
            raise StickError(f"{problem}{_so_far(writer.done)}") from problem
        progress.update(task, completed=look.byte_count)
    done = writer.done
    if done.full and not done.objects and not before.whole:
        raise StickFull(f"The stick {root} is full: nothing was written. Make room on it, or use another.")
    return _told(warnings, len(on_stick), before, done, box.look(), head.export_id, receipts)


def _receipts_not_taken(settings: Settings, stick: Stick, box: Box) -> tuple[Receipt, ...]:
    """Take the receipts for parts of this box of which none was taken before. Returns what came of them."""
    files = {stick.part_of(file): file for file in stick.receipts()}
    known = [PartName(one.export_id, one.part) for one in box.look(files).parts if not one.has_receipt]
    return take_receipts(settings, stick, [files[part] for part in known])[0]


def _require_still_there(stick: Stick, box: Box, done: Progressed) -> None:
    """Read the first part of all once more, and some others: a stick that says that it is larger than it is has put
    what came last in the place of what came first. Then whatever is wrong is removed. Raises StickError.
    """
    parts = done.parts
    some = parts[:1] + random.sample(parts[1:], min(len(parts[1:]), LOOKED_AT_AGAIN - 1))
    written = {PartName(one.export_id, one.part): one.file_sha256 for one in box.look(parts).parts}
    if all(sha256_of(stick, part) == written[part] for part in some):
        return
    wrong = [part for part in parts if sha256_of(stick, part) != written[part]]
    box.note_parts(wrong, are_there=False)
    for part in wrong:
        stick.remove(part)
    raise StickError(TOO_SMALL.format(root=stick.root))


def _so_far(done: Progressed) -> str:
    if not done.objects:
        return ""
    return f" Before that, {count(done.objects, 'object')} were written, which need not be written again."


def _told(
    warnings: list[str],
    parts_before: int,
    before: OnStick,
    done: Progressed,
    left: Look,
    export_id: str,
    receipts: tuple[Receipt, ...],
) -> Written:
    """What came of it. What cannot go is not left behind for want of room."""
    return Written(
        destination=left.destination,
        export_id=export_id,
        objects=done.objects,
        exams=len(done.exams),
        byte_count=done.byte_count,
        parts=len(done.parts),
        left=max(0, left.total - len(done.unfit)),
        left_bytes=left.byte_count,
        full=done.full,
        kept_parts=len(before.whole),
        settled_parts=before.settled,
        outdated_parts=before.outdated,
        damaged_parts=before.damaged,
        unknown_parts=parts_before - len(before.whole) - before.settled - before.outdated - before.damaged,
        unfit=len(done.unfit),
        unfit_exams=tuple(dict.fromkeys(number for number in done.unfit.values() if number)),
        receipts=receipts,
        warnings=tuple(warnings),
    )
