"""The requests for storage commitment that are open: what is verified of them, and how each modality is told.

The receiver's associations, the verifier and the reporter all work at it. The journal says what is open; here is what
need not outlive the process: verified reports, associations that wait, and when each modality is called again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from leapfrog.dicom.commitment import CommitmentReport, CommitmentRequest, Reference
from leapfrog.outbox.backoff import Backoff
from leapfrog.problem import Problem
from leapfrog.settings import ModalitySettings
from leapfrog.state.commitments import Commitment, Commitments
from leapfrog.wording.text import count

CALL_BACKOFF = Backoff(first_seconds=20.0, cap_seconds=3600.0)
GIVE_UP_SECONDS = 7 * 24 * 3600.0  # in which the box ran; modalities keep what is not committed, and ask again
FRESH_SECONDS = 600.0  # a report that was verified longer ago is verified again before it is sent
LONGEST_SLEEP_SECONDS = 3600.0  # after which the time that all have waited is noted
FAILURES_TOLD = 3  # before that, nobody needs to know
SUCCESS = 0x0000

_log = logging.getLogger(__name__)


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
        *,
        backoff: Backoff = CALL_BACKOFF,
        give_up_seconds: float = GIVE_UP_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_change` is called when there may be something to verify or to report."""
        self._commitments = commitments
        self._modalities = {modality.ae_title.strip(): modality for modality in modalities}
        self._on_change = on_change
        self._backoff = backoff
        self._give_up_seconds = give_up_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._open: dict[str, OpenCommitment] = {}

    # ------------------------------------------------------------ for associations

    def request(self, ae_title: str, address: str, request: CommitmentRequest) -> str:
        """Take a request, durably, and count on its association to take the report. Returns its id. Raises
        TransactionInUse, TooManyWaiting, StorageError.
        """
        commitment_id = self._commitments.add(ae_title, address, request)
        with self._lock:
            self._open.pop(commitment_id, None)
        self.catch_up()
        self._change(commitment_id, in_association=True)
        _log.info(
            "Storage commitment %s: %s asks for %s.",
            commitment_id,
            ae_title,
            count(len(request.references), "instance"),
        )
        self._on_change()
        return commitment_id

    def ready(self, commitment_id: str) -> CommitmentReport | None:
        """The report for the association that asked, once it is verified."""
        with self._lock:
            known = self._open.get(commitment_id)
            return known.report if known is not None and known.in_association else None

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
        """What has to be verified now, the smallest first."""
        now = self._monotonic()
        due = [one.commitment for one in self._all() if (at := self._verify_at(one, now)) is not None and at <= now]
        return sorted(due, key=lambda commitment: commitment.named_count)

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
            return now if one.report is None else None
        at = max(now, one.due_at)
        return at if self._modality(one) is not None and not one.is_fresh(at) else None

    # ------------------------------------------------------------ for the reporter

    def catch_up(self) -> None:
        """Look into the journal for requests of an earlier run, and for those that a person wants told after all."""
        waiting, now = self._commitments.waiting(), self._monotonic()
        with self._lock:
            new = [commitment for commitment in waiting if commitment.id not in self._open]
            self._open |= {commitment.id: OpenCommitment(commitment, now) for commitment in new}
        if new:
            self._on_change()

    def count_waiting(self) -> None:
        """Note how long all have waited, and give up those that have waited for too long."""
        now = self._monotonic()
        with self._lock:
            seconds = {one_id: now - one.counted_at for one_id, one in self._open.items()}
            self._open = {one_id: replace(one, counted_at=now) for one_id, one in self._open.items()}
        if seconds and (given_up := self._commitments.waited(seconds, self._give_up_seconds)):
            _log.warning("Storage commitment: %s given up, since nobody could be told.", count(given_up, "request"))
            still = self._commitments.still_waiting(seconds)
            with self._lock:
                for gone in seconds.keys() - still:
                    self._open.pop(gone, None)

    def next_call(self) -> Call | None:
        """Whom to call now, and with what."""
        now = self._monotonic()
        for one in self._all():
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
            self._open.pop(commitment_id, None)
        self._commitments.reported(commitment_id)
        _log.info("Storage commitment %s: the report was taken.", commitment_id)

    def failed(self, commitment_id: str, reason: str) -> None:
        """The modality could not be told; it is called again later."""
        self._commitments.failed(commitment_id, reason)
        _log.warning("Storage commitment %s: the report was not taken. %s", commitment_id, reason)
        with self._lock:
            known = self._open.get(commitment_id)
            if known is not None:
                failures = known.commitment.failures + 1
                self._open[commitment_id] = replace(
                    known,
                    commitment=replace(known.commitment, failures=failures, last_error=reason),
                    in_association=False,
                    due_at=self._monotonic() + self._backoff.seconds(failures),
                )
        self._on_change()

    def _call_at(self, one: OpenCommitment, now: float) -> float | None:
        at = max(now, one.due_at)
        return at if self._modality(one) is not None and not one.in_association and one.is_fresh(at) else None

    # ------------------------------------------------------------ what is wrong

    def problems(self) -> tuple[Problem, ...]:
        """The modalities that cannot be told."""
        stranded = [one for one in self._all() if not one.in_association]
        strangers = _by_ae_title(one for one in stranded if self._modality(one) is None)
        failing = _by_ae_title(
            one for one in stranded if self._modality(one) is not None and one.commitment.failures >= FAILURES_TOLD
        )
        return (
            *(_address_missing(commitments) for commitments in strangers),
            *(self._not_reached(commitments) for commitments in failing),
        )

    def _not_reached(self, commitments: list[Commitment]) -> Problem:
        first = commitments[0]
        modality = self._modalities[first.ae_title]
        return Problem(
            what=f"{first.ae_title} ({modality.host} port {modality.port}) asked whether its images are stored (storage"
            f" commitment) and cannot be told: {first.last_error}",
            since=first.requested_at,
            remedy="Check that it is on, and that host and port under [[dicom.modality]] are those on which it takes"
            " such reports. It is tried again for a week; until it is told, it may refuse to delete its images.",
        )

    # ------------------------------------------------------------ the list

    def _all(self) -> list[OpenCommitment]:
        with self._lock:
            return list(self._open.values())

    def _change(self, commitment_id: str, **changes: object) -> bool:
        with self._lock:
            known = self._open.get(commitment_id)
            if known is not None:
                self._open[commitment_id] = replace(known, **changes)  # type: ignore[arg-type]
        return known is not None

    def _modality(self, one: OpenCommitment) -> ModalitySettings | None:
        return self._modalities.get(one.commitment.ae_title)

    def _seconds_until(self, moment_of: Callable[[OpenCommitment, float], float | None]) -> float:
        now = self._monotonic()
        moments = [at for one in self._all() if (at := moment_of(one, now)) is not None]
        return max(0.0, min([*moments, now + LONGEST_SLEEP_SECONDS]) - now)


def _by_ae_title(found: Iterator[OpenCommitment]) -> list[list[Commitment]]:
    grouped: dict[str, list[Commitment]] = {}
    for one in found:
        grouped.setdefault(one.commitment.ae_title, []).append(one.commitment)
    return list(grouped.values())


def _address_missing(commitments: list[Commitment]) -> Problem:
    first = commitments[0]
    return Problem(
        what=f"{first.ae_title} at {first.address} asked whether its images are stored (storage commitment) and cannot"
        " be told: the settings do not say where it takes such reports.",
        since=first.requested_at,
        remedy=f'Add to the settings file: [[dicom.modality]] with ae_title = "{first.ae_title}", host ='
        f' "{first.address}" and port = the port on which that machine listens, which its service manual names; then'
        " restart Leapfrog. Or switch storage commitment off at that machine.",
    )
