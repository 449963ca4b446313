"""Gives exams their numbers (`exam_number.py`), each once, whatever happens to the box.

An image's record, which has the number of its exam, is durable before its row in the journal. So a number is taken
before there is a row that has it, and must be gone for good then: numbers are reserved in blocks, durably, before the
first of a block is taken. What is left of a block at the end of a run is never given.

How far the reservations go stands in two places, since either may be lost: in the journal, and in a file beside the
station's key, which goes into a backup too. After a start that may not know all numbers (after a power cut, or with a
new journal), no exam is given one before the whole spool was looked at: images that come meanwhile may belong to an
exam that had its number before. Theirs is given then, and their records are renewed.
"""

import math
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from leapfrog.durable import write_durably
from leapfrog.errors import StorageError
from leapfrog.exam_number import exam_number, ordinal_of
from leapfrog.state.facts import put
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyIdentity
from leapfrog.state.station.station_key import make_station_folder, own_as, station_folder
from leapfrog.state.studies import Studies

FILE_NAME = "exam_numbers"  # beside the station's key: how many numbers are reserved
FACT = "exam_numbers"  # the same in the journal
FIRST = 1  # ordinal
BLOCK = 64  # numbers reserved at once: three fsyncs for so many exams
SKIPPED = 5000  # numbers, after a restore
# More, for each day since the backup: of two restores of one backup, the later skips what came between.
SKIPPED_EACH_DAY = 500
GIVEN_AT_ONCE = 500  # exams in one transaction
REMEMBERED = 1000  # exams whose images come now, and need not be looked up
REMEMBERED_SECONDS = 60.0


class ExamNumbers:
    """Any thread may call it."""

    def __init__(
        self, journal: Journal, state_dir: Path, *, settled: bool, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`settled`: the journal knows every number that was given."""
        self._journal = journal
        self._studies = Studies(journal)
        self._file = station_folder(state_dir) / FILE_NAME
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._settled = settled
        self._recent: OrderedDict[StudyIdentity, tuple[str, float]] = OrderedDict()
        self._next = self._end = FIRST  # nothing is reserved
        self._seen = 0  # more than every ordinal that was met in the spool

    def of(self, identity: StudyIdentity) -> str:
        """The number for an image of the exam with this identity: that of the exam, or a new one. "" as long as none
        can be given; then call `give_missing` once the image is in the journal. Raises StorageError.
        """
        if not identity.study_instance_uid:
            return self._new()
        if known := self._remembered(identity):
            return known
        number = self._studies.exam_number_of(identity)
        if number is None:
            return self._new_for(identity)
        if number:
            with self._lock:
                self._remember(identity, number)
        return number

    def met(self, number: str) -> None:
        """Note that the spool has this number, so that no later one is the same."""
        with self._lock:
            self._seen = max(self._seen, ordinal_of(number) + 1)

    def settle(self) -> None:
        """From now on numbers are given: the whole spool was looked at. Exams that have none get theirs. What was met
        there is noted: whoever goes on from here, as the daemon does after `leapfrog journal rebuild`, has not seen it.
        """
        with self._lock:
            self._settled = True
            if self._seen > max(_reserved_in(self._file), self._reserved_in_journal()):
                self._note_reserved(self._seen)
        self.give_missing()

    def give_missing(self) -> None:
        """Give every exam that has none its number, the oldest first, once that can be done. Raises StorageError."""
        while self._settled and (keys := self._studies.without_number(GIVEN_AT_ONCE)):
            self._studies.give_numbers({key: self._new() for key in keys})

    def exam_is_gone(self, number: str) -> None:
        """Note that a person had the exam with this number forgotten: if its images come once more, it gets another."""
        with self._lock:
            for identity in [one for one, (known, _) in self._recent.items() if known == number]:
                del self._recent[identity]

    # ------------------------------------------------------------ one that is new

    def _new_for(self, identity: StudyIdentity) -> str:
        """Two images of a new exam that come at once get the same."""
        with self._lock:
            known = self._recent.get(identity)
            number = known[0] if known else self._take()
            if number:
                self._remember(identity, number)
            return number

    def _new(self) -> str:
        with self._lock:
            return self._take()

    def _take(self) -> str:
        if not self._settled:
            return ""
        if self._next == self._end or self._next < self._seen:
            self._reserve()
        self._next += 1
        return exam_number(self._next - 1)

    def _reserve(self) -> None:
        """Reserve a block of numbers that no exam has, in both places, before one of it is taken."""
        first = max(FIRST, _reserved_in(self._file), self._seen, self._reserved_in_journal())
        while self._studies.any_has_number(exam_number(ordinal) for ordinal in range(first, first + BLOCK)):
            first += BLOCK
        self._note_reserved(first + BLOCK)
        self._next, self._end = first, first + BLOCK

    def _note_reserved(self, end: int) -> None:
        with self._journal.transaction() as connection:
            put(connection, FACT, str(end))
        try:
            make_station_folder(self._file.parent)
            write_durably(self._file, str(end).encode())
            own_as(self._file, self._file.parent)
        except OSError as problem:
            raise StorageError(f"{self._file} cannot be written: {problem.strerror}.") from problem

    def _reserved_in_journal(self) -> int:
        return _reserved(self._journal.row)

    # ------------------------------------------------------------ whose images come now

    def _remembered(self, identity: StudyIdentity) -> str:
        """An exam is kept for a day at least, unless `exam_is_gone`, so what is known of it holds for a minute."""
        with self._lock:
            number, since = self._recent.get(identity, ("", 0.0))
            if number and self._monotonic() - since < REMEMBERED_SECONDS:
                return number
            self._recent.pop(identity, None)
            return ""

    def _remember(self, identity: StudyIdentity, number: str) -> None:
        self._recent[identity] = (number, self._monotonic())
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)


def skip_numbers(connection: sqlite3.Connection, reserved: int, days: float) -> None:
    """Reserve what may have been given in the `days` since a backup: what the journal says or `reserved`, whichever is
    more, and as many again as no box gives in that time. Within the caller's transaction.
    """
    skipped = SKIPPED + math.ceil(SKIPPED_EACH_DAY * max(0.0, days))
    in_journal = _reserved(lambda query, values: connection.execute(query, values).fetchone())
    put(connection, FACT, str(max(reserved, in_journal) + skipped))


def reserved_by(state_dir: Path) -> int:
    """How many numbers are reserved by the file in `state_dir`; 0 where it is missing or says nothing."""
    return _reserved_in(station_folder(state_dir) / FILE_NAME)


def _reserved_in(file: Path) -> int:
    with suppress(OSError, ValueError):
        return int(file.read_bytes())
    return 0


def _reserved(row_of: Callable[[str, tuple[str]], sqlite3.Row | None]) -> int:
    row = row_of("SELECT value FROM facts WHERE name = ?", (FACT,))
    return int(row["value"]) if row else 0
