"""Fetches the newest bundle from the district (`fleet.bundle_url`), in the sync windows and after everything else.

It asks about once an hour. Where nothing has changed, that costs a few hundred bytes (ETag). The first piece of a new
file is tiny and tells the bundle's number: one that this box has had costs no more. The rest comes piece by piece, each
durable before the next is asked for, so that a thin link, a power cut or the end of a window cost one piece at most.
"""

import logging
import re
import shutil
import time
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO

from leapfrog.bundle_state import read_state
from leapfrog.bundles.bundle_file import LABEL_BYTES, LARGEST_BUNDLE_BYTES, number_in_label, opened_bundle
from leapfrog.bundles.offered import offer, offered, require_newer, trusted_key
from leapfrog.errors import (
    BundleError,
    DistrictAnswerTooLong,
    DistrictError,
    DistrictLocked,
    DistrictUnclear,
    DistrictUnreachable,
    LeapfrogError,
    StorageError,
)
from leapfrog.outbox.bundles.part_file import Note, PartFile
from leapfrog.outbox.destinations.dicomweb.answers import Answer
from leapfrog.outbox.destinations.dicomweb.exchange import Exchanges
from leapfrog.outbox.destinations.dicomweb.status import raise_for_link
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.precedence import Precedence, Turn
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.parts import log_failure
from leapfrog.problem import Problem, Problems
from leapfrog.settings import DestinationSettings, Settings
from leapfrog.settings.destinations import Access
from leapfrog.worker import UNTIL_WOKEN, Worker

ROUND_SECONDS = 3600.0
EVERY_HOUR = Backoff(first_seconds=ROUND_SECONDS, cap_seconds=ROUND_SECONDS)  # not every box in the same minute
AFTER_START_SECONDS = 60.0
LINK_BACKOFF = Backoff(first_seconds=60.0, cap_seconds=ROUND_SECONDS)
OTHERS_SECONDS = 20.0  # between two looks whether what goes first still moves
RANK = 9  # after originals
FIRST_PIECE_BYTES = 512
PIECE_BYTES = 65_536  # 8 s of 64 kbit/s
LONG_SECONDS = 24 * 3600.0
CONTENT_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")
NOTHING_THERE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
# A version that stands in a header again: printable, and no longer than any that servers make.
VERSION = re.compile(r"[!-~]{1,200}")

NOT_FETCHED = "The district's bundles cannot be fetched. {reason}"
NOT_FETCHED_REMEDY = "Everything else goes on. A bundle may also come on a stick (`leapfrog import`)."
NO_BUNDLE = "What is at fleet.bundle_url is no bundle: correct that address, or tell the district."
NO_BUNDLE_REMEDY = "Tell the district: nothing of it is used."

_log = logging.getLogger(__name__)


class _Stopped(LeapfrogError):
    """The box is stopping in the middle of a transfer."""


class BundleFetcher(Worker):
    """One thread, which sleeps most of the time. It never runs where the settings name no address."""

    def __init__(
        self,
        settings: Settings,
        on_fetched: Callable[[], None],
        *,
        windows: SyncWindows,
        throttle: Throttle,
        precedence: Precedence,
        timeouts: Timeouts | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        after_start_seconds: float = AFTER_START_SECONDS,
    ) -> None:
        """`on_fetched` is called when a bundle came. `windows`, `throttle` and `precedence` are those of all that is
        sent; whoever starts the windows wakes this part at their edges.
        """
        super().__init__("bundle-fetcher")
        self._settings = settings
        self._on_fetched = on_fetched
        self._windows = windows
        self._throttle = throttle
        self._precedence = precedence
        self._monotonic = monotonic
        self._turn: Turn | None = None
        self._part = PartFile(settings.state_dir, settings.fleet.bundle_url)
        access = {key: getattr(settings.district, key) for key in Access.model_fields}
        place = DestinationSettings(name="bundles", url=settings.fleet.bundle_url or "http://none.invalid", **access)
        self._exchanges = Exchanges(place, Pace(throttle, self._progress, monotonic), timeouts or Timeouts())
        self._problems = Problems()
        self._asked_for = False
        self._due_at = monotonic() + after_start_seconds
        self._failures = 0
        self._failing_since = 0.0
        self._resumed = True  # the part that is here may be of before a power cut

    # ------------------------------------------------------------ for others; any thread may call it

    def stop(self) -> None:
        """Cut what is running, and stop. The next start goes on with it."""
        self._stopping.set()
        self._exchanges.cut()
        super().stop()
        self._exchanges.close()

    def ask_now(self) -> None:
        """Ask once, now, whatever the windows say. Returns at once."""
        self._asked_for = True
        self.wake()

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, for `status` and `doctor`."""
        return self._problems.current()

    # ------------------------------------------------------------ the worker

    def turn(self) -> float:
        """Fetch what is due. Returns the seconds until the next turn."""
        if not self._settings.fleet.bundle_url or not self._may_fetch():
            return UNTIL_WOKEN
        wait = 0.0 if self._asked_for else self._due_at - self._monotonic()
        if wait > 0:
            return wait
        try:
            with self._precedence.turn(RANK) as self._turn:
                if not self._round():
                    return OTHERS_SECONDS
        except _Stopped:
            return UNTIL_WOKEN
        except Exception as problem:
            if not isinstance(problem, DistrictError | StorageError | OSError):
                # An error of ours over what a server said must not end the box.
                log_failure("A bundle could not be fetched", problem)
            return self._failed(problem)
        return self._done()

    def _done(self) -> float:
        self._asked_for = False
        self._failures = 0
        self._problems.clear("link")
        pause = EVERY_HOUR.seconds(1)
        self._due_at = self._monotonic() + pause
        return pause

    def _may_fetch(self) -> bool:
        return self._asked_for or self._windows.is_open()

    def _progress(self) -> None:
        if self._turn is not None:
            self._turn.moves()
        if not self.beat(UNTIL_WOKEN):  # each exchange has a deadline of its own
            raise _Stopped("The box is stopping.")

    def _failed(self, problem: Exception) -> float:
        self._asked_for = False
        now = self._monotonic()
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        pause = LINK_BACKOFF.seconds(self._failures)
        if isinstance(problem, DistrictUnreachable):
            pause = max(pause, min(problem.retry_after_seconds, ROUND_SECONDS))
        if isinstance(problem, LeapfrogError):
            reason = str(problem).replace("district.url", "fleet.bundle_url")
        else:
            reason = f"({problem.strerror if isinstance(problem, OSError) else type(problem).__name__})"
        # That a link is down is nothing new: the destinations say so. What a person must mend is told at once.
        if (
            not isinstance(problem, DistrictError | OSError)
            or isinstance(problem, DistrictLocked)
            or (now - self._failing_since >= LONG_SECONDS)
        ):
            self._problems.add("link", NOT_FETCHED.format(reason=reason), NOT_FETCHED_REMEDY, in_worklist=False)
        self._due_at = now + pause
        return pause

    # ------------------------------------------------------------ fetching

    def _round(self) -> bool:
        """Ask, and fetch as long as nothing goes first. Returns whether everything is done that could be done."""
        note = self._part.note()
        if not note.version:
            self._part.path.unlink(missing_ok=True)
        while True:
            self._progress()
            if not self._may_fetch() or (self._turn is not None and not self._turn.wait(0.0)):
                return False
            have = self._part.byte_count()
            if have and (number := number_in_label(self._part.beginning(LABEL_BYTES))) is not None:
                if not self._is_wanted(number):
                    self._part.begin_anew("", note.version)
                    return True
            elif have >= FIRST_PIECE_BYTES:
                self._refuse(note, NO_BUNDLE)
                return True
            total = self._fetch_piece(note, have)
            if total is None:
                return True
            note = self._part.note()
            if self._part.byte_count() >= total:
                if self._is_taken(note):
                    return True
                note = self._part.begin_anew("", "")  # once more from its beginning

    def _is_wanted(self, number: int) -> bool:
        state = read_state(self._settings.state_dir)
        waiting = {path.stem for path in offered(self._settings.state_dir)}
        return number > state.highest and str(number) not in waiting

    def _fetch_piece(self, note: Note, have: int) -> int | None:
        """Fetch the next piece of the file, from byte `have` on. Returns the size of the whole file, None where there
        is nothing to fetch.
        """
        size = PIECE_BYTES if have else FIRST_PIECE_BYTES
        headers = {"Range": f"bytes={have}-{have + size - 1}"}
        if have:
            headers["If-Range"] = note.version
        elif note.done:
            headers["If-None-Match"] = note.done
        self._throttle.take(size)
        piece = BytesIO()
        try:
            answer = self._exchanges.download("", "application/zip, */*;q=0.5", piece, size, headers)
        except DistrictAnswerTooLong:
            if have:  # it is another file now
                self._part.begin_anew("", note.done)
                return LARGEST_BUNDLE_BYTES
            return self._fetch_whole(note)
        if answer.status == HTTPStatus.NOT_MODIFIED or answer.status in NOTHING_THERE:
            return None
        if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            self._part.begin_anew("", note.done)
            return LARGEST_BUNDLE_BYTES
        raise_for_link(answer)
        if answer.status == HTTPStatus.OK:
            self._keep(note, answer, 0, piece.getvalue())
            return len(piece.getvalue())
        return self._keep_piece(note, answer, have, piece.getvalue())

    def _keep_piece(self, note: Note, answer: Answer, have: int, content: bytes) -> int:
        match = CONTENT_RANGE.fullmatch(str(answer.headers.get("Content-Range") or "").strip())
        if answer.status != HTTPStatus.PARTIAL_CONTENT or match is None:
            raise DistrictUnreachable(f"The district server could not give the bundle (HTTP {answer.status}).")
        begin, end, total = (int(number) for number in match.groups())
        if begin != have or end - begin + 1 != len(content) or not have < total <= LARGEST_BUNDLE_BYTES:
            raise DistrictUnclear("The district server gave another piece of the bundle than it was asked for.")
        if not have:
            self._require_room(total)
        self._keep(note, answer, have, content)
        return total

    def _keep(self, note: Note, answer: Answer, at: int, content: bytes) -> None:
        version = str(answer.headers.get("ETag") or "").strip()
        version = version if VERSION.fullmatch(version) else ""
        if not at:
            self._part.begin_anew(version, note.done)
            self._resumed = False
        self._part.add(at, content)

    def _fetch_whole(self, note: Note) -> int:
        """From a server that gives no pieces. It begins anew each time that the link breaks."""
        self._part.begin_anew("", note.done)
        self._part.add(0, b"")
        with self._part.path.open("wb") as file:
            answer = self._exchanges.download("", "application/zip, */*;q=0.5", file, LARGEST_BUNDLE_BYTES)
        raise_for_link(answer)
        if answer.status != HTTPStatus.OK:
            raise DistrictUnreachable(f"The district server could not give the bundle (HTTP {answer.status}).")
        version = str(answer.headers.get("ETag") or "").strip()
        self._part.put(note.model_copy(update={"version": version if VERSION.fullmatch(version) else ""}))
        self._resumed = False
        return self._part.byte_count()

    def _require_room(self, byte_count: int) -> None:
        free = shutil.disk_usage(self._settings.state_dir).free
        if free - byte_count < self._settings.retention.min_free_bytes:
            raise StorageError(
                f"The new one has {byte_count} bytes and {free} are free, of which"
                f" {self._settings.retention.min_free_bytes} must stay free (retention.min_free_bytes). Make room."
            )

    # ------------------------------------------------------------ what came

    def _is_taken(self, note: Note) -> bool:
        """Look at a file that is here as a whole, and offer it. Returns whether it need not be fetched again."""
        try:
            with opened_bundle(self._part.path, trusted_key(self._settings)) as bundle:
                require_newer(bundle.number, self._settings.state_dir)
                bundle.check()
                number = bundle.number
        except BundleError as problem:
            if self._resumed:  # a part of before a power cut may be damaged
                self._resumed = False
                return False
            reason = str(problem).replace(str(self._part.path), "The bundle at fleet.bundle_url")
            self._refuse(note, reason)
            return True
        offer(self._part.path, number, self._settings.state_dir)
        self._part.begin_anew("", note.version)
        self._problems.clear("content")
        _log.info("Bundle %d came from the district.", number)
        self._on_fetched()
        return True

    def _refuse(self, note: Note, reason: str) -> None:
        _log.warning("%s", reason)
        self._problems.add("content", reason, NO_BUNDLE_REMEDY, in_worklist=False)
        self._part.begin_anew("", note.version)
