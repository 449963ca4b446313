"""Storage commitment as the SCP (PS3.4 Annex J, Push Model): an N-ACTION asks whether instances are kept, and is
answered once the question is durable; the N-EVENT-REPORT that says so comes later, over the same association while the
modality keeps that open.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from leapfrog.dicom.commitment import (
    PUSH_MODEL,
    PUSH_MODEL_INSTANCE,
    CommitmentReport,
    CommitmentRequest,
    RequestInvalid,
    TooManyReferences,
    decode_request,
    encode_report,
)
from leapfrog.errors import LeapfrogError
from leapfrog.intake.receiver.dimse import Command, CommandField, DimseStatus, encode_event_report
from leapfrog.intake.receiver.negotiation import PresentationContext
from leapfrog.intake.receiver.upper_layer import command_pdu, data_pdus
from leapfrog.state.commitments import TooManyWaiting, TransactionInUse

REQUEST_COMMITMENT = 1  # Action Type ID (PS3.4 Section J.3.2.1)
LONGEST_REQUEST_BYTES = 12 * 1024 * 1024  # 50,000 references with the longest UIDs are 9 MB
ANSWER_SECONDS = 30.0  # within which the modality must answer a report
LOOK_SECONDS = 0.1  # between two looks whether a report is ready
LARGEST_MESSAGE_ID = 0xFFFF


class Commitments(Protocol):
    """Takes requests, and has a report for each when all that it names was looked at."""

    def request(self, ae_title: str, address: str, request: CommitmentRequest) -> str:
        """Take a request, durably. Returns its id. Raises TransactionInUse, TooManyWaiting, StorageError."""

    def refused(self, ae_title: str, address: str, reason: str) -> None:
        """A request was not taken."""

    def ready(self, commitment_id: str) -> CommitmentReport | None:
        """The report, once there is one."""

    def answered(self, commitment_id: str, status: int) -> None:
        """The modality answered the report with that DIMSE status."""

    def association_ended(self, commitment_id: str) -> None:
        """The report cannot go over this association (any more)."""


@dataclass(frozen=True)
class Peer:
    """Who is at the other end of an association."""

    ae_title: str
    address: str


@dataclass(frozen=True)
class _Sent:
    """A report that was sent and not answered yet; `at` on the monotonic clock."""

    commitment_id: str
    message_id: int
    at: float


class EventReports:
    """The reports that are owed to one association. Its thread alone uses it."""

    def __init__(self, commitments: Commitments) -> None:
        """Nothing is owed yet."""
        self._commitments = commitments
        self._owed: dict[str, tuple[int, PresentationContext]] = {}  # by the request's id: where the report goes
        self._sent: _Sent | None = None
        self._message_id = 0

    @property
    def owed(self) -> bool:
        """Whether something is still to be sent, or to be answered."""
        return bool(self._owed)

    def owe(self, commitment_id: str, context_id: int, context: PresentationContext) -> None:
        """The peer asked in that context."""
        self._owed[commitment_id] = (context_id, context)

    def next_pdus(self, maximum_pdu_bytes: int) -> Iterator[bytes]:
        """The PDUs of the next report, if one is ready and none waits for its answer: we agreed on no more than one
        operation at a time (PS3.7 Section D.3.3.3).
        """
        if self._sent is not None and time.monotonic() - self._sent.at > ANSWER_SECONDS:
            self._give_back(self._sent.commitment_id)
        if self._sent is not None:
            return
        for commitment_id, (context_id, context) in self._owed.items():
            report = self._commitments.ready(commitment_id)
            if report is not None:
                self._message_id = self._message_id % LARGEST_MESSAGE_ID + 1
                self._sent = _Sent(commitment_id, self._message_id, time.monotonic())
                command = encode_event_report(self._message_id, report.event_type, PUSH_MODEL, PUSH_MODEL_INSTANCE)
                yield command_pdu(context_id, command)
                yield from data_pdus(context_id, encode_report(report, context.encoding), maximum_pdu_bytes)
                return

    def answered(self, response: Command) -> None:
        """The peer responded to something; what does not belong to the report that was sent is passed over."""
        sent = self._sent
        if sent is None or response.field != CommandField.N_EVENT_REPORT_RSP or response.message_id != sent.message_id:
            return
        self._sent = None
        del self._owed[sent.commitment_id]
        self._commitments.answered(sent.commitment_id, response.status)

    def end(self) -> None:
        """The association has ended: what it was not told goes another way."""
        for commitment_id in list(self._owed):
            self._give_back(commitment_id)

    def _give_back(self, commitment_id: str) -> None:
        self._sent = None
        del self._owed[commitment_id]
        self._commitments.association_ended(commitment_id)


class ArrivingRequest:
    """The data set of an N-ACTION on its way in. No method raises: any failure shows in the status."""

    def __init__(
        self, commitments: Commitments, reports: EventReports, peer: Peer, context_id: int, context: PresentationContext
    ) -> None:
        """The report will be owed to `reports`."""
        self._commitments = commitments
        self._reports = reports
        self._peer = peer
        self._context_id = context_id
        self._context = context
        self._content = bytearray()
        self._too_long = False

    def write(self, piece: memoryview) -> None:
        """Keep `piece`, unless there is too much already."""
        self._too_long = self._too_long or len(self._content) + len(piece) > LONGEST_REQUEST_BYTES
        if not self._too_long:
            self._content += piece

    def finish(self) -> DimseStatus:
        """Take the request. Returns SUCCESS once it is durable, otherwise why it is not taken."""
        try:
            if self._too_long:
                raise TooManyReferences(f"It is longer than {LONGEST_REQUEST_BYTES} bytes.")
            request = decode_request(bytes(self._content), self._context.transfer_syntax_uid)
            commitment_id = self._commitments.request(self._peer.ae_title, self._peer.address, request)
        except LeapfrogError as problem:
            self._commitments.refused(self._peer.ae_title, self._peer.address, str(problem))
            return _status_of(problem)
        self._reports.owe(commitment_id, self._context_id, self._context)
        return DimseStatus.SUCCESS

    def abandon(self) -> None:
        """Do nothing: nothing was kept."""


def _status_of(problem: LeapfrogError) -> DimseStatus:
    if isinstance(problem, RequestInvalid | TransactionInUse):
        return DimseStatus.INVALID_ARGUMENT_VALUE
    if isinstance(problem, TooManyReferences | TooManyWaiting):
        return DimseStatus.RESOURCE_LIMITATION
    return DimseStatus.PROCESSING_FAILURE


def reason_to_refuse(command: Command, context: PresentationContext) -> DimseStatus | None:
    """Why an N-ACTION is refused by its command alone (PS3.7 Section 10.1.4.1.10), or None."""
    if context.sop_class_uid != PUSH_MODEL:
        return DimseStatus.SOP_CLASS_NOT_SUPPORTED
    if command.sop_class_uid.decode("ascii", "replace") != PUSH_MODEL:
        return DimseStatus.NO_SUCH_SOP_CLASS
    if command.sop_instance_uid.decode("ascii", "replace") != PUSH_MODEL_INSTANCE:
        return DimseStatus.NO_SUCH_SOP_INSTANCE
    return None if command.action_type == REQUEST_COMMITMENT else DimseStatus.NO_SUCH_ACTION
