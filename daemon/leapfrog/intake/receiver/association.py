"""One association, on the acceptor's side (PS3.8): negotiation, then one message after the other, in one thread.

pynetdicom is not used here. Its reactor makes two threads per association poll every millisecond, holds a whole PDU in
memory and copies it several times, waits for ever after half a header, and aborts the association over an invalid UID.
Instead, this module uses blocking reads with deadlines, and passes a data set from the socket to the disk piece by
piece.
"""

import logging
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from leapfrog.intake.receiver.commitment import (
    LOOK_SECONDS,
    ArrivingRequest,
    Commitments,
    EventReports,
    Peer,
    reason_to_refuse,
)
from leapfrog.intake.receiver.dimse import (
    Command,
    CommandField,
    DimseStatus,
    decode_command,
    encode_response,
)
from leapfrog.intake.receiver.disturbances import Disturbance, Disturbances
from leapfrog.intake.receiver.gate import Gate
from leapfrog.intake.receiver.negotiation import AssociationRequest, PresentationContext
from leapfrog.intake.receiver.peer_log import PeerLog
from leapfrog.intake.receiver.progress import NoProgress, Progress
from leapfrog.intake.receiver.promise import ArrivingReport, Promises, reason_to_refuse_report
from leapfrog.intake.receiver.storage import DataSink, Discarded, Storage
from leapfrog.intake.receiver.upper_layer import (
    IS_COMMAND,
    IS_LAST,
    PDU_HEADER,
    VALUE_HEADER,
    AbortReason,
    PduStream,
    PduType,
    PeerGone,
    ProtocolViolation,
    Rejection,
    abort_pdu,
    command_pdu,
    reject_pdu,
    release_response_pdu,
)

# Within which a new connection must have asked for its association, its TLS handshake included (PS3.8's ARTIM timer).
ASSOCIATE_SECONDS = 30.0
LONGEST_REQUEST_BYTES = 320 * 1024  # 128 presentation contexts with 30 transfer syntaxes each have 260 KiB
LONGEST_PDU_BYTES = 16 * 1024 * 1024  # some peers exceed the agreed size; it costs nothing, since no PDU is buffered
LONGEST_COMMAND_BYTES = 8 * 1024  # real ones have a few hundred
SHORT_PDU_BYTES = 1024  # release and abort have 4
THE_BOX_ENDED_IT = "The box ended it, because it stops or because others need the place."
# Some modalities keep an association open by C-ECHO.
SIGNS_OF_LIFE = (
    CommandField.C_STORE,
    CommandField.C_ECHO,
    CommandField.N_ACTION,
    CommandField.N_EVENT_REPORT,
    CommandField.N_EVENT_REPORT_RSP,
)
TLS_HANDSHAKE = 0x16  # the first byte of a TLS connection (RFC 8446 Section 5.1); no PDU has this type

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class House:
    """What every association needs: who may come in, where images and requests go, and what is noted of peers."""

    gate: Gate
    storage: Storage
    commitments: Commitments
    promises: Promises
    disturbances: Disturbances
    log: PeerLog
    idle_seconds: float  # how long a peer may be silent
    unexpected_tls: Callable[[str], None]  # told the address of a peer that speaks TLS where none is expected
    was_costly: Callable[[str, float], None]  # told an address, and how long a processor worked for it in vain


class Association:
    """One peer's association from its request to its end. All but `run` may be called from another thread."""

    def __init__(self, connection: socket.socket, address: str, house: House) -> None:
        """`address` is the peer's. From now on it has ASSOCIATE_SECONDS to ask for its association."""
        self._connection = connection
        self._progress = Progress(min(ASSOCIATE_SECONDS, house.idle_seconds))
        self._stream = PduStream(connection, self._progress)
        self.address = address
        self._house = house
        self._reports = EventReports(house.commitments)
        self._peer = Peer("", address)
        self._maximum_pdu_bytes = 0
        self._idle_seconds = house.idle_seconds
        self._contexts: dict[int, PresentationContext] = {}
        self._source = ""
        self._command_bytes = bytearray()
        # The message whose data set is arriving.
        self._message: tuple[int, Command, DataSink | ArrivingRequest | ArrivingReport] | None = None
        self._waiting = False
        self._stop_requested = False
        self._was_cut = False
        self.established = False

    def run(self) -> None:
        """Serve the peer until it releases, aborts or falls silent. Never raises."""
        last_pdu = b""
        try:
            last_pdu = self._serve()
        except (PeerGone, NoProgress) as problem:
            self._say(logging.INFO, f"ended: {THE_BOX_ENDED_IT if self._was_cut else problem}")
            if isinstance(problem, NoProgress) and not self._was_cut:
                self._note_no_progress()
            last_pdu = abort_pdu(AbortReason.NOT_SPECIFIED)
        except ProtocolViolation as problem:
            self._say(logging.WARNING, f"was aborted: {problem}")
            self._note_violation(problem)
            last_pdu = abort_pdu(problem.reason)
        except Exception as problem:
            # The exception's text may quote what the peer sent, and so name a patient.
            trace = "".join(traceback.format_tb(problem.__traceback__))
            self._say(logging.ERROR, f"failed with {type(problem).__name__}:\n{trace}")
        finally:
            if self._message is not None:
                self._message[2].abandon()
            self._reports.end()
            if self.established:
                self.established = False
                self._house.gate.leave(self)
                self._house.was_costly(self.address, self._progress.unpaid_seconds())
                self._note_unused()
        self._stream.end_with(last_pdu)

    def _say(self, level: int, what: str) -> None:
        self._house.log.write(self.address, level, f"The association with {self._source or self.address} {what}")

    def _note_no_progress(self) -> None:
        """An association that has fallen silent between two messages disturbs nobody: modalities leave them open."""
        if not self.established:
            asked = self._stream.received_any
            self._note(Disturbance.UNFINISHED if asked else Disturbance.SILENT)
        elif not self._waiting:
            self._note(Disturbance.USELESS)

    def _note_unused(self) -> None:
        if not self._progress.was_used:
            self._note(Disturbance.IDLE if self._was_cut else Disturbance.UNUSED)

    def _note_violation(self, violation: ProtocolViolation) -> None:
        """What did not begin with a request for an association is noted where that is seen."""
        if self._source or violation.reason != AbortReason.UNEXPECTED_PDU:
            self._note(Disturbance.BROKEN)

    def _note(self, kind: Disturbance) -> None:
        self._house.disturbances.note(self.address, kind)

    def useless_seconds(self) -> float:
        """How long it has brought no images."""
        return self._progress.useless_seconds()

    def slow_seconds(self) -> float:
        """How far it is behind one that holds its place against others."""
        return self._progress.slow_seconds()

    def stop(self) -> None:
        """End it once the instance that is arriving is complete."""
        self._stop_requested = True
        if self._waiting:
            self.cut()

    def cut(self, how: int = socket.SHUT_RD) -> None:
        """End it now. An instance that was not acknowledged is not kept. With socket.SHUT_RDWR it also ends when the
        peer takes nothing more, and the peer is not told.
        """
        self._was_cut = True
        self._progress.end()
        try:
            # Not SSLSocket.shutdown, which would remove the TLS session while another thread reads from it.
            socket.socket.shutdown(self._connection, how)
        except OSError:
            _log.debug("A connection was already closed when it was to be cut.")

    def _serve(self) -> bytes:
        """The whole conversation. Returns the PDU to end it with, or b'' when the peer has already ended it."""
        rejection = self._associate()
        if rejection is not None:
            return reject_pdu(rejection)
        while True:
            pdu_type, length = self._next_pdu()
            self._progress.fragment()
            if pdu_type == PduType.P_DATA_TF and length <= LONGEST_PDU_BYTES:
                self._read_values(length)
            elif pdu_type == PduType.RELEASE_RQ and length <= SHORT_PDU_BYTES:
                self._stream.read(length)
                return release_response_pdu()
            elif pdu_type == PduType.ABORT:
                return b""
            elif pdu_type in tuple(PduType):
                raise ProtocolViolation(AbortReason.UNEXPECTED_PDU)
            else:
                raise ProtocolViolation(AbortReason.UNRECOGNIZED_PDU)

    def _next_pdu(self) -> tuple[int, int]:
        self._waiting = self._message is None and not self._command_bytes
        if self._waiting and self._stop_requested:
            raise PeerGone("The box is stopping.")
        if self._waiting and self._reports.owed:
            self._report_until_the_peer_speaks()
        pdu_type, length = self._stream.next_pdu()
        self._waiting = False
        return pdu_type, length

    def _report_until_the_peer_speaks(self) -> None:
        """Between two messages of the peer: send each report that it waits for as soon as it is ready. Raises
        NoProgress when it has said nothing for too long.
        """
        while self._reports.owed:
            for pdu in self._reports.next_pdus(self._maximum_pdu_bytes):
                self._stream.send(pdu, self._idle_seconds)
            if self._stream.has_more(LOOK_SECONDS):
                return
            self._progress.seconds_left()

    def _associate(self) -> Rejection | None:
        """Negotiate. Returns the rejection, or None once the association is open."""
        pdu_type, length = self._next_pdu()
        if pdu_type != PduType.ASSOCIATE_RQ:
            self._note_not_dicom(pdu_type)
            raise ProtocolViolation(AbortReason.UNEXPECTED_PDU)
        if length > LONGEST_REQUEST_BYTES:
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
        pdu = PDU_HEADER.pack(pdu_type, length) + self._stream.read(length)
        began = time.thread_time()
        request = AssociationRequest(pdu)
        self._house.was_costly(self.address, time.thread_time() - began)
        self._source = f"{request.calling_ae_title}@{self.address}"
        self._progress = Progress(
            self._idle_seconds,
            on_flood=lambda: self._note(Disturbance.USELESS),
            disturbs=self._house.disturbances.disturbs(self.address),
        )
        rejection = self._house.gate.enter(self, request.calling_ae_title)
        if rejection is not None:
            self._say(logging.WARNING, f"was rejected: {rejection.sentence}.")
            return rejection
        self.established = True
        self._stream.progress = self._progress
        self._peer = Peer(request.calling_ae_title, self.address)
        self._maximum_pdu_bytes = request.maximum_pdu_bytes
        self._contexts = request.contexts()
        self._house.gate.agreed(self.address, request.calling_ae_title, usable=bool(self._contexts))
        self._stream.send(request.accept_pdu(), self._idle_seconds)
        return None

    def _note_not_dicom(self, first_byte: int) -> None:
        if first_byte == TLS_HANDSHAKE:
            self._house.unexpected_tls(self.address)
        else:
            self._note(Disturbance.NOT_DICOM)

    def _read_values(self, length: int) -> None:
        """Handle the presentation data values of one P-DATA-TF PDU (PS3.8 Section 9.3.5)."""
        while length:
            if length < VALUE_HEADER.size:
                raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
            value_length, context_id, control = VALUE_HEADER.unpack(self._stream.read(VALUE_HEADER.size))
            self._progress.fragment()
            fragment_bytes = value_length - 2
            length -= VALUE_HEADER.size + fragment_bytes
            if fragment_bytes < 0 or length < 0 or context_id not in self._contexts:
                raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
            if control & IS_COMMAND:
                self._on_command_fragment(context_id, fragment_bytes, is_last=bool(control & IS_LAST))
            else:
                self._on_data_fragment(context_id, fragment_bytes, is_last=bool(control & IS_LAST))

    def _on_command_fragment(self, context_id: int, byte_count: int, *, is_last: bool) -> None:
        if self._message is not None or len(self._command_bytes) + byte_count > LONGEST_COMMAND_BYTES:
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
        self._command_bytes += self._stream.read(byte_count)
        if not is_last:
            return
        command = decode_command(bytes(self._command_bytes))
        self._command_bytes = bytearray()
        if command.field in SIGNS_OF_LIFE:
            self._progress.sign_of_life()
        if command.is_response:
            self._reports.answered(command)
        if command.has_data_set:
            self._message = (context_id, command, self._sink_for(context_id, command))
        else:
            self._progress.message_without_image()
            self._answer(context_id, command, _status_without_data_set(command))

    def _sink_for(self, context_id: int, command: Command) -> DataSink | ArrivingRequest | ArrivingReport:
        context = self._contexts[context_id]
        if command.field == CommandField.N_EVENT_REPORT:
            refused = reason_to_refuse_report(command, context)
            return ArrivingReport(self._house.promises, self._peer, context) if refused is None else Discarded(refused)
        if command.field == CommandField.N_ACTION:
            refused = reason_to_refuse(command, context)
            if refused is not None:
                return Discarded(refused)
            return ArrivingRequest(self._house.commitments, self._reports, self._peer, context_id, context)
        if command.field != CommandField.C_STORE:
            return Discarded(DimseStatus.UNRECOGNIZED_OPERATION)
        if not context.is_storage:
            return Discarded(DimseStatus.SOP_CLASS_NOT_SUPPORTED)
        return self._house.storage.begin(command, context, self._source)

    def _on_data_fragment(self, context_id: int, byte_count: int, *, is_last: bool) -> None:
        if self._message is None or self._message[0] != context_id:
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
        _, command, sink = self._message
        is_image = command.field == CommandField.C_STORE and self._contexts[context_id].is_storage
        is_wanted = is_image or isinstance(sink, ArrivingRequest | ArrivingReport)
        for piece in self._stream.pieces(byte_count):
            if is_wanted:
                self._progress.image_bytes(len(piece))
            sink.write(piece)
        if is_last:
            with self._progress.own_work():
                status = sink.finish()
            self._message = None
            if is_image and status == DimseStatus.SUCCESS:
                self._progress.image_stored()
                self._house.gate.image_stored(self.address)
            elif status != DimseStatus.SUCCESS:
                self._progress.message_without_image()
            self._answer(context_id, command, status)

    def _answer(self, context_id: int, command: Command, status: DimseStatus) -> None:
        if command.is_response or command.field == CommandField.C_CANCEL:
            return
        self._stream.send(command_pdu(context_id, encode_response(command, status)), self._idle_seconds)


def _status_without_data_set(command: Command) -> DimseStatus:
    if command.field == CommandField.C_ECHO:
        return DimseStatus.SUCCESS
    if command.field == CommandField.C_STORE:
        return DimseStatus.CANNOT_UNDERSTAND
    if command.field in (CommandField.N_ACTION, CommandField.N_EVENT_REPORT):
        return DimseStatus.INVALID_ARGUMENT_VALUE
    return DimseStatus.UNRECOGNIZED_OPERATION
