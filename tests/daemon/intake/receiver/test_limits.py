"""A modality beside peers that do what no modality does, each at an address of its own."""

import contextlib
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import leapfrog.intake.receiver.dicom_receiver as receiver_module
from leapfrog.control.notice import Notice
from leapfrog.errors import ListenError
from leapfrog.intake.receiver.connections import MOST_WITHOUT_ASSOCIATION
from leapfrog.intake.receiver.dicom_receiver import DicomReceiver
from leapfrog.problem import Problem
from support.intake_box import Box
from support.raw_peer import ABORT, COMMAND, LAST, RawPeer, data_set, p_data, store_command
from support.waiting import wait_until

MODALITY, HOSTILE = "127.0.0.1", "127.0.0.66"
C_ECHO, C_CANCEL = 0x0030, 0x0FFF


def command_without_data(field: int) -> bytes:
    """A command that announces no data set."""
    return store_command("1.2", field=field).replace(
        struct.pack("<HHLH", 0, 0x0800, 2, 1), struct.pack("<HHLH", 0, 0x0800, 2, 0x0101)
    )


def stores(port: int, uid: str = "1.2.3") -> float:
    """How many seconds a modality needs to store an image. Raises when it cannot."""
    began = time.monotonic()
    with RawPeer(port, MODALITY) as modality:
        modality.associate()
        assert modality.store(store_command(uid), data_set(uid)) == 0
        modality.release()
    return time.monotonic() - began


def told(receiver: DicomReceiver) -> Problem:
    """The one line about the hostile machine."""

    def found() -> list[Problem]:
        return [problem for problem in receiver.problems() if f"{HOSTILE} disturbs the box" in problem.what]

    (problem,) = wait_until(found, "the status names the machine")
    assert not problem.in_worklist
    return problem


@contextlib.contextmanager
def flooding(port: int, first: bytes, sent: bytes) -> Iterator[None]:
    """A hostile machine sends `first`, then `sent` again and again over one association, and reads what comes."""
    peer = RawPeer(port, HOSTILE)
    peer.associate()
    peer.socket.sendall(first)
    stop = threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):
            while not stop.is_set():
                peer.socket.sendall(sent)

    def read() -> None:
        with contextlib.suppress(OSError):
            while peer.socket.recv(1 << 16):
                continue

    threads = [threading.Thread(target=target) for target in (send, read)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        with contextlib.suppress(OSError):
            peer.socket.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        peer.socket.close()


def test_silent_connections_of_one_machine_keep_no_other_out(box: Box) -> None:
    receiver, port = box.receiver()
    silent = [RawPeer(port, HOSTILE) for _ in range(2 * MOST_WITHOUT_ASSOCIATION)]
    stores(port)
    assert "opens more connections at once" in told(receiver).what
    for peer in silent:
        peer.socket.close()


def test_associations_of_one_machine_that_do_nothing_keep_no_other_out(box: Box) -> None:
    receiver, port = box.receiver(max_associations=10)
    idle = [RawPeer(port, HOSTILE) for _ in range(10)]
    rejected = 0
    for peer in idle:
        try:
            peer.associate()
        except ConnectionRefusedError as refused:
            assert refused.args[1][1:] == b"\2\3\2", "rejected-transient, presentation, local limit exceeded"
            rejected += 1
    assert rejected == 2
    stores(port)
    assert "wants more associations at once" in told(receiver).what
    for peer in idle:
        peer.socket.close()


def test_the_idlest_association_gives_way_when_several_machines_took_all_places(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.intake.receiver.gate.IDLE_SECONDS", 0.2)
    _, port = box.receiver(max_associations=3)
    idle = [RawPeer(port, f"127.0.0.{number}") for number in (66, 67, 68)]
    for peer in idle:
        peer.associate()
    time.sleep(0.3)
    for number in range(3):
        stores(port, f"1.2.{number}")
    assert idle[0].receive()[0] == ABORT
    for peer in idle:
        peer.socket.close()


@pytest.mark.parametrize(
    ("first", "sent"),
    [
        pytest.param(p_data(store_command("1.2"), COMMAND | LAST), p_data(b"", 0) * 1000, id="fragments of no bytes"),
        pytest.param(b"", p_data(command_without_data(C_CANCEL), COMMAND | LAST) * 100, id="C-CANCEL"),
        pytest.param(b"", p_data(command_without_data(C_ECHO), COMMAND | LAST) * 100, id="C-ECHO"),
        pytest.param(b"", p_data(command_without_data(0x0777), COMMAND | LAST) * 100, id="an unknown operation"),
    ],
)
def test_messages_without_end_that_bring_no_images_are_slowed_down(box: Box, first: bytes, sent: bytes) -> None:
    receiver, port = box.receiver()
    with flooding(port, first, sent):
        assert "sends messages without end that bring no images" in told(receiver).what
        before = time.process_time()
        seconds = stores(port)
        time.sleep(1)
        spent = time.process_time() - before
    assert spent < 0.8 + seconds, f"{spent:.2f} s of a processor within a second or so, beside our own thread's"


def test_images_that_are_costly_and_refused_are_slowed_down(box: Box) -> None:
    """Each has very many elements and lacks what it needs to be kept."""
    receiver, port = box.receiver()
    elements = struct.pack("<HH2sH", 0x0009, 0x1001, b"LO", 0) * 12_000
    with flooding(port, b"", p_data(store_command("1.2.66"), COMMAND | LAST) + p_data(elements, LAST)):
        assert "disturbs the box" in told(receiver).what
        stores(port)


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(64)])
def test_other_protocols_are_named_after_several_tries(box: Box, sent: bytes) -> None:
    receiver, port = box.receiver()
    for _ in range(4):
        with RawPeer(port, HOSTILE) as peer:
            peer.socket.sendall(sent)
            assert peer.receive()[0] == ABORT
    assert "sends something that is not DICOM" in told(receiver).what


def test_half_headers_are_named_after_several_tries(box: Box) -> None:
    receiver, port = box.receiver(idle_seconds=0.3)
    halves = [RawPeer(port, HOSTILE) for _ in range(4)]
    for peer in halves:
        peer.socket.sendall(b"\1\0\0")
    assert "begins requests or TLS handshakes and does not finish them" in told(receiver).what
    for peer in halves:
        peer.socket.close()


def test_giant_pdus_are_named_after_several_tries(box: Box) -> None:
    receiver, port = box.receiver()
    for _ in range(4):
        with RawPeer(port, HOSTILE) as peer:
            peer.associate()
            peer.socket.sendall(struct.pack(">BxL", 4, 0xFFFFFFFF))
            assert peer.receive()[0] == ABORT
    assert "breaks the DICOM protocol" in told(receiver).what


def test_a_slow_modality_is_waited_for(box: Box) -> None:
    """Its PDU takes several times as long as a silent peer is waited for."""
    _, port = box.receiver(idle_seconds=0.5)
    content = data_set("1.2.3", pixels=bytes(1200))
    pdus = p_data(store_command("1.2.3"), COMMAND | LAST) + p_data(content, LAST)
    with RawPeer(port) as peer:
        peer.associate()
        for start in range(0, len(pdus), 100):
            peer.socket.sendall(pdus[start : start + 100])
            time.sleep(0.1)
        assert peer.status() == 0
    assert len(box.instances()) == 1


def test_a_modality_that_idles_disturbs_nobody(box: Box) -> None:
    receiver, port = box.receiver(idle_seconds=0.2)
    for _ in range(4):
        with RawPeer(port) as peer:
            peer.associate()
            assert peer.receive()[0] == ABORT
    assert receiver.problems() == ()


def test_a_flood_has_few_lines_in_the_log(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    receiver, port = box.receiver()
    for _ in range(60):
        with RawPeer(port, HOSTILE) as peer:
            peer.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert peer.receive()[0] == ABORT
    receiver.stop()
    assert [record.getMessage() for record in caplog.records if HOSTILE in record.getMessage()] == [
        f"The association with {HOSTILE} was aborted: The peer broke the protocol: unexpected pdu."
    ]


def test_a_peer_that_takes_nothing_does_not_hold_up_a_stop(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver_module, "DRAIN_SECONDS", 0.5)
    receiver, port = box.receiver()
    with RawPeer(port, HOSTILE) as peer:
        peer.associate()
        peer.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                peer.socket.sendall(p_data(command_without_data(C_ECHO), COMMAND | LAST) * 100)
        began = time.monotonic()
        receiver.stop()
        assert time.monotonic() - began < 10


def test_a_stop_does_not_wait_for_a_flood(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver_module, "DRAIN_SECONDS", 0.5)
    receiver, port = box.receiver()
    with flooding(port, p_data(store_command("1.2"), COMMAND | LAST), p_data(b"", 0) * 1000):
        told(receiver)
        began = time.monotonic()
        receiver.stop()
        assert time.monotonic() - began < 5


def test_a_listener_that_fails_for_good_ends_the_receiver_with_a_reason(box: Box) -> None:
    receiver, _ = box.receiver()
    failed: list[BaseException | None] = []
    hook, threading.excepthook = threading.excepthook, lambda arguments: failed.append(arguments.exc_value)
    try:
        assert receiver._listener is not None
        receiver._listener.close()
        wait_until(lambda: not receiver.listening(), "the thread has ended")
    finally:
        threading.excepthook = hook
    assert isinstance(failed[0], ListenError)
    assert "No connection can be accepted any more" in str(failed[0])


def test_without_descriptors_it_waits_and_gives_up_after_a_while(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, port = box.receiver()
    monkeypatch.setattr(receiver_module, "GIVE_UP_SECONDS", 0.5)
    failed: list[BaseException | None] = []
    hook, threading.excepthook = threading.excepthook, lambda arguments: failed.append(arguments.exc_value)
    monkeypatch.setattr(threading.Thread, "start", _no_more_threads)
    peers = []
    try:
        for _ in range(30):
            with contextlib.suppress(OSError):
                peers.append(RawPeer(port))
            time.sleep(0.05)
        wait_until(lambda: not receiver.listening(), "the thread has ended")
    finally:
        threading.excepthook = hook
        for peer in peers:
            peer.socket.close()
    assert "no more threads can be started" in str(failed[0])


def _no_more_threads(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


SCARCE = """
import resource, sys, threading
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.intake_box import make_box
resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
box = make_box(Path(sys.argv[1]))
receiver, port = box.receiver()
print(port, flush=True)
sys.stdin.read()
receiver.stop()
print(receiver.listening(), len(box.instances()), flush=True)
"""


def test_two_thousand_idle_sockets_and_few_descriptors_do_not_end_it(tmp_path: Path) -> None:
    """Each connection takes a descriptor in the receiver's process, and there are 60."""
    tests = str(Path(__file__).parents[3])
    process = subprocess.Popen(
        [sys.executable, "-c", SCARCE.format(tests=tests), str(tmp_path / "state")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    port = int(process.stdout.readline())
    silent: list[RawPeer] = []
    try:
        for number in range(2000):
            with contextlib.suppress(OSError):
                silent.append(RawPeer(port, f"127.0.{number % 8}.66"))
        for peer in silent:
            peer.socket.close()
        wait_until(lambda: _stored(port), "an image is stored")
    finally:
        process.stdin.close()
        assert process.wait(60) == 0
    assert process.stdout.read().split() == ["False", "1"]


def _stored(port: int) -> bool:
    try:
        stores(port)
    except (OSError, AssertionError):
        return False
    return True


def test_what_is_not_for_staff_wakes_no_worklist() -> None:
    changes: list[None] = []
    problems = [Problem(what="The machine at 192.0.2.66 disturbs the box.", in_worklist=False)]
    lines: list[str] = []
    notice = Notice(lambda: tuple(problems), lambda: changes.append(None), lines.append)
    notice.look()
    assert changes == []
    assert "192.0.2.66" in lines[0]
    problems.append(Problem(what="The disk is full."))
    notice.look()
    assert changes == [None]
