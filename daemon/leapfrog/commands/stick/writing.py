"""Writes parts, one after the other, as long as the stick has room."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from leapfrog.commands.stick.box import Box, Head, Owed
from leapfrog.commands.stick.content import Content, content_of
from leapfrog.errors import CannotBeRenamed, StorageError
from leapfrog.state.journal import now_text
from leapfrog.state.spool import Spool
from leapfrog.stick.layout import PartName, Stick
from leapfrog.stick.parcel import Manifest, write_parcel

PART_BYTES = 32 << 20
MOST_IN_A_PART = 2000
OBJECT_OVERHEAD_BYTES = 500  # in the manifest
PART_OVERHEAD_BYTES = 64 << 10  # headers, and the blocks of the file system
ENCRYPTED_SHARE = 1 / 2048  # 16 bytes for each 64 KiB, and more than that
# Room is left on a stick for receipts, and since file systems that are full to the last block get slow and odd.
LEAST_FREE_BYTES, MOST_FREE_BYTES, FREE_SHARE = 512 << 10, 64 << 20, 0.01
MOST_MISFITS = 2000  # objects that are too large for the room that is left, before nothing more is tried
MOST_ATTEMPTS = 3  # at one part, if files change while they are read


@dataclass
class Progressed:
    """How far it is: what was written, in which parts; deliveries that cannot go, since their files are not what was
    stored, each with the number of its exam; and whether something did not fit.
    """

    parts: list[PartName] = field(default_factory=list)
    objects: int = 0
    byte_count: int = 0
    exams: set[str] = field(default_factory=set)
    unfit: dict[str, str] = field(default_factory=dict)
    full: bool = False


class PartWriter:
    """Writes what is owed on a stick."""

    def __init__(
        self,
        stick: Stick,
        box: Box,
        spool: Spool,
        head: Head,
        advance: Callable[[int], None],
        part_bytes: int = PART_BYTES,
    ) -> None:
        """`advance` is called with how many bytes more were written."""
        self.done = Progressed()
        self._stick = stick
        self._box = box
        self._spool = spool
        self._head = head
        self._advance = advance
        self._part_bytes = part_bytes
        self._batch: list[Content] = []
        self._batch_bytes = 0
        self._next_part = 1
        self._room = self._room_left()

    def write_all(self, owed: Iterable[Owed]) -> None:
        """Write as much of that as there is room for, in that order; what is too large for the room that is left is
        left out. Raises LeapfrogError: StickFull when the stick is full although there seemed to be room.
        """
        misfits = 0
        for one in owed:
            if not self._fits(one.byte_count):
                self.done.full = True
                misfits += 1
                if misfits > MOST_MISFITS or not self._fits(0):
                    break
                continue
            content = self._content_of(one)
            if content is None:
                continue
            if self._batch and self._is_enough_with(content):
                self._write_batch()
            self._batch.append(content)
            self._batch_bytes += content.byte_count
        self._write_batch()
        if self._next_part == 1 and not self._box.here and self._head.box_state is not None and self._fits(0):
            self._write([])  # a box that owes nothing says all the same how it is

    def _fits(self, byte_count: int) -> bool:
        needed = (self._batch_bytes + byte_count) * (1 + ENCRYPTED_SHARE) + PART_OVERHEAD_BYTES
        return needed + (len(self._batch) + 1) * OBJECT_OVERHEAD_BYTES <= self._room

    def _room_left(self) -> int:
        free, total = self._stick.room()
        return free - round(min(max(total * FREE_SHARE, LEAST_FREE_BYTES), MOST_FREE_BYTES))

    def _is_enough_with(self, content: Content) -> bool:
        return self._batch_bytes + content.byte_count > self._part_bytes or len(self._batch) >= MOST_IN_A_PART

    def _content_of(self, owed: Owed) -> Content | None:
        """What goes; None when it cannot, since its file is not what was stored, or needs not any more."""
        try:
            return content_of(self._spool, owed)
        except (StorageError, CannotBeRenamed):
            if owed.encoding is not None:  # the copy may be gone, or damaged
                return self._content_of(Owed(owed.delivery, None))
            if self._box.still_waiting([owed.delivery.id]):
                self.done.unfit[owed.delivery.id] = owed.delivery.exam_number
            return None

    def _write_batch(self) -> None:
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        for attempt in range(MOST_ATTEMPTS):
            if not batch:
                return
            try:
                self._write(batch)
            except (StorageError, ValueError):
                # A file is not any more what it was a moment ago: its disk fails, or it was confirmed and is gone.
                if attempt == MOST_ATTEMPTS - 1:
                    raise
                again = (self._content_of(Owed(one.delivery, None)) for one in batch)
                batch = [one for one in again if one is not None]
            else:
                self.done.objects += len(batch)
                self.done.byte_count += sum(one.byte_count for one in batch)
                self.done.exams.update(one.delivery.study_key for one in batch)
                self._room = self._room_left()
                return

    def _write(self, batch: Sequence[Content]) -> None:
        head, part = self._head, PartName(self._head.export_id, self._next_part)
        manifest = Manifest(
            export_id=part.export_id,
            part=part.part,
            station_key=head.station_key,
            district=head.district.recipient,
            made_at=now_text(),
            box_state=head.box_state if part.part == 1 else None,
            objects=[content.entry() for content in batch],
        )
        with self._stick.writing(part) as file:
            write_parcel(file, manifest, head.key.sign, (self._told_of(content) for content in batch))
            file.settle()
            self._next_part += 1  # whatever happens from here on, this one is used
            noted = {content.delivery.id: content.sha256 for content in batch}
            self._box.note(head, part, file.byte_count, file.sha256, noted)
            file.finish()
        self._box.here.append(part)
        self.done.parts.append(part)
        self._box.note_parts([part], are_there=True)

    def _told_of(self, content: Content) -> Iterator[bytes]:
        for piece in content.pieces():
            yield piece
            self._advance(len(piece))
