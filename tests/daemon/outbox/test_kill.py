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
def _sending(state_dir: Path, url: str, bytes_per_second: int) -> Iterator[None]:
    """A sender of its own process, killed at the end."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), os.environ.get("PYTHONPATH", "")))}
    command = [sys.executable, str(PROGRAM), str(state_dir), url, str(bytes_per_second)]
    process = subprocess.Popen(command, env=environment)
    try:
        yield
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _confirmed(state_dir: Path) -> set[str]:
    journal, _ = open_state(state_dir)
    rows = journal.rows("SELECT sop_instance_uid FROM deliveries WHERE state = 'confirmed'")
    journal.close()
    return {row["sop_instance_uid"] for row in rows}


def _received(proxy: RecordingProxy, byte_count: int) -> bool:
    return proxy.bytes_received > byte_count


def test_after_kills_in_mid_transfer_the_district_holds_each_once_and_nothing_confirmed_is_posted_again(
    tmp_path: Path, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    journal, spool = open_state(tmp_path)
    uids = [owe_image(journal, spool, 100_000) for _ in range(24)]
    journal.close()
    random.seed(7)
    for _ in range(3):
        enough = proxy.bytes_received + 250_000
        with _sending(tmp_path, proxy.url, bytes_per_second=2_000_000):
            wait_until(partial(_received, proxy, enough), "bytes of a few instances")
            time.sleep(random.uniform(0.0, 0.2))
        confirmed = _confirmed(tmp_path)
        posted = proxy.posts
        assert confirmed, "nothing was confirmed before the kill"
        assert all(posted[uid] == 1 for uid in confirmed)
    with _sending(tmp_path, proxy.url, bytes_per_second=0):
        wait_until(lambda: all(orthanc.held()[uid] == 1 for uid in uids), "each is held once")
        time.sleep(0.3)
    assert _confirmed(tmp_path) == set(uids)
    assert {uid: count for uid, count in proxy.posts.items() if count > 1} == {}
