"""What a peer says to the receiver: the request for an association, commands, and whole conversations."""

import socket
import struct
from contextlib import suppress
from io import BytesIO
from itertools import count

from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ

from fuzzing import scratch
from fuzzing.own_errors import no_own_errors
from fuzzing.target import Target, require
from leapfrog.dicom.elements import walk
from leapfrog.dicom.encoding import IMPLICIT_LITTLE
from leapfrog.intake.admission import Admission
from leapfrog.intake.receiver.dicom_receiver import DicomReceiver
from leapfrog.intake.receiver.dimse import DimseStatus, decode_command, encode_response
from leapfrog.intake.receiver.negotiation import AssociationRequest
from leapfrog.intake.receiver.upper_layer import ProtocolViolation
from leapfrog.settings import DicomSettings
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from support.intake_box import make_desk
from support.ports import free_port

REQUEST, COMMAND, CONVERSATION = 0, 1, 2
P_DATA = 4
MOST_INSTANCES = 100
COMPUTED_RADIOGRAPHY = b"1.2.840.10008.5.1.4.1.1.1"
VERIFICATION = b"1.2.840.10008.1.1"
EXPLICIT_LITTLE_ENDIAN = b"1.2.840.10008.1.2.1"
ADDRESSES = 250 * 250 * 250  # of the loopback network
LONGEST_CONVERSATION = 64 * 1024  # of which the kernel takes all at once
TIMEOUT_SECONDS = 20.0  # longer than the box waits for anybody


def check(content: bytes) -> None:
    """The first byte says which of the three the others are."""
    kind, said = content[:1], content[1:]
    match (kind or b"\0")[0] % 3:
        case 0:
            _check_request(said)
        case 1:
            _check_command(said)
        case _:
            _check_conversation(said)


def _check_request(pdu: bytes) -> None:
    try:
        request = AssociationRequest(pdu)
    except ProtocolViolation:
        return
    answer = A_ASSOCIATE_AC()
    answer.decode(request.accept_pdu())
    answered = {item.presentation_context_id: item.result for item in answer.presentation_context}
    accepted = {context_id for context_id, result in answered.items() if result == 0}
    require(accepted == set(request.contexts()), "The answer accepts what the box does not serve.")
    require(request.calling_ae_title.isprintable(), "A title could write into the log.")
    for context in _as_pynetdicom_reads(pdu):
        require(context in answered, "A presentation context was not answered.")


def _as_pynetdicom_reads(pdu: bytes) -> list[int]:
    """The ids of the presentation contexts; none where it refuses the request."""
    try:
        request = A_ASSOCIATE_RQ()
        request.decode(pdu)
        return [item.presentation_context_id or 0 for item in request.presentation_context]
    except Exception:  # it raises whatever its parts raise
        return []


def _check_command(encoded: bytes) -> None:
    try:
        command = decode_command(encoded)
    except ProtocolViolation:
        return
    again = decode_command(encode_response(command, DimseStatus.SUCCESS))
    require(again.is_response and not again.has_data_set, "A response is none.")
    require(again.sop_instance_uid == command.sop_instance_uid, "A response names another instance.")


class _Box:
    """Where conversations lead: a receiver with a journal and a spool, made anew before they become large."""

    def __init__(self) -> None:
        folder = scratch.emptied("receiving")
        self.journal, self.spool = Journal(folder / "journal.sqlite"), Spool(folder / "spool", 0)
        numbers = ExamNumbers(self.journal, folder, settled=True)
        admission = Admission(self.journal, self.spool, numbers, owed_to=(), on_received=lambda: None)
        self.port = free_port()
        settings = DicomSettings(host="127.0.0.1", port=self.port)
        self.receiver = DicomReceiver(settings, admission, self.spool, make_desk(self.journal))
        self.receiver._thread.daemon = True  # a process that ends does not wait for it
        self.receiver.start()

    def close(self) -> None:
        self.receiver.stop()
        self.journal.close()

    def uids(self) -> list[str]:
        return [row[0] for row in self.journal.rows("SELECT sop_instance_uid FROM instances")]


_boxes: list[_Box] = []
_numbers = count()


def _box() -> _Box:
    if _boxes and len(_boxes[0].spool.names()) > MOST_INSTANCES:
        _boxes.pop().close()
    if not _boxes:
        _boxes.append(_Box())
    return _boxes[0]


def _check_conversation(said: bytes) -> None:
    """With a real receiver over TCP, to the disk and into a journal."""
    box = _box()
    before = len(box.uids())
    with no_own_errors():
        acknowledged = _acknowledged(_answers(box.port, said[:LONGEST_CONVERSATION]))
    kept = box.uids()
    require(not list(box.spool.incoming.iterdir()), "Something is left of what did not arrive.")
    require(set(acknowledged) <= set(kept), "What was acknowledged is not in the journal.")
    require(len(kept) - before <= len(acknowledged), "What was not acknowledged is kept.")
    require(len(box.spool.names()) == len(kept), "The spool and the journal do not hold the same.")


def _answers(port: int, said: bytes) -> bytes:
    """All that the box says, until it hangs up. Each time from another address: one alone would be slowed down."""
    number = next(_numbers) % ADDRESSES
    source = (f"127.{1 + number // 62500}.{1 + number // 250 % 250}.{1 + number % 250}", 0)
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS, source) as connection:
        answers = b""
        with suppress(ConnectionError):  # it may hang up before it has heard all
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while part := connection.recv(1 << 16):
                answers += part
        return answers


def _acknowledged(answers: bytes) -> list[str]:
    """The SOP Instance UIDs of the stores that the box said to have succeeded, as the journal has them: bytes that no
    UID has are replaced there.
    """
    uids = []
    while len(answers) >= 6:
        kind, length = struct.unpack_from(">BxL", answers)
        command, answers = answers[12 : 6 + length], answers[6 + length :]
        if kind == P_DATA:
            values = {one.tag: command[one.offset : one.end] for one in walk(BytesIO(command), 0, IMPLICIT_LITTLE)}
            if (values[0x0100], values[0x0900]) == (b"\x01\x80", b"\0\0"):
                uids.append(values.get(0x1000, b"").strip(b"\0 ").decode("ascii", "replace"))
    return uids


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def _request(*contexts: tuple[bytes, bytes]) -> bytes:
    items = _item(0x10, b"1.2.840.10008.3.1.1.1")
    for number, (abstract, transfer) in enumerate(contexts):
        items += _item(0x20, bytes((2 * number + 1, 0, 0, 0)) + _item(0x30, abstract) + _item(0x40, transfer))
    items += _item(0x50, _item(0x51, struct.pack(">L", 16384)) + _item(0x52, b"1.2.3.4"))
    body = struct.pack(">H2x16s16s32x", 1, b"LEAPFROG".ljust(16), b"MODALITY".ljust(16)) + items
    return struct.pack(">BxL", 1, len(body)) + body


def _command(field: int, data_set_type: int, uid: bytes = b"2.25.1\0\0") -> bytes:
    parts = [
        (0x0002, COMPUTED_RADIOGRAPHY + b"\0"),
        (0x0100, struct.pack("<H", field)),
        (0x0110, struct.pack("<H", 7)),
        (0x0800, struct.pack("<H", data_set_type)),
        (0x1000, uid),
    ]
    encoded = b"".join(struct.pack("<HHL", 0, number, len(value)) + value for number, value in parts)
    return struct.pack("<HHLL", 0, 0, 4, len(encoded)) + encoded


def _p_data(value: bytes, control: int, context_id: int = 1) -> bytes:
    item = struct.pack(">LBB", len(value) + 2, context_id, control) + value
    return struct.pack(">BxL", 4, len(item)) + item


def _data_set(uid: bytes) -> bytes:
    def element(tag: int, vr: bytes, value: bytes) -> bytes:
        value += b"\0" * (len(value) % 2)
        return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value

    return (
        element(0x00080016, b"UI", COMPUTED_RADIOGRAPHY)
        + element(0x00080018, b"UI", uid)
        + element(0x00100020, b"LO", b"P1")
        + element(0x0020000D, b"UI", b"2.25.77")
        + struct.pack("<HH2s2xL", 0x7FE0, 0x0010, b"OW", 2)
        + b"\1\2"
    )


def seeds() -> dict[str, bytes]:
    """A request, commands, and conversations that end well and badly."""
    both = _request((COMPUTED_RADIOGRAPHY, EXPLICIT_LITTLE_ENDIAN), (VERIFICATION, b"1.2.840.10008.1.2"))
    release, abort = struct.pack(">BxL4x", 5, 4), struct.pack(">BxL4x", 7, 4)
    store = _p_data(_command(1, 1), 3) + _p_data(_data_set(b"2.25.1"), 2)
    parts = _p_data(_command(1, 1), 3) + _p_data(_data_set(b"2.25.1")[:40], 0) + _p_data(_data_set(b"2.25.1")[40:], 2)
    return {
        "request": bytes((REQUEST,)) + both,
        "store command": bytes((COMMAND,)) + _command(1, 1),
        "echo command": bytes((COMMAND,)) + _command(0x30, 0x0101),
        "store and release": bytes((CONVERSATION,)) + both + store + release,
        "store in parts": bytes((CONVERSATION,)) + both + parts + release,
        "half a store": bytes((CONVERSATION,)) + both + store[:-4],
        "echo, cancel, abort": bytes((CONVERSATION,))
        + both
        + _p_data(_command(0x30, 0x0101), 3, 3)
        + _p_data(_command(0x0FFF, 0x0101), 3)
        + abort,
        "not DICOM": bytes((CONVERSATION,)) + b"GET / HTTP/1.1\r\n\r\n",
    }


TARGET = Target(
    name="pdus",
    invariant=(
        "A request or command is understood or is a ProtocolViolation; a conversation ends without an error of ours,"
        " keeps what it acknowledged and nothing else; pynetdicom reads our answer, and each context that it reads in a"
        " request is answered."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.intake", "leapfrog.dicom"),
)
