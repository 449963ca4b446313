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
from typing import Protocol

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
from leapfrog.intake.receiver.negotiation import AssociationRequest, PresentationContext
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

ASSOCIATE_SECONDS = 10.0  # within which a new connection must have asked for its association (PS3.8's ARTIM timer)
LONGEST_REQUEST_BYTES = 512 * 1024  # 128 presentation contexts with 30 transfer syntaxes each have 260 KiB
LONGEST_PDU_BYTES = 16 * 1024 * 1024  # some peers exceed the agreed size; it costs nothing, since no PDU is buffered
LONGEST_COMMAND_BYTES = 64 * 1024
SHORT_PDU_BYTES = 1024  # release and abort have 4
TLS_HANDSHAKE = 0x16  # the first byte of a TLS connection (RFC 8446 Section 5.1); no PDU has this type

_log = logging.getLogger(__name__)


class Gate(Protocol):
    """Decides who may open an association, and how many may be open at once."""

    def enter(self, address: str, calling_ae_title: str) -> Rejection | None:
        """Admit an association, or return why it is rejected."""

    def agreed(self, address: str, calling_ae_title: str, *, usable: bool) -> None:
        """Note that an admitted association is open, and whether anything can be sent or tested over it."""

    def not_dicom(self, address: str, *, is_tls: bool) -> None:
        """Note that a connection began with something else than an association."""

    def leave(self) -> None:
        """Note that an admitted association has ended."""


class Association:
    """One peer's association from its request to its end."""

    def __init__(
        self,
        connection: socket.socket,
        address: str,
        gate: Gate,
        storage: Storage,
        commitments: Commitments,
        idle_seconds: float,
    ) -> None:
        """`address` is the peer's. `commitments` takes its requests for storage commitment. `idle_seconds` is how long
        the peer may be silent.
        """
        self._connection = connection
        self._stream = PduStream(connection)
        self._address = address
        self._gate = gate
        self._storage = storage
        self._commitments = commitments
        self._reports = EventReports(commitments)
        self._peer = Peer("", address)
        self._maximum_pdu_bytes = 0
        self._idle_seconds = idle_seconds
        self._contexts: dict[int, PresentationContext] = {}
        self._source = ""
        self._command_bytes = b""
        # The message whose data set is arriving.
        self._message: tuple[int, Command, DataSink | ArrivingRequest] | None = None
        self._waiting = False
        self._stop_requested = False
        self.established = False

    def run(self) -> None:
        """Serve the peer until it releases, aborts or falls silent. Never raises."""
        last_pdu = b""
        try:
            last_pdu = self._serve()
        except PeerGone as problem:
            _log.info("The association with %s ended: %s", self._source or self._address, problem)
            last_pdu = abort_pdu(AbortReason.NOT_SPECIFIED)
        except ProtocolViolation as problem:
            _log.warning("The association with %s was aborted: %s", self._source or self._address, problem)
            last_pdu = abort_pdu(problem.reason)
        except Exception as problem:
            # The exception's text may quote what the peer sent, and so name a patient.
            trace = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("An association failed with %s:\n%s", type(problem).__name__, trace)
        finally:
            if self._message is not None:
                self._message[2].abandon()
            self._reports.end()
            if self.established:
                self._gate.leave()
        self._stream.end_with(last_pdu)

    def stop(self) -> None:
        """End it once the instance that is arriving is complete. Called from another thread."""
        self._stop_requested = True
        if self._waiting:
            self.cut()

    def cut(self) -> None:
        """End it now. Called from another thread. An instance that was not acknowledged is not kept."""
        try:
            # Not SSLSocket.shutdown, which would remove the TLS session while another thread reads from it.
            socket.socket.shutdown(self._connection, socket.SHUT_RD)
        except OSError:
            _log.debug("A connection was already closed when it was to be cut.")

    def _serve(self) -> bytes:
        """The whole conversation. Returns the PDU to end it with, or b'' when the peer has already ended it."""
        rejection = self._associate()
        if rejection is not None:
            return reject_pdu(rejection)
        while True:
            pdu_type, length = self._next_pdu(self._idle_seconds)
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

    def _next_pdu(self, seconds: float) -> tuple[int, int]:
        self._waiting = self._message is None and not self._command_bytes
        if self._waiting and self._stop_requested:
            raise PeerGone("The box is stopping.")
        if self._waiting and self._reports.owed:
            self._report_until_the_peer_speaks(seconds)
        pdu_type, length = self._stream.next_pdu(seconds)
        self._waiting = False
        return pdu_type, length

    def _report_until_the_peer_speaks(self, seconds: float) -> None:
        """Between two messages of the peer: send each report that it waits for as soon as it is ready. Raises PeerGone
        when it says nothing for so long.
        """
        deadline = time.monotonic() + seconds
        while self._reports.owed:
            for pdu in self._reports.next_pdus(self._maximum_pdu_bytes):
                self._stream.send(pdu, self._idle_seconds)
            if self._stream.has_more(LOOK_SECONDS):
                return
            if time.monotonic() > deadline:
                raise PeerGone("The peer was silent for too long.")

    def _associate(self) -> Rejection | None:
        """Negotiate. Returns the rejection, or None once the association is open."""
        pdu_type, length = self._next_pdu(min(ASSOCIATE_SECONDS, self._idle_seconds))
        if pdu_type != PduType.ASSOCIATE_RQ:
            self._gate.not_dicom(self._address, is_tls=pdu_type == TLS_HANDSHAKE)
            raise ProtocolViolation(AbortReason.UNEXPECTED_PDU)
        if length > LONGEST_REQUEST_BYTES:
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
        request = AssociationRequest(PDU_HEADER.pack(pdu_type, length) + self._stream.read(length))
        source = f"{request.calling_ae_title}@{self._address}"
        rejection = self._gate.enter(self._address, request.calling_ae_title)
        if rejection is not None:
            _log.warning("An association with %s was rejected: %s", source, rejection.sentence)
            return rejection
        self.established = True
        self._source = source
        self._peer = Peer(request.calling_ae_title, self._address)
        self._maximum_pdu_bytes = request.maximum_pdu_bytes
        self._contexts = request.contexts()
        self._gate.agreed(self._address, request.calling_ae_title, usable=bool(self._contexts))
        self._stream.send(request.accept_pdu(), self._idle_seconds)
        return None

    def _read_values(self, length: int) -> None:
        """Handle the presentation data values of one P-DATA-TF PDU (PS3.8 Section 9.3.5)."""
        while length:
            if length < VALUE_HEADER.size:
                raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
            value_length, context_id, control = VALUE_HEADER.unpack(self._stream.read(VALUE_HEADER.size))
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
        command = decode_command(self._command_bytes)
        self._command_bytes = b""
        if command.is_response:
            self._reports.answered(command)
        if command.has_data_set:
            self._message = (context_id, command, self._sink_for(context_id, command))
        else:
            self._answer(context_id, command, _status_without_data_set(command))

    def _sink_for(self, context_id: int, command: Command) -> DataSink | ArrivingRequest:
        context = self._contexts[context_id]
        if command.field == CommandField.N_ACTION:
            refused = reason_to_refuse(command, context)
            if refused is not None:
                return Discarded(refused)
            return ArrivingRequest(self._commitments, self._reports, self._peer, context_id, context)
        if command.field != CommandField.C_STORE:
            return Discarded(DimseStatus.UNRECOGNIZED_OPERATION)
        if not context.is_storage:
            return Discarded(DimseStatus.SOP_CLASS_NOT_SUPPORTED)
        return self._storage.begin(command, context, self._source)

    def _on_data_fragment(self, context_id: int, byte_count: int, *, is_last: bool) -> None:
        if self._message is None or self._message[0] != context_id:
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER_VALUE)
        _, command, sink = self._message
        for piece in self._stream.pieces(byte_count):
            sink.write(piece)
        if is_last:
            status = sink.finish()
            self._message = None
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
    if command.field == CommandField.N_ACTION:
        return DimseStatus.INVALID_ARGUMENT_VALUE
    return DimseStatus.UNRECOGNIZED_OPERATION
