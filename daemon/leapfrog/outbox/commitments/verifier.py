"""Looks at every instance that a request for storage commitment names, in a thread of its own: the disk may be slow,
and a request may name thousands.
"""

import time
from collections.abc import Callable

from leapfrog.dicom.commitment import CommitmentReport, FailureReason, Reference
from leapfrog.outbox.commitments.desk import CommitmentDesk
from leapfrog.outbox.commitments.safekeeping import Safekeeping
from leapfrog.state.commitments import Commitment
from leapfrog.worker import UNTIL_WOKEN, Worker

SLICE_SECONDS = 0.5  # of one request, before it is the turn of another address
NOT_READY_SECONDS = 1.0


class _Verification:
    """One request, looked at reference by reference."""

    def __init__(self, commitment: Commitment, references: tuple[Reference, ...]) -> None:
        self._commitment = commitment
        self._left = list(reversed(references))
        self._kept: list[Reference] = []
        self._failed: list[tuple[Reference, FailureReason]] = []

    def go_on(self, safekeeping: Safekeeping, until: float) -> CommitmentReport | None:
        """Look at some more. Returns the report once all were looked at."""
        while self._left and time.monotonic() < until:
            reference = self._left.pop()
            reason = safekeeping.reason_against(reference)
            if reason is None:
                self._kept.append(reference)
            else:
                self._failed.append((reference, reason))
        if self._left:
            return None
        return CommitmentReport(self._commitment.transaction_uid, tuple(self._kept), tuple(self._failed))


class CommitmentVerifier(Worker):
    """Verifies requests: those of each address in their order, and the addresses in turns, so that nobody who asks much
    keeps all others waiting.
    """

    def __init__(self, desk: CommitmentDesk, safekeeping: Safekeeping, ready: Callable[[], bool]) -> None:
        """`ready`: the journal knows every file of the spool, so that none counts as unknown while it is taken in."""
        super().__init__("commitment-verifier")
        self._desk = desk
        self._safekeeping = safekeeping
        self._ready = ready
        self._begun: dict[str, _Verification] = {}
        self._addresses: list[str] = []  # with something to verify, the next one first

    def turn(self) -> float:
        """Verify for a moment. Returns the seconds until there is more."""
        if not self._ready():
            return NOT_READY_SECONDS
        due = self._desk.to_verify()
        self._begun = {one.id: self._begun[one.id] for one in due if one.id in self._begun}
        if not due:
            return self._desk.seconds_until_verification()
        self._verify(self._next_of(due))
        return 0

    def _next_of(self, due: list[Commitment]) -> Commitment:
        oldest: dict[str, Commitment] = {}
        for one in due:
            oldest.setdefault(one.address, one)
        waiting = [address for address in self._addresses if address in oldest]
        first, *others = waiting + [address for address in oldest if address not in waiting]
        self._addresses = [*others, first]
        return oldest[first]

    def _verify(self, commitment: Commitment) -> None:
        if commitment.id not in self._begun:
            self._begun[commitment.id] = _Verification(commitment, self._desk.references(commitment.id))
        self.beat(UNTIL_WOKEN)  # a large file on a slow disk
        report = self._begun[commitment.id].go_on(self._safekeeping, time.monotonic() + SLICE_SECONDS)
        if report is not None:
            del self._begun[commitment.id]
            self._desk.verified(commitment.id, report)
