"""The requests for storage commitment that are open: what is verified of them, and how each modality is told.

The receiver's associations, the verifier and the reporter all work at it. The journal says what is open; here is what
need not outlive the process: verified reports, associations that wait, and when each modality is called again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from leapfrog.dicom.commitment import CommitmentReport, CommitmentRequest, Reference
from leapfrog.outbox.commitments.address_book import AddressBook
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.problem import Problem
from leapfrog.settings import ModalitySettings
from leapfrog.state.commitments import ROOM, ROOM_OF_STRANGERS, Commitment, Commitments
from leapfrog.wording.text import count

CALL_BACKOFF = Backoff(first_seconds=20.0, cap_seconds=3600.0)
GIVE_UP_SECONDS = 7 * 24 * 3600.0  # in which the box ran; modalities keep what is not committed, and ask again
STRANGERS_SECONDS = 24 * 3600.0  # for those that could not be called, should they hang up
KEPT_SECONDS = 30 * 24 * 3600.0  # after which what was given up is forgotten
COUNT_SECONDS = 3600.0  # between two notes of the time that all have waited
FRESH_SECONDS = 600.0  # a report that was verified longer ago is verified again before it is sent
LONGEST_SLEEP_SECONDS = 3600.0
FAILURES_TOLD = 3  # before that, nobody needs to know
STRANGERS_LISTED = 3  # the others are counted: anybody may call himself anything
SUCCESS = 0x0000

_log = logging.getLogger(__name__)


class PeerLines(Protocol):
    """What the log says of peers, at most so much of each."""

    def write(self, address: str, level: int, line: str) -> None:
        """Log `line` about the peer at `address`, or count it."""

    def flush(self) -> None:
        """Say how many lines were left out."""


@dataclass(frozen=True)
class OpenCommitment:
    """One request that is open. `in_association`: its association is there to take the report. Times are on the
    monotonic clock: nobody is called before `due_at`, and until `counted_at` it is noted how long it has waited.
    """

    commitment: Commitment
    counted_at: float
    in_association: bool = False
    due_at: float = 0.0
    report: CommitmentReport | None = None
    verified_at: float = 0.0

    def is_fresh(self, moment: float) -> bool:
        """Whether there is a report that may be sent at that moment."""
        return self.report is not None and moment - self.verified_at < FRESH_SECONDS


@dataclass(frozen=True)
class Unreached:
    """A modality that did not take the last report it was called with: how often in a row, and when to call again."""

    failures: int = 0
    due_at: float = 0.0


@dataclass(frozen=True)
class Call:
    """A report, and the modality to be called with it."""

    commitment: Commitment
    modality: ModalitySettings
    report: CommitmentReport


class CommitmentDesk:
    """Any thread may call it."""

    def __init__(
        self,
        commitments: Commitments,
        modalities: Sequence[ModalitySettings],
        on_change: Callable[[], None],
        log: PeerLines,
        *,
        backoff: Backoff = CALL_BACKOFF,
        give_up_seconds: float = GIVE_UP_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_change` is called when there may be something to verify or to report."""
        self._commitments = commitments
        self._book = AddressBook(modalities, monotonic=monotonic)
        self._on_change = on_change
        self._peer_log = log
        self._backoff = backoff
        self._give_up_seconds = give_up_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._open: dict[str, OpenCommitment] = {}  # by id, the oldest first
        self._unreached: dict[str, Unreached] = {}  # by AE title
        self._counted_at = monotonic()

    # ------------------------------------------------------------ for associations

    def request(self, ae_title: str, address: str, request: CommitmentRequest) -> str:
        """Take a request, durably, and count on its association to take the report. Returns its id. Raises
        TransactionInUse, TooManyWaiting, StorageError.
        """
        room = ROOM if self._book.find(ae_title, address) else ROOM_OF_STRANGERS
        commitment_id = self._commitments.add(ae_title, address, request, room)
        commitment = self._commitments.get(commitment_id)
        if commitment is not None:
            with self._lock:
                self._open.pop(commitment_id, None)  # it begins anew
                self._open[commitment_id] = OpenCommitment(commitment, self._monotonic(), in_association=True)
        asked = count(len(request.references), "instance")
        self._say(address, logging.INFO, f"Storage commitment {commitment_id}: {ae_title} asks for {asked}.")
        self._on_change()
        return commitment_id

    def refused(self, ae_title: str, address: str, reason: str) -> None:
        """A request was not taken."""
        self._say(address, logging.WARNING, f"Storage commitment for {ae_title} was refused: {reason}")

    def ready(self, commitment_id: str) -> CommitmentReport | None:
        """The report for the association that asked, once it is verified, and not long ago."""
        with self._lock:
            known = self._open.get(commitment_id)
        fresh = known is not None and known.in_association and known.is_fresh(self._monotonic())
        return known.report if known is not None and fresh else None

    def answered(self, commitment_id: str, status: int) -> None:
        """The modality answered the report with that DIMSE status."""
        if status == SUCCESS:
            self.reported(commitment_id)
        else:
            self.failed(commitment_id, f"It answered the report with status 0x{status:04X}.")

    def association_ended(self, commitment_id: str) -> None:
        """The association that asked does not take the report: a new one must."""
        if self._change(commitment_id, in_association=False):
            self._on_change()

    # ------------------------------------------------------------ for the verifier

    def to_verify(self) -> list[Commitment]:
        """What has to be verified now, the oldest first."""
        now = self._monotonic()
        due = [one for one in self._next_ones() if (at := self._verify_at(one, now)) is not None and at <= now]
        return [one.commitment for one in due]

    def seconds_until_verification(self) -> float:
        """How long until there is something to verify."""
        return self._seconds_until(self._verify_at)

    def references(self, commitment_id: str) -> tuple[Reference, ...]:
        """What a request names."""
        return self._commitments.references(commitment_id)

    def verified(self, commitment_id: str, report: CommitmentReport) -> None:
        """Every reference was looked at."""
        self._change(commitment_id, report=report, verified_at=self._monotonic())
        self._on_change()

    def _verify_at(self, one: OpenCommitment, now: float) -> float | None:
        if one.in_association:
            return now if one.report is None else max(now, one.verified_at + FRESH_SECONDS)
        at = max(now, self._due_at(one))
        return at if self._modality(one) is not None and not one.is_fresh(at) else None

    # ------------------------------------------------------------ for the reporter

    def catch_up(self) -> None:
        """Look into the journal for requests of an earlier run, and for those that a person wants told after all. Then
        look up the names of those that are to be called, which may take seconds.
        """
        if self._commitments.counts()["waiting"] != len(self._all()):
            self._take_up()
        if self._book.look_up((one.commitment.ae_title, one.commitment.address) for one in self._all()):
            self._on_change()

    def _take_up(self) -> None:
        known = {one.commitment.id for one in self._all()}
        waiting, now = self._commitments.waiting(), self._monotonic()
        gone = known - {commitment.id for commitment in waiting}
        with self._lock:
            for commitment_id in gone:
                self._open.pop(commitment_id, None)
            new = [commitment for commitment in waiting if commitment.id not in self._open]
            self._open |= {commitment.id: OpenCommitment(commitment, now) for commitment in new}
        if new or gone:
            self._on_change()

    def count_waiting(self) -> None:
        """Once an hour, note how long all have waited, and give up those that have waited for too long."""
        now = self._monotonic()
        since = now - self._counted_at
        if since < min(COUNT_SECONDS, self._give_up_seconds):
            return
        self._counted_at = now
        with self._lock:
            waited = [(one, now - one.counted_at) for one in self._open.values()]
            self._open = {one_id: replace(one, counted_at=now) for one_id, one in self._open.items()}
        given_up = 0
        for called, patience in ((True, self._give_up_seconds), (False, min(STRANGERS_SECONDS, self._give_up_seconds))):
            seconds = {one.commitment.id: more for one, more in waited if bool(self._modality(one)) == called}
            given_up += self._commitments.waited(seconds, patience) if seconds else 0
        self._commitments.age_given_up(since, self._give_up_seconds + KEPT_SECONDS)
        if given_up:
            _log.warning("Storage commitment: %s given up, since nobody could be told.", count(given_up, "request"))
            self._take_up()

    def flush_log(self) -> None:
        """Say how many lines about peers were left out."""
        self._peer_log.flush()

    def next_call(self) -> Call | None:
        """Whom to call now, and with what."""
        now = self._monotonic()
        for one in self._next_ones():
            modality = self._modality(one)
            at = self._call_at(one, now)
            if modality is not None and one.report is not None and at is not None and at <= now:
                return Call(one.commitment, modality, one.report)
        return None

    def seconds_until_call(self) -> float:
        """How long until somebody is to be called."""
        return self._seconds_until(self._call_at)

    def reported(self, commitment_id: str) -> None:
        """The modality confirmed that it was told."""
        with self._lock:
            known = self._open.pop(commitment_id, None)
            if known is not None and self._modality(known) is not None:
                self._unreached.pop(known.commitment.ae_title, None)
        self._commitments.reported(commitment_id)
        if known is not None:
            line = f"Storage commitment {commitment_id}: the report was taken."
            self._say(known.commitment.address, logging.INFO, line)
        self._on_change()  # it is the turn of the modality's next request, which nobody has verified yet

    def failed(self, commitment_id: str, reason: str) -> None:
        """The modality could not be told; it is called again later."""
        self._commitments.failed(commitment_id, reason)
        with self._lock:
            known = self._open.get(commitment_id)
            if known is not None:
                self._open[commitment_id] = self._after_failure(known, reason)
        if known is not None:
            line = f"Storage commitment {commitment_id}: the report was not taken. {reason}"
            self._say(known.commitment.address, logging.WARNING, line)
        self._on_change()

    def _after_failure(self, one: OpenCommitment, reason: str) -> OpenCommitment:
        now, ae_title, failures = self._monotonic(), one.commitment.ae_title, one.commitment.failures + 1
        if not one.in_association and self._modality(one) is not None:
            in_a_row = self._unreached.get(ae_title, Unreached()).failures + 1
            self._unreached[ae_title] = Unreached(in_a_row, now + self._backoff.seconds(in_a_row))
        return replace(
            one,
            commitment=replace(one.commitment, failures=failures, last_error=reason),
            in_association=False,
            due_at=now + self._backoff.seconds(failures),
        )

    def _due_at(self, one: OpenCommitment) -> float:
        return max(one.due_at, self._unreached.get(one.commitment.ae_title, Unreached()).due_at)

    def _call_at(self, one: OpenCommitment, now: float) -> float | None:
        at = max(now, self._due_at(one))
        return at if self._modality(one) is not None and not one.in_association and one.is_fresh(at) else None

    # ------------------------------------------------------------ what is wrong

    def problems(self) -> tuple[Problem, ...]:
        """The modalities that cannot be told. None is for the worklist: whoever connects brings them about."""
        stranded = [one for one in self._all() if not one.in_association]
        strangers = _by_ae_title(one.commitment for one in stranded if self._modality(one) is None)
        failing = _by_ae_title(one.commitment for one in stranded if self._modality(one) is not None)
        return (
            *(self._address_missing(commitments[0]) for commitments in strangers[:STRANGERS_LISTED]),
            *_others(strangers[STRANGERS_LISTED:]),
            *(self._not_reached(worst) for one in failing if (worst := _worst(one)).failures >= FAILURES_TOLD),
        )

    def _not_reached(self, worst: Commitment) -> Problem:
        modality = self._book.named(worst.ae_title)
        where = f" ({modality.host} port {modality.port})" if modality else ""
        return Problem(
            what=f"{worst.ae_title}{where} asked whether its images are stored (storage commitment) and cannot be told:"
            f" {worst.last_error}",
            since=worst.requested_at,
            names=(worst.ae_title,),
            remedy="Check that it is on, and that host and port under [[dicom.modality]] are those on which it takes"
            " such reports. It is tried again for a week; until it is told, it may refuse to delete its images.",
            in_worklist=False,
        )

    def _address_missing(self, first: Commitment) -> Problem:
        modality = self._book.named(first.ae_title)
        return Problem(
            what=f"{first.ae_title} at {first.address} asked whether its images are stored (storage commitment) and"
            " cannot be told: "
            + (
                f"the settings say that this machine is at {modality.host}."
                if modality
                else "the settings do not say where it takes such reports."
            ),
            since=first.requested_at,
            names=(first.ae_title,),
            remedy=f"If this is one of your machines, {'change' if modality else 'add to'} the settings file:"
            f' [[dicom.modality]] with ae_title = "{first.ae_title}", host = "{first.address}" and port = the port on'
            " which that machine listens, which its service manual names; then restart Leapfrog. Or switch storage"
            " commitment off at that machine.",
            in_worklist=False,
        )

    # ------------------------------------------------------------ the list

    def _all(self) -> list[OpenCommitment]:
        with self._lock:
            return list(self._open.values())

    def _next_ones(self) -> list[OpenCommitment]:
        """Those whose association takes the report, and of each modality that is called the next one: what failed comes
        after what did not, so that one report that a modality never takes does not keep it from all others.
        """
        everyone = self._all()
        calls: dict[str, OpenCommitment] = {}
        for one in sorted(everyone, key=lambda one: one.due_at):
            if not one.in_association and self._modality(one) is not None:
                calls.setdefault(one.commitment.ae_title, one)
        return [one for one in everyone if one.in_association or calls.get(one.commitment.ae_title) is one]

    def _change(self, commitment_id: str, **changes: object) -> bool:
        with self._lock:
            known = self._open.get(commitment_id)
            if known is not None:
                self._open[commitment_id] = replace(known, **changes)  # type: ignore[arg-type]
        return known is not None

    def _modality(self, one: OpenCommitment) -> ModalitySettings | None:
        return self._book.find(one.commitment.ae_title, one.commitment.address)

    def _say(self, address: str, level: int, line: str) -> None:
        self._peer_log.write(address, level, line)

    def _seconds_until(self, moment_of: Callable[[OpenCommitment, float], float | None]) -> float:
        now = self._monotonic()
        moments = [at for one in self._next_ones() if (at := moment_of(one, now)) is not None]
        return max(0.0, min([*moments, now + LONGEST_SLEEP_SECONDS]) - now)


def _by_ae_title(found: Iterable[Commitment]) -> list[list[Commitment]]:
    grouped: dict[str, list[Commitment]] = {}
    for one in found:
        grouped.setdefault(one.ae_title, []).append(one)
    return list(grouped.values())


def _worst(commitments: list[Commitment]) -> Commitment:
    return max(commitments, key=lambda one: one.failures)


def _others(strangers: list[list[Commitment]]) -> list[Problem]:
    if not strangers:
        return []
    return [
        Problem(
            what=f"{count(len(strangers), 'other AE title')} asked whether images are stored (storage commitment)"
            " and cannot be told either.",
            since=strangers[0][0].requested_at,
            remedy="If they are not your machines, let only yours connect: allowed_addresses under [dicom] in the"
            " settings file.",
            in_worklist=False,
        )
    ]
