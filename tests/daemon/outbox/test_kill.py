"""kill -9 of the sender, again and again, in the middle of what it does."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from support.orthanc import Orthanc
from support.owed import open_state, owe_image
from support.recording_proxy import RecordingProxy
from support.waiting import wait_until

PROGRAM = Path(__file__).with_name("sending_process.py")
TESTS = Path(__file__).parents[2]


@contextmanager
def _sending(state_dir: Path, bytes_per_second: int, **urls: str) -> Iterator[None]:
    """An outbox of its own process that sends to these destinations, killed at the end."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), os.environ.get("PYTHONPATH", "")))}
    command = [sys.executable, str(PROGRAM), str(state_dir), str(bytes_per_second), *map("=".join, urls.items())]
    process = subprocess.Popen(command, env=environment)
    try:
        yield
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _confirmed(state_dir: Path, destination: str = "district") -> set[str]:
    journal, _ = open_state(state_dir)
    rows = journal.rows(
        "SELECT sop_instance_uid FROM deliveries WHERE state = 'confirmed' AND destination = ?", (destination,)
    )
    journal.close()
    return {row["sop_instance_uid"] for row in rows}


def _received(proxy: RecordingProxy, byte_count: int) -> bool:
    return proxy.bytes_received > byte_count


def _holds_once(server: Orthanc, uids: list[str]) -> bool:
    held = server.held()
    return all(held[uid] == 1 for uid in uids)


def test_after_kills_in_mid_transfer_the_district_holds_each_once_and_nothing_confirmed_is_posted_again(
    tmp_path: Path, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    journal, spool = open_state(tmp_path)
    uids = [owe_image(journal, spool, 100_000) for _ in range(24)]
    journal.close()
    random.seed(7)
    for _ in range(3):
        enough = proxy.bytes_received + 250_000
        with _sending(tmp_path, 2_000_000, district=proxy.url):
            wait_until(partial(_received, proxy, enough), "bytes of a few instances")
            time.sleep(random.uniform(0.0, 0.2))
        confirmed = _confirmed(tmp_path)
        posted = proxy.posts
        assert confirmed, "nothing was confirmed before the kill"
        assert all(posted[uid] == 1 for uid in confirmed)
    with _sending(tmp_path, 0, district=proxy.url):
        wait_until(lambda: all(orthanc.held()[uid] == 1 for uid in uids), "each is held once")
        time.sleep(0.3)
    assert _confirmed(tmp_path) == set(uids)
    assert {uid: count for uid, count in proxy.posts.items() if count > 1} == {}


def test_after_kills_in_the_midst_of_two_transfers_each_destination_holds_each_once(
    tmp_path: Path, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    (tmp_path / "state").mkdir()
    journal, spool = open_state(tmp_path / "state")
    uids = [owe_image(journal, spool, 50_000, owed_to=("district", "province")) for _ in range(8)]
    journal.close()
    with Orthanc(tmp_path / "province") as other_orthanc, RecordingProxy(other_orthanc.dicomweb_url) as other:
        for _ in range(3):
            enough = other.bytes_received + 75_000
            with _sending(tmp_path / "state", 1_000_000, district=proxy.url, province=other.url):
                wait_until(partial(_received, other, enough), "bytes of an instance")
        with _sending(tmp_path / "state", 0, district=proxy.url, province=other.url):
            for server, name in ((orthanc, "district"), (other_orthanc, "province")):
                wait_until(partial(_holds_once, server, uids), f"each is held once at {name}")
            time.sleep(0.3)
        for one, name in ((proxy, "district"), (other, "province")):
            assert _confirmed(tmp_path / "state", name) == set(uids)
            assert {uid: count for uid, count in one.posts.items() if count > 1} == {}
