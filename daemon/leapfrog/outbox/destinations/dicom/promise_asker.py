"""Asks one archive whether it keeps what it stored (storage commitment, PS3.4 Annex J), many instances at once, and
asks again when no answer comes.
"""

import logging
import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from leapfrog.dicom.commitment import PUSH_MODEL, ReceivedReport, Reference
from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN, mint_uid
from leapfrog.errors import LeapfrogError
from leapfrog.outbox.destinations.dicom import link_errors
from leapfrog.outbox.destinations.dicom.caller import ArchiveCaller, CallFailed
from leapfrog.outbox.destinations.dicom.courier import archive_of
from leapfrog.outbox.destinations.dicom.promises import PromiseBook
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.problem import Problem
from leapfrog.processes import call_messages as calls
from leapfrog.settings import DestinationSettings
from leapfrog.state.sending.handed_over import HandedOvers
from leapfrog.worker import UNTIL_WOKEN, Worker

MOST_AT_ONCE = 500  # instances in one question
SUCCESS = 0x0000
ASK_BACKOFF = Backoff(first_seconds=60.0, cap_seconds=3600.0)
FAILURES_TOLD = 3  # before that, nobody needs to know
LONG_SECONDS = 24 * 3600.0  # without a promise
CALL_SECONDS = 1200.0  # the longest that a call may take between two signs of life
CONTEXTS = tuple(
    calls.Context(sop_class_uid=PUSH_MODEL, transfer_syntax_uid=syntax)
    for syntax in (EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN)
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AskTiming:
    """When an archive is asked."""

    gather_seconds: float = 5.0  # what was stored meanwhile is asked about together
    wait_seconds: float = 20.0  # for an answer over the association that asked; later, the archive calls back
    again_seconds: float = 6 * 3600.0  # without an answer
    # The archive may have called back while this box was off. Not every archive tries it again.
    again_after_start_seconds: float = 600.0
    window_seconds: float = 60.0  # between two looks whether a sync window is open
    backoff: Backoff = ASK_BACKOFF


class _Stopped(LeapfrogError):
    """The box is stopping."""


class PromiseAsker(Worker):
    """One archive that is to promise what it keeps. It has a thread of its own, so that it delays nobody."""

    def __init__(
        self,
        archive: DestinationSettings,
        ae_title: str,
        handed_over: HandedOvers,
        book: PromiseBook,
        may_call: Callable[[], bool],
        timing: AskTiming | None = None,
        patience: calls.Patience | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ae_title` is this box's own; `may_call`, whether anything may be sent now."""
        super().__init__(f"promises-{archive.name}")
        self._settings = archive
        self._ae_title = ae_title
        self._timing = timing or AskTiming()
        patience = (patience or calls.Patience()).model_copy(update={"idle_seconds": 2 * self._timing.wait_seconds})
        self._archive = archive_of(archive, ae_title, patience)
        self._handed_over = handed_over
        self._book = book
        self._may_call = may_call
        self._monotonic = monotonic
        self._caller = ArchiveCaller(archive.name, self._progress, self._take)
        self._asked_at: dict[str, float] = {}  # by transaction
        self._gathering_since: float | None = None
        self._failures = 0
        self._most_at_once = MOST_AT_ONCE
        self._due_at = 0.0
        self._last_error = ""

    def stop(self) -> None:
        """Break off a call; what was not answered is asked again."""
        self._stopping.set()
        self._caller.cut()
        super().stop()

    def turn(self) -> float:
        """Ask what is to be asked. Returns the seconds until there may be something again."""
        self.beat(CALL_SECONDS)
        self._book.flush_log()
        until_again = self._ask_again()
        waiting = self._handed_over.to_ask(self._settings.name, MOST_AT_ONCE)
        if not waiting:
            self._gathering_since = None
            return until_again
        if not self._may_call():
            return self._timing.window_seconds
        now = self._monotonic()
        self._gathering_since = now if self._gathering_since is None else self._gathering_since
        gathered_at = self._gathering_since + (self._timing.gather_seconds if len(waiting) < MOST_AT_ONCE else 0.0)
        if (wait := max(self._due_at, gathered_at) - now) > 0:
            return wait
        self._ask(self._fewer(waiting))
        return 0.0

    def _fewer(self, waiting: dict[str, Reference]) -> dict[str, Reference]:
        """An archive may refuse a question for one instance that it names, or because it names many. So after some
        failures it is asked about ever fewer, any of them: what it can promise is not held up for ever.
        """
        if len(waiting) <= self._most_at_once:
            return waiting
        return {delivery: waiting[delivery] for delivery in random.sample(list(waiting), self._most_at_once)}

    def _ask_again(self) -> float:
        """What got no answer for too long is to be asked again. Returns how long until that is so of something."""
        now = self._monotonic()
        open_questions = self._handed_over.open_questions(self._settings.name)
        self._asked_at = {one: at for one, at in self._asked_at.items() if one in open_questions}
        after_start = now - self._timing.again_seconds + self._timing.again_after_start_seconds
        soonest = UNTIL_WOKEN
        for transaction_uid in open_questions:
            left = self._asked_at.setdefault(transaction_uid, after_start) + self._timing.again_seconds - now
            if left <= 0:
                self._handed_over.ask_again(transaction_uid)
                del self._asked_at[transaction_uid]
            else:
                soonest = min(soonest, left)
        return soonest

    def _ask(self, waiting: dict[str, Reference]) -> None:
        transaction_uid = mint_uid()
        self._gathering_since = None
        self._handed_over.ask(transaction_uid, waiting)
        self._asked_at[transaction_uid] = self._monotonic()
        try:
            reason = self._call(transaction_uid, waiting.values())
        except CallFailed as problem:
            reason = self._reason(problem)
        except _Stopped:
            reason = ""
        finally:
            self._caller.close()
        if reason:
            self._failed(transaction_uid, reason)
            if self._failures >= FAILURES_TOLD:
                self._most_at_once = max(1, min(self._most_at_once, len(waiting)) // 4)
        else:
            self._most_at_once = min(MOST_AT_ONCE, 2 * self._most_at_once)
            self._failures, self._last_error = 0, ""

    def _call(self, transaction_uid: str, references: Collection[Reference]) -> str:
        """Returns why the archive does not take the question, "" when it does."""
        self._book.look_up(self._settings)
        self._caller.open(calls.Open(archive=self._archive, contexts=CONTEXTS))
        named = tuple(
            calls.Reference(sop_class_uid=one.sop_class_uid, sop_instance_uid=one.sop_instance_uid)
            for one in references
        )
        status = self._caller.commit(calls.Commit(transaction_uid=transaction_uid, references=named))
        if status != SUCCESS:
            return f"It answered with status {status:04X}."
        deadline = self._monotonic() + self._timing.wait_seconds
        while (left := deadline - self._monotonic()) > 0 and self._is_open(transaction_uid):
            try:
                self._caller.wait_for_reports(min(left, 1.0))
            except CallFailed:
                break  # it ended the association: it will call back
            self._progress()
        return ""

    def _is_open(self, transaction_uid: str) -> bool:
        return self._handed_over.destination_of(transaction_uid) is not None

    def _reason(self, problem: CallFailed) -> str:
        if problem.failed.what == "no_context":
            return "It does not offer storage commitment. If it never will, set commit = false for it in the settings."
        return str(link_errors.link_error(problem.failed, self._settings, self._ae_title))

    def _failed(self, transaction_uid: str, reason: str) -> None:
        self._failures += 1
        self._due_at = self._monotonic() + self._timing.backoff.seconds(self._failures)
        if reason != self._last_error:
            name = self._settings.name
            _log.warning("The archive %s cannot be asked whether it keeps what it stored: %s", name, reason)
        self._last_error = reason
        self._handed_over.not_asked(transaction_uid)

    def _take(self, report: calls.Report) -> bool:
        received = ReceivedReport(
            report.transaction_uid,
            tuple(Reference(one.sop_class_uid, one.sop_instance_uid) for one in report.kept),
            tuple((Reference(one.sop_class_uid, one.sop_instance_uid), reason) for one, reason in report.failed),
        )
        return self._book.told(self._settings, received)

    def _progress(self) -> None:
        if not self.beat(CALL_SECONDS):
            raise _Stopped

    # ------------------------------------------------------------ what is wrong

    def problems(self) -> tuple[Problem, ...]:
        """That the archive cannot be asked, or does not answer."""
        waiting = self._handed_over.waiting(self._settings.name)
        if waiting is None:
            return ()
        name, last_error = self._settings.name, self._last_error
        if self._failures >= FAILURES_TOLD and last_error:
            what = f"The archive {name} cannot be asked whether it keeps what it stored (storage commitment)."
            remedy = f"{last_error} Nothing is lost: it is asked again by itself."
        elif (datetime.now().astimezone() - datetime.fromisoformat(waiting.since)).total_seconds() >= LONG_SECONDS:
            what = (
                f"The archive {name} has not promised for more than a day to keep what it stored (objects:"
                f" {waiting.total})."
            )
            remedy = (
                f"See there whether it can call this box back: it needs a DICOM node with the AE title"
                f" {self._ae_title.strip()}, this box's address and dicom.port; and if dicom.allowed_ae_titles or"
                f" dicom.allowed_addresses are set, they must have its own."
            )
        else:
            return ()
        return (Problem(what=what, since=waiting.since, remedy=remedy, in_worklist=False),)
