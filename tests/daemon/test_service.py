"""A box with a part missing looks alive and does nothing: so a thread that fails takes the process down."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE

import pytest

from leapfrog.errors import StorageError
from leapfrog.service import Service, _make_inbox
from leapfrog.settings import Settings

# What a process is whose part does not stop: a thread that is no daemon waits for ever.
STUCK = """
import threading
from leapfrog.service import _end_anyway_after
threading.Thread(target=threading.Event().wait, name="stuck").start()
_end_anyway_after(0.2)
"""


def fail_in(name: str, problem: Exception, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Let a thread of that name fail in a service; returns why the service would stop."""
    service = Service(Settings())
    monkeypatch.setattr(threading, "excepthook", service._on_thread_failure)

    def run() -> None:
        raise problem

    thread = threading.Thread(target=run, name=name)
    thread.start()
    thread.join()
    return service._fatal


def test_a_thread_of_a_part_that_fails_ends_the_box(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert fail_in("outbox", ValueError("Okello, Grace"), monkeypatch) == "The thread outbox failed."
    assert "ValueError" in caplog.text
    assert "Okello" not in caplog.text, "what an exception says may name a patient"
    assert fail_in("retention", StorageError("The journal is gone."), monkeypatch) == "The journal is gone."


@pytest.mark.parametrize("name", ["dicom-association", "control-client"])
def test_one_peer_s_thread_concerns_that_peer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fail_in(name, ValueError("x"), monkeypatch) is None


def test_a_thread_of_the_watchdog_library_is_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    class Emitter(threading.Thread):
        __module__ = "watchdog.observers.inotify"

        def run(self) -> None:
            raise OSError("the folder is gone")

    service = Service(Settings())
    monkeypatch.setattr(threading, "excepthook", service._on_thread_failure)
    thread: threading.Thread = Emitter()
    thread.start()
    thread.join()
    assert service._fatal is None


def test_the_first_failure_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(Settings())
    fatal: Callable[[str], None] = service._on_fatal
    fatal("The disk failed.")
    fatal("A lane stopped.")
    assert service._fatal == "The disk failed."


def test_a_process_whose_part_does_not_stop_ends_anyway() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "did not stop in time: stuck" in done.stderr


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0, 0o022, 0o027, 0o077])
def test_the_group_may_put_films_into_the_inbox_and_nobody_else(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        _make_inbox(tmp_path / "inbox")
    assert S_IMODE((tmp_path / "inbox").stat().st_mode) == 0o770


@pytest.mark.parametrize(("found", "left"), [(0o777, 0o770), (0o755, 0o750), (0o2770, 0o2770), (0o1777, 0o1770)])
def test_an_inbox_that_is_there_loses_the_rights_of_others_alone(tmp_path: Path, found: int, left: int) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    inbox.chmod(found)
    _make_inbox(inbox)
    assert S_IMODE(inbox.stat().st_mode) == left


@pytest.mark.parametrize("first", ["stop", "start again"])
def test_whoever_stops_a_box_that_is_about_to_start_again_has_it_stopped(first: str) -> None:
    """Else the switch to a bundle would swallow a stop, and the box would be up again."""
    service = Service(Settings())
    calls = [lambda: service._on_signal(signal.SIGTERM, None), service._start_again]
    for call in calls if first == "stop" else reversed(calls):
        call()
    assert not service.starts_again
