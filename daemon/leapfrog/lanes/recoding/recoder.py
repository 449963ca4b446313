"""Has originals made in other transfer syntaxes before their turn comes to be sent, never at the cost of a reading.

A copy is made of those alone that are sent next, and is kept no longer than somebody waits for its original. It is
worth only the link's time, so it gives way to everything: while an image waits to be read nothing is made, and where
the disk gets full what was made is given up, and the originals go as they came.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN, JPEG_LS_LOSSLESS
from leapfrog.errors import StorageError
from leapfrog.lanes.desk import NotMade, give, made_file
from leapfrog.lanes.recoding.child import NoAnswer, RecoderChild
from leapfrog.processes.messages import DiskRefusal
from leapfrog.processes.recoding_messages import GoesAsItCame, Recoded, RecodeJob, RecoderAnswer
from leapfrog.spool_file.record import Reencoding, read_record
from leapfrog.state.journal import Journal
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.encodings import Encodings, WantedEncoding
from leapfrog.state.sending.taken_syntaxes import TakenSyntaxes
from leapfrog.state.spool import Spool
from leapfrog.worker import UNTIL_WOKEN, Worker

AHEAD = 16  # originals of each destination, and of each rank, for which a copy is made before their turn
AHEAD_BYTES = 512_000_000  # of all copies that wait
UNCOMPRESSED_TIMES = 20  # as many bytes as compressed, or fewer: lossless compression halves them, JPEG takes a tenth
SPARE_BYTES = 500_000_000  # of the disk, beside retention.min_free_bytes and the original itself
LOOK_SECONDS = 2.0  # while images wait to be read
PAUSE_SECONDS = 30.0  # while the disk has no room; between two looks at what nobody waits for any more
IDLE_SECONDS = 20.0  # then the child ends, and its memory is free
HOLD_SECONDS = 120.0  # how long an original is held back for its copy, from its first turn on
MOST_HELD = 1000

_log = logging.getLogger(__name__)


class Recoder(Worker):
    """Makes the copies, one after the other, and takes away those that nobody waits for."""

    def __init__(
        self,
        *,
        journal: Journal,
        spool: Spool,
        taken: TakenSyntaxes,
        min_free_bytes: int,
        on_made: Callable[[], None],
        ready: Callable[[], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_made` is called when an original need not be held back any more; `ready`: whether every spool file is
        known after the start.
        """
        super().__init__("recoder")
        self._journal = journal
        self._encodings = Encodings(journal)
        self._spool = spool
        self._taken = taken
        self._min_free_bytes = min_free_bytes
        self._on_made = on_made
        self._ready = ready
        self._monotonic = monotonic
        self._child = RecoderChild(spool.work)
        self._worked_at = monotonic()
        self._has_room = True
        self._keeps_up = True
        self._held_since: dict[str, float] = {}  # by UID

    # ------------------------------------------------------------ for senders, from any thread

    def is_coming(self, delivery: DeliveryRecord) -> bool:
        """Whether an original had better wait a moment, since a smaller copy of it is about to be made. Not for long,
        whatever happens here.
        """
        if delivery.kind != "original" or delivery.failures or not self._has_room:
            return False
        if JPEG_LS_LOSSLESS not in self._taken.by(delivery.destination):
            return False
        if self._encodings.state(delivery.sop_instance_uid, JPEG_LS_LOSSLESS) in ("ready", "as_it_came"):
            self._held_since.pop(delivery.sop_instance_uid, None)
            return False
        if self._stopping.is_set() or self._has_died:
            return False
        if len(self._held_since) >= MOST_HELD:
            self._held_since.clear()
        since = self._held_since.setdefault(delivery.sop_instance_uid, self._monotonic())
        if self._monotonic() - since >= HOLD_SECONDS:
            self._keeps_up = False  # such as while many images wait to be read: then the link must not wait too
        return self._keeps_up

    @property
    def _has_died(self) -> bool:
        """Whether nothing is made any more. One that is about to be started, as senders are before it, still comes."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def goes_on(self) -> bool:
        """Whether the box is not stopping."""
        return not self._stopping.is_set()

    # ------------------------------------------------------------ the worker

    def _work(self) -> None:
        try:
            super()._work()
        finally:
            self._child.end()

    def turn(self) -> float:
        """Make one copy. Returns the seconds until the next look."""
        self.beat()
        if not self._ready():
            return LOOK_SECONDS
        self._take_away(self._encodings.for_nobody())
        if self._images_wait():
            self._end_idle_child()
            return LOOK_SECONDS
        wanted = self._encodings.next_wanted(self._taken.wishes(JPEG_LS_LOSSLESS), AHEAD)
        if wanted is None:
            return self._rest()
        if not self._makes_room(wanted):
            self._end_idle_child()
            return PAUSE_SECONDS
        self._worked_at = self._monotonic()
        pause = self._make(wanted)
        self._worked_at = self._monotonic()
        return pause

    def _rest(self) -> float:
        """Nothing is to be made: end the child after a while. Returns the seconds until the next look."""
        self._has_room = self._room(0)
        if not self._has_room:
            self._take_away([one.id for one in self._encodings.ready()])
        if self._child.runs:
            self._end_idle_child()
            return IDLE_SECONDS
        return PAUSE_SECONDS if self._encodings.ready_bytes() else UNTIL_WOKEN

    def _end_idle_child(self) -> None:
        if self._child.runs and self._monotonic() - self._worked_at >= IDLE_SECONDS:
            self._child.end()

    def _images_wait(self) -> bool:
        """Whether an image waits to be read, or is being read."""
        return bool(self._journal.counts("instances")["received"])

    # ------------------------------------------------------------ room on the disk

    def _room(self, byte_count: int) -> bool:
        return self._spool.free_bytes() - byte_count >= self._min_free_bytes + SPARE_BYTES

    def _makes_room(self, wanted: WantedEncoding) -> bool:
        """Whether a copy of this original may be kept. Where the disk gets full, what was made is given up."""
        is_larger = wanted.transfer_syntax_uid == EXPLICIT_LITTLE_ENDIAN
        self._has_room = self._room(wanted.byte_count * (UNCOMPRESSED_TIMES if is_larger else 2))
        if not self._has_room:
            self._take_away([one.id for one in self._encodings.ready()])
            return False
        return is_larger or self._encodings.ready_bytes() < AHEAD_BYTES  # somebody waits for an uncompressed one now

    def _take_away(self, encoding_ids: list[str]) -> None:
        if encoding_ids:
            for name in self._encodings.forget(encoding_ids):  # a start removes a file without a row
                self._spool.remove(name)

    # ------------------------------------------------------------ one copy

    def _make(self, wanted: WantedEncoding) -> float:
        encoding_id = self._encodings.begin(wanted)
        name = f"{encoding_id}.dcm"
        try:
            job = RecodeJob(
                name=name,
                sop_instance_uid=wanted.sop_instance_uid,
                transfer_syntax_uid=wanted.transfer_syntax_uid,
                source_path=give(self._spool.path(wanted.spool_name), self._child.given / "source"),
                source_byte_count=wanted.byte_count,
                source_digest=wanted.file_digest,
                work_dir=self._child.made,
            )
            answer = self._child.run(job, wanted.byte_count, go_on=self.beat, others_wait=self._images_wait)
            pause = self._settle(encoding_id, name, wanted, answer)
        except (OSError, StorageError) as problem:  # the disk: no original is to blame
            _log.warning("No original is re-encoded for a while: %s", problem)
            self._encodings.put_back(encoding_id)
            pause = PAUSE_SECONDS
        self._child.clear()
        return pause

    def _settle(self, encoding_id: str, name: str, wanted: WantedEncoding, answer: RecoderAnswer | NoAnswer) -> float:
        self._keeps_up = True
        match answer:
            case Recoded():
                self._keep(encoding_id, name, wanted, answer)
            case GoesAsItCame(reason=reason):
                self._encodings.goes_as_it_came(encoding_id, reason)
                self._on_made()
            case DiskRefusal():
                self._encodings.put_back(encoding_id)
                return PAUSE_SECONDS
            case NoAnswer(how="stopped"):
                self._encodings.put_back(encoding_id)
            case _:
                detail = answer.detail if isinstance(answer, NoAnswer) else "it answered something else"
                _log.warning("Re-encoding an object of study %s failed: %s.", wanted.study_key, detail or "late")
                self._child.end()
                self._encodings.failed(encoding_id)
                self._on_made()
        return 0.0

    def _keep(self, encoding_id: str, name: str, wanted: WantedEncoding, made: Recoded) -> None:
        try:
            path = made_file(self._child.made, name)
            record = read_record(path)
        except NotMade:
            record = None
        expected = Reencoding(
            sop_instance_uid=wanted.sop_instance_uid,
            transfer_syntax_uid=wanted.transfer_syntax_uid,
            byte_count=made.byte_count,
            digest=made.digest,
        )
        if record != expected:
            _log.error("The program that re-encodes originals named a file that it had not made.")
            self._child.end()
            self._encodings.failed(encoding_id)
            self._on_made()  # after the last attempt the sender waits no longer
            return
        self._spool.adopt_all([(path, name)])
        if self._encodings.made(encoding_id, name, made.byte_count, made.digest):
            _log.info(
                "An object goes as %d bytes, not %d: %s.",
                made.byte_count,
                wanted.byte_count,
                wanted.transfer_syntax_uid,
            )
        else:
            with suppress(OSError):
                self._spool.remove(name)
        self._on_made()
