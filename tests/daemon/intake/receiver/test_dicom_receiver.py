"""The receiver with the programs of real modalities, and with peers that break the rules."""

import contextlib
import random
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from leapfrog.errors import ListenError
from leapfrog.intake.receiver.connections import MOST_WITHOUT_ASSOCIATION
from leapfrog.intake.receiver.dicom_receiver import DicomReceiver
from leapfrog.settings import DicomSettings
from support.dcmtk import echo, store, store_arguments
from support.exams import ultrasound, write_instances
from support.intake_box import Box
from support.raw_peer import (
    ABORT,
    ASSOCIATE_RJ,
    COMMAND,
    COMPUTED_RADIOGRAPHY,
    EXPLICIT_LITTLE_ENDIAN,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    RawPeer,
    data_set,
    element,
    p_data,
    store_command,
)
from support.spooled import content_of
from support.waiting import wait_until

DEFLATED = "1.2.840.10008.1.2.1.99"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
VERIFICATION = "1.2.840.10008.1.1"
PRIVATE_STORAGE = "1.2.826.0.1.3680043.9.7.1"
PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"


def rejection(port: int, calling: str = "MODALITY", source: str = "127.0.0.1") -> tuple[int, int, int] | None:
    """Result, source and reason with which an association is rejected; None when it is accepted."""
    with RawPeer(port, source) as peer:
        try:
            peer.associate(calling=calling)
        except ConnectionRefusedError as refused:
            pdu_type, content = refused.args
            assert pdu_type == ASSOCIATE_RJ
            return content[1], content[2], content[3]
        assert peer.release() == RELEASE_RP
    return None


# ---------------------------------------------------------------- what modalities do


def test_an_echo_is_answered(box: Box) -> None:
    _, port = box.receiver()
    assert echo(port).succeeded


def test_what_a_modality_stores_is_durable_and_whole(box: Box, tmp_path: Path) -> None:
    _, port = box.receiver()
    sent = write_instances(ultrasound(64, 64), tmp_path / "exam", 5)
    outcome = store(port, [instance.path for instance in sent])
    assert outcome.statuses == ["Success"] * 5
    instances = box.instances()
    assert [instance.sop_instance_uid for instance in instances] == [instance.sop_instance_uid for instance in sent]
    assert len(box.received) == 5
    assert instances[0].source == "MODALITY@127.0.0.1"
    for instance, original in zip(instances, sent, strict=True):
        kept = content_of(box.spool, instance)
        # The file meta information is the receiver's, the data set is the modality's.
        assert (
            kept[kept.index(b"\x08\x00\x16\x00UI") :]
            == (content := original.path.read_bytes())[content.index(b"\x08\x00\x16\x00UI") :]
        )


def test_several_modalities_send_at_once(box: Box, tmp_path: Path) -> None:
    _, port = box.receiver()
    exams = [write_instances(ultrasound(128, 128), tmp_path / str(number), 10) for number in range(4)]
    senders = [
        subprocess.Popen(store_arguments(port, [instance.path for instance in exam]), stdout=subprocess.DEVNULL)
        for exam in exams
    ]
    assert [sender.wait() for sender in senders] == [0] * 4
    received = {instance.sop_instance_uid for instance in box.instances()}
    assert received == {instance.sop_instance_uid for exam in exams for instance in exam}


def test_other_content_under_the_same_uid_is_acknowledged_and_kept(box: Box) -> None:
    _, port = box.receiver()
    with RawPeer(port) as peer:
        peer.associate()
        for pixels in (b"one ", b"two ", b"one ", b"two "):
            assert peer.store(store_command("1.2.3"), data_set("1.2.3", pixels=pixels)) == 0x0000
    assert [bool(instance.forward_as) for instance in box.instances()] == [False, True]


# ---------------------------------------------------------------- negotiation


def test_every_storage_class_and_syntax_is_accepted_but_deflated(box: Box) -> None:
    _, port = box.receiver()
    with RawPeer(port) as peer:
        answers = peer.associate(
            (VERIFICATION, [IMPLICIT_LITTLE_ENDIAN]),
            (COMPUTED_RADIOGRAPHY, [JPEG_LOSSLESS]),
            (PRIVATE_STORAGE, [EXPLICIT_LITTLE_ENDIAN]),
            (COMPUTED_RADIOGRAPHY, ["1.2.826.0.1.3680043.9.7.2"]),  # a private transfer syntax
            (COMPUTED_RADIOGRAPHY, [DEFLATED]),
            (COMPUTED_RADIOGRAPHY, [DEFLATED, BIG_ENDIAN]),
            (PATIENT_ROOT_FIND, [IMPLICIT_LITTLE_ENDIAN]),
        )
    assert [result for result, _ in answers.values()] == [0, 0, 0, 0, 4, 0, 3]
    assert answers[11] == (0, BIG_ENDIAN)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN], EXPLICIT_LITTLE_ENDIAN),
        ([JPEG_BASELINE, IMPLICIT_LITTLE_ENDIAN], IMPLICIT_LITTLE_ENDIAN),
        ([BIG_ENDIAN, JPEG_LOSSLESS, JPEG_BASELINE], JPEG_LOSSLESS),
    ],
)
def test_of_several_syntaxes_the_most_faithful_and_plain_is_chosen(box: Box, offered: list[str], chosen: str) -> None:
    _, port = box.receiver()
    with RawPeer(port) as peer:
        assert peer.associate((COMPUTED_RADIOGRAPHY, offered)) == {1: (0, chosen)}


def test_a_private_storage_class_is_kept(box: Box) -> None:
    _, port = box.receiver()
    with RawPeer(port) as peer:
        peer.associate((PRIVATE_STORAGE, [EXPLICIT_LITTLE_ENDIAN]))
        command = store_command("1.2.3", sop_class_uid=PRIVATE_STORAGE)
        assert peer.store(command, data_set("1.2.3", sop_class_uid=PRIVATE_STORAGE)) == 0x0000
    assert len(box.instances()) == 1


def test_only_allowed_ae_titles_come_in(box: Box) -> None:
    _, port = box.receiver(allowed_ae_titles=("CR ROOM 1", "US1"))
    assert rejection(port, "CR ROOM 1") is None
    assert rejection(port, "STRANGER") == (1, 1, 3)
    assert not echo(port, calling="STRANGER").succeeded
    assert echo(port, calling="US1").succeeded


def test_only_allowed_addresses_come_in(new_box: Callable[..., Box], tmp_path: Path) -> None:
    _, closed = new_box(tmp_path / "a").receiver(allowed_addresses=("192.0.2.0/24", "2001:db8::/32"))
    assert rejection(closed) == (1, 1, 1)
    _, open_port = new_box(tmp_path / "b").receiver(allowed_addresses=("192.0.2.0/24", "127.0.0.0/8"))
    assert rejection(open_port) is None


def test_one_association_too_many_is_asked_to_come_later(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leapfrog.intake.receiver.gate.IDLE_SECONDS", 60)
    receiver, port = box.receiver(max_associations=2)
    with RawPeer(port, "127.0.0.2") as first, RawPeer(port, "127.0.0.3") as second:
        first.associate()
        second.associate()
        assert rejection(port) == (2, 3, 2)
        (problem,) = receiver.problems()
        assert "127.0.0.1 was refused: 2 connections were open already" in problem.what
        assert not problem.in_worklist
        first.release()
        wait_until(lambda: receiver.associations() == 1, "the released association is no longer counted")
        assert rejection(port) is None


# ---------------------------------------------------------------- instances that are refused


def test_a_full_disk_is_answered_with_out_of_resources_and_nothing_is_kept(new_box: Callable[..., Box]) -> None:
    box = new_box(min_free_bytes=1 << 60)
    _, port = box.receiver()
    with RawPeer(port) as peer:
        peer.associate()
        assert peer.store(store_command("1.2.3"), data_set("1.2.3")) == 0xA700
        assert peer.release() == RELEASE_RP
    assert box.instances() == []
    assert box.spool_files() == set()


def test_a_journal_that_fails_is_answered_with_out_of_resources(box: Box) -> None:
    _, port = box.receiver()
    box.journal.close()
    with RawPeer(port) as peer:
        peer.associate()
        assert peer.store(store_command("1.2.3"), data_set("1.2.3")) == 0xA700
        assert peer.release() == RELEASE_RP


@pytest.mark.parametrize(
    ("command", "content", "status"),
    [
        (store_command("1.2.3"), data_set("1.2.4"), 0xA900),
        (store_command("1.2.3", sop_class_uid="1.2.840.10008.5.1.4.1.1.7"), data_set("1.2.3"), 0xA900),
        (store_command("1.2.3"), b"no elements at all, only some words", 0xC000),
        (store_command("1.2.3"), b"", 0xC000),
    ],
)
def test_a_bad_instance_is_refused_and_the_association_goes_on(
    box: Box, command: bytes, content: bytes, status: int
) -> None:
    _, port = box.receiver()
    with RawPeer(port) as peer:
        peer.associate()
        assert peer.store(command, content) == status
        assert peer.store(store_command("1.2.9"), data_set("1.2.9")) == 0x0000
    assert [instance.sop_instance_uid for instance in box.instances()] == ["1.2.9"]


@pytest.mark.parametrize("uid", ["1.2.letters", "1.2..3", "../../etc/passwd", "1." + "9" * 80])
def test_a_uid_against_the_rules_is_kept_and_never_a_path(box: Box, uid: str) -> None:
    _, port = box.receiver()
    with RawPeer(port) as peer:
        peer.associate()
        assert peer.store(store_command(uid), data_set(uid)) == 0x0000
    [instance] = box.instances()
    assert instance.sop_instance_uid == uid
    assert box.spool_files() == {f"{instance.id}.dcm"}


def test_a_data_set_that_names_nobody_goes_by_its_command(box: Box) -> None:
    _, port = box.receiver()
    with RawPeer(port) as peer:
        peer.associate()
        assert peer.store(store_command("1.2.3"), element(0x00100020, b"LO", b"P1")) == 0x0000
    assert box.instances()[0].sop_instance_uid == "1.2.3"


def test_what_is_no_store_is_answered_and_the_association_goes_on(box: Box) -> None:
    _, port = box.receiver()
    with RawPeer(port) as peer:
        peer.associate((COMPUTED_RADIOGRAPHY, [EXPLICIT_LITTLE_ENDIAN]), (VERIFICATION, [EXPLICIT_LITTLE_ENDIAN]))
        assert peer.store(store_command("1.2.3", field=0x0020), b"\0\0") == 0x0211  # C-FIND
        assert peer.store(store_command("1.2.3"), data_set("1.2.3"), context_id=3) == 0x0122
        assert peer.store(store_command("1.2.3"), data_set("1.2.3")) == 0x0000


def test_a_data_set_in_many_small_pieces_arrives_whole(box: Box) -> None:
    _, port = box.receiver()
    content = data_set("1.2.3", pixels=bytes(range(250)) * 4)
    command = store_command("1.2.3")
    pdus = p_data(command[:50], COMMAND) + p_data(command[50:], COMMAND | LAST)
    pdus += b"".join(p_data(content[start : start + 7], 0) for start in range(0, len(content), 7)) + p_data(b"", LAST)
    with RawPeer(port) as peer:
        peer.associate()
        for start in range(0, len(pdus), 997):
            peer.socket.sendall(pdus[start : start + 997])
        assert peer.status() == 0x0000
    assert content_of(box.spool, box.instances()[0]).endswith(content)


# ---------------------------------------------------------------- peers that disconnect or break the rules


@pytest.mark.parametrize("way", ["close", "abort"])
def test_a_peer_that_breaks_off_leaves_nothing(box: Box, way: str) -> None:
    receiver, port = box.receiver()
    with RawPeer(port) as peer:
        peer.associate()
        peer.socket.sendall(p_data(store_command("1.2.3"), COMMAND | LAST) + p_data(bytes(5000), 0))
        wait_until(lambda: len(box.spool_files()) == 1, "the instance is arriving")
        if way == "abort":
            peer.socket.sendall(struct.pack(">BxL4x", ABORT, 4))
            wait_until(lambda: receiver.associations() == 0, "the association has ended")
    wait_until(lambda: receiver.associations() == 0, "the association has ended")
    assert box.spool_files() == set()
    assert box.instances() == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">BxL", 1, 0xFFFFFFFF),  # a request of 4 GiB
        struct.pack(">BxL", 1, 68) + bytes(68),
        struct.pack(">BxL", 4, 12) + bytes(12),
        bytes(64),
    ],
)
def test_garbage_instead_of_a_request_is_aborted(box: Box, garbage: bytes) -> None:
    receiver, port = box.receiver()
    with RawPeer(port) as peer:
        peer.socket.sendall(garbage)
        assert peer.receive()[0] == ABORT
    assert receiver.associations() == 0
    assert echo(port).succeeded


@pytest.mark.parametrize(
    "garbage",
    [
        p_data(b"\1\2\3\4", COMMAND | LAST),
        p_data(bytes(10), LAST),  # a data set without a command
        p_data(store_command("1.2.3"), COMMAND | LAST, context_id=99),
        struct.pack(">BxL", 4, 0xFFFFFFFF),
        struct.pack(">BxLL", 4, 8, 0xFFFFFFFF) + bytes(4),
        struct.pack(">BxLL", 4, 8, 1) + bytes(4),
        p_data(bytes(100_000), COMMAND),
        struct.pack(">BxL", 9, 4) + bytes(4),
        struct.pack(">BxL", 1, 4) + bytes(4),
    ],
)
def test_garbage_within_an_association_is_aborted(box: Box, garbage: bytes) -> None:
    receiver, port = box.receiver()
    with RawPeer(port) as peer:
        peer.associate()
        peer.socket.sendall(garbage)
        assert peer.receive()[0] == ABORT
    wait_until(lambda: receiver.associations() == 0, "the association has ended")
    assert box.spool_files() == set()


def test_silent_connections_keep_nobody_out(box: Box) -> None:
    _, port = box.receiver(max_associations=2)
    silent = [RawPeer(port, f"127.0.1.{number}") for number in range(1, MOST_WITHOUT_ASSOCIATION + 20)]
    silent += [RawPeer(port) for _ in range(10)]
    try:
        assert echo(port).succeeded, "even from an address that has silent ones too"
    finally:
        for peer in silent:
            peer.socket.close()


@pytest.mark.parametrize("sent", [b"", b"\4", b"\4\0\0\0", struct.pack(">BxL", 4, 1000) + bytes(10)])
def test_a_peer_that_falls_silent_loses_its_association(box: Box, sent: bytes) -> None:
    receiver, port = box.receiver(max_associations=1, idle_seconds=0.5)
    with RawPeer(port) as peer:
        peer.associate()
        peer.socket.sendall(sent)
        wait_until(lambda: receiver.associations() == 0, "the association has ended", deadline_seconds=5)
        assert peer.receive()[0] == ABORT


def test_a_trickle_of_bytes_does_not_hold_an_association(box: Box) -> None:
    receiver, port = box.receiver(idle_seconds=0.6)
    with RawPeer(port) as peer:
        peer.associate()
        peer.socket.sendall(struct.pack(">BxL", 4, 1000))

        def trickle() -> bool:
            try:
                peer.socket.sendall(b"\0")
            except OSError:
                return True
            return receiver.associations() == 0

        wait_until(trickle, "the association has ended", deadline_seconds=5, poll_seconds=0.1)


# ---------------------------------------------------------------- starting and stopping


def test_a_port_in_use_is_reported_in_one_sentence(box: Box) -> None:
    _, port = box.receiver()
    with pytest.raises(
        ListenError, match=rf"Cannot listen for DICOM on 127.0.0.1 port {port}: another program is using it"
    ):
        DicomReceiver(DicomSettings(host="127.0.0.1", port=port), box.admission, box.spool, box.commitments).start()


def test_an_address_of_another_box_is_reported_in_one_sentence(box: Box) -> None:
    with pytest.raises(ListenError, match="this box does not have that address"):
        DicomReceiver(DicomSettings(host="192.0.2.1", port=11112), box.admission, box.spool, box.commitments).start()


def test_it_listens_on_ipv6_too(box: Box) -> None:
    _, port = box.receiver()
    other = DicomReceiver(DicomSettings(host="::1", port=port), box.admission, box.spool, box.commitments)
    other.start()
    try:
        assert other.listening()
        with socket.create_connection(("::1", port)):
            pass
    finally:
        other.stop()
    assert not other.listening()


def test_a_stop_ends_idle_associations_at_once_and_lets_an_instance_arrive(box: Box) -> None:
    receiver, port = box.receiver()
    content = data_set("1.2.3", pixels=bytes(4000))
    with RawPeer(port) as idle, RawPeer(port) as silent, RawPeer(port) as sending:
        idle.associate()
        sending.associate()
        sending.socket.sendall(p_data(store_command("1.2.3"), COMMAND | LAST) + p_data(content[:1000], 0))
        wait_until(lambda: len(box.spool_files()) == 1, "the instance is arriving")
        began = time.monotonic()
        stopping = threading.Thread(target=receiver.stop)
        stopping.start()
        assert idle.receive()[0] == ABORT
        assert silent.receive()[0] == ABORT
        sending.socket.sendall(p_data(content[1000:], LAST))
        assert sending.status() == 0x0000
        assert sending.receive()[0] == ABORT
        for peer in (idle, silent, sending):
            peer.socket.close()
        stopping.join()
        assert time.monotonic() - began < 4
    assert [instance.sop_instance_uid for instance in box.instances()] == ["1.2.3"]


def test_the_heartbeat_goes_on_while_nothing_happens(box: Box) -> None:
    receiver, _ = box.receiver()
    first = receiver.heartbeat()
    wait_until(lambda: receiver.heartbeat() > first, "another heartbeat", deadline_seconds=3)


def test_mutated_conversations_leave_nothing_behind_and_keep_nobody_out(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, port = box.receiver(idle_seconds=0.3)
    chance = random.Random(20)
    with RawPeer(port) as peer:
        request = peer.request((COMPUTED_RADIOGRAPHY, [EXPLICIT_LITTLE_ENDIAN]))
    for number in range(150):
        uid = f"1.2.{number}"
        stored = p_data(store_command(uid), COMMAND | LAST) + p_data(data_set(uid, pixels=bytes(500)), LAST)
        conversation = bytearray(request + stored + struct.pack(">BxL4x", RELEASE_RQ, 4))
        for _ in range(chance.choice((1, 2, 5, 20))):
            place = chance.randrange(len(conversation))
            conversation[place : place + chance.choice((0, 1, 4))] = chance.randbytes(chance.choice((0, 1, 4)))
        with RawPeer(port, "127.0.0.66") as peer, contextlib.suppress(OSError):
            peer.socket.sendall(conversation)
            peer.socket.shutdown(socket.SHUT_WR)
            while peer.socket.recv(1 << 16):
                continue
    assert echo(port).succeeded
    wait_until(lambda: receiver.associations() == 0, "all associations have ended")
    assert box.spool_files() == {instance.spool_name for instance in box.instances()}
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
