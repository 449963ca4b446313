"""A peer that speaks DICOM byte by byte, for what no proper program would send."""

import socket
import struct
from types import TracebackType
from typing import Self

from pydicom.uid import UID
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.presentation import PresentationContext, build_context

TIMEOUT_SECONDS = 15.0
COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"

ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = 2, 3, 4, 5, 6, 7
COMMAND, LAST = 1, 2


def element(tag: int, representation: bytes, value: bytes) -> bytes:
    """One element in explicit VR little endian; `value` is padded to an even length."""
    value += (b"\0" if representation == b"UI" else b" ") * (len(value) % 2)
    group, number = tag >> 16, tag & 0xFFFF
    if representation in (b"OB", b"OW", b"SQ", b"UN"):
        return struct.pack("<HH2s2xL", group, number, representation, len(value)) + value
    return struct.pack("<HH2sH", group, number, representation, len(value)) + value


def data_set(
    sop_instance_uid: str, *, sop_class_uid: str = COMPUTED_RADIOGRAPHY, patient_id: str = "P1", pixels: bytes = b"\1\2"
) -> bytes:
    """A small data set in explicit VR little endian."""
    return (
        element(0x00080016, b"UI", sop_class_uid.encode())
        + element(0x00080018, b"UI", sop_instance_uid.encode())
        + element(0x00100020, b"LO", patient_id.encode())
        + element(0x0020000D, b"UI", b"2.25.77")
        + element(0x7FE00010, b"OW", pixels)
    )


def store_command(sop_instance_uid: str, *, sop_class_uid: str = COMPUTED_RADIOGRAPHY, field: int = 0x0001) -> bytes:
    """A C-STORE-RQ command set, or another with `field`."""
    parts = [
        (0x0002, sop_class_uid.encode()),
        (0x0100, struct.pack("<H", field)),
        (0x0110, struct.pack("<H", 7)),
        (0x0700, struct.pack("<H", 0)),
        (0x0800, struct.pack("<H", 1)),
        (0x1000, sop_instance_uid.encode()),
    ]
    encoded = b""
    for number, value in parts:
        padded = value + b"\0" * (len(value) % 2)
        encoded += struct.pack("<HHL", 0, number, len(padded)) + padded
    return struct.pack("<HHLL", 0, 0, 4, len(encoded)) + encoded


def p_data(value: bytes, control: int, context_id: int = 1) -> bytes:
    """A P-DATA-TF PDU with one presentation data value."""
    item = struct.pack(">LBB", len(value) + 2, context_id, control) + value
    return struct.pack(">BxL", P_DATA, len(item)) + item


class RawPeer:
    """One TCP connection to a receiver on the loopback interface."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        """Connect from the address `source`, one of 127.0.0.0/8, and say nothing."""
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS, source_address=(source, 0))

    @staticmethod
    def request(*contexts: tuple[str, list[str]], calling: str = "MODALITY") -> bytes:
        """The bytes of an A-ASSOCIATE-RQ for `contexts`, (SOP class, transfer syntaxes), with ids 1, 3, 5, ..."""
        primitive = A_ASSOCIATE()
        primitive.application_context_name = UID("1.2.840.10008.3.1.1.1")
        primitive.calling_ae_title, primitive.called_ae_title = calling, "LEAPFROG"
        primitive.presentation_context_definition_list = _numbered(contexts)
        length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
        length.maximum_length_received = 16384
        implementation.implementation_class_uid = UID("2.25.1")
        primitive.user_information = [length, implementation]
        return bytes(A_ASSOCIATE_RQ(primitive).encode())

    def associate(self, *contexts: tuple[str, list[str]], calling: str = "MODALITY") -> dict[int, tuple[int, str]]:
        """Ask for an association and return, by context id, the result and the transfer syntax of each context.

        Raises ConnectionRefusedError with the PDU's bytes when the answer is no A-ASSOCIATE-AC.
        """
        wanted = contexts or ((COMPUTED_RADIOGRAPHY, [EXPLICIT_LITTLE_ENDIAN]),)
        self.socket.sendall(self.request(*wanted, calling=calling))
        pdu_type, content = self.receive()
        if pdu_type != ASSOCIATE_AC:
            raise ConnectionRefusedError(pdu_type, content)
        answer = A_ASSOCIATE_AC()
        answer.decode(struct.pack(">BxL", pdu_type, len(content)) + content)
        return {
            int(item.presentation_context_id or 0): (int(item.result or 0), str(item.transfer_syntax or ""))
            for item in answer.presentation_context
        }

    def receive(self) -> tuple[int, bytes]:
        """Type and content of the next PDU. Raises ConnectionError when the receiver closes instead."""
        pdu_type, length = struct.unpack(">BxL", self._read(6))
        return pdu_type, self._read(length)

    def _read(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            part = self.socket.recv(count - len(received))
            if not part:
                raise ConnectionError("the receiver closed the connection")
            received += part
        return received

    def store(self, command: bytes, content: bytes, context_id: int = 1) -> int:
        """Send a message with a data set and return the status of its response."""
        self.socket.sendall(p_data(command, COMMAND | LAST, context_id) + p_data(content, LAST, context_id))
        return self.status()

    def status(self) -> int:
        """The status in the response that comes next."""
        pdu_type, content = self.receive()
        if pdu_type != P_DATA:
            raise ConnectionAbortedError(pdu_type, content)
        status = content.index(struct.pack("<HHL", 0, 0x0900, 2)) + 8
        return int.from_bytes(content[status : status + 2], "little")

    def release(self) -> int:
        """Release; the type of the PDU that answers."""
        self.socket.sendall(struct.pack(">BxL4x", RELEASE_RQ, 4))
        return self.receive()[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()


def _numbered(contexts: tuple[tuple[str, list[str]], ...]) -> list[PresentationContext]:
    built = []
    for number, (sop_class_uid, syntaxes) in enumerate(contexts):
        context = build_context(UID(sop_class_uid), [UID(syntax) for syntax in syntaxes])
        context.context_id = 2 * number + 1
        built.append(context)
    return built
