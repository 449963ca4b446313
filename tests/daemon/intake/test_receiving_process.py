"""The receiver as a process: acknowledged instances outlive it, and its memory does not grow with what it receives."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from support.ports import free_port
from support.raw_peer import COMMAND, LAST, RawPeer, data_set, p_data, store_command
from support.spooled import content_of, go_through

PROGRAM = Path(__file__).with_name("receiving_process.py")
TESTS = Path(__file__).resolve().parents[2]
MEBIBYTE = 1024 * 1024


@contextmanager
def receiving(state_dir: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process, listening, and its port."""
    state_dir.mkdir(exist_ok=True)
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), os.environ.get("PYTHONPATH", "")))}
    command = [sys.executable, str(PROGRAM), str(state_dir), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "listening\n"
        yield process, port
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def resident_mebibytes(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def send_until_killed(port: int, prefix: str, acknowledged: dict[str, bytes]) -> None:
    """Store instances until the receiver is gone; note those that were acknowledged with their data set."""
    try:
        with RawPeer(port) as peer:
            peer.associate()
            for number in range(10_000):
                uid = f"{prefix}.{number}"
                content = data_set(uid, pixels=bytes([number % 256]) * (20_000 + 2 * number))
                if peer.store(store_command(uid), content) == 0x0000:
                    acknowledged[uid] = content
    except OSError:
        return


@pytest.mark.parametrize("seed", range(4))
def test_what_was_acknowledged_is_whole_after_a_kill(tmp_path: Path, seed: int) -> None:
    acknowledged: dict[str, bytes] = {}
    with receiving(tmp_path / "state") as (process, port):
        senders = [
            threading.Thread(target=send_until_killed, args=(port, f"1.2.{number}", acknowledged))
            for number in (1, 2, 3)
        ]
        for sender in senders:
            sender.start()
        time.sleep(random.Random(seed).uniform(0.1, 0.9))
        process.kill()
        for sender in senders:
            sender.join()
    journal, spool = Journal(tmp_path / "state" / "journal.sqlite"), Spool(tmp_path / "state" / "spool", 0)
    go_through(journal, spool)
    instances = {instance.sop_instance_uid: instance for instance in Instances(journal).listed(limit=10**6)}
    assert acknowledged
    for uid, content in acknowledged.items():
        assert content_of(spool, instances[uid]).endswith(content), uid
    assert set(spool.names()) == {instance.spool_name for instance in instances.values()}
    journal.close()


def test_memory_stays_flat_while_a_long_loop_arrives(tmp_path: Path) -> None:
    head = data_set("1.2.3", pixels=b"")[:-12]
    pixels = b"\xe0\x7f\x10\x00OB\0\0" + (100 * MEBIBYTE).to_bytes(4, "little")
    with receiving(tmp_path / "state") as (process, port), RawPeer(port) as peer:
        peer.associate()
        before = resident_mebibytes(process.pid)
        peer.socket.sendall(p_data(store_command("1.2.3"), COMMAND | LAST) + p_data(head + pixels, 0))
        piece = p_data(bytes(131072 - 12), 0)
        remaining = 100 * MEBIBYTE
        while remaining > len(piece):
            peer.socket.sendall(piece)
            remaining -= len(piece) - 12
        peer.socket.sendall(p_data(bytes(remaining), LAST))
        assert peer.status() == 0x0000
        after = resident_mebibytes(process.pid)
        assert after - before < 8
        assert after < 120
