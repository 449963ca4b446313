"""`leapfrog demo` as a newcomer runs it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leapfrog.commands.demo.box import DemoBox
from leapfrog.commands.demo.demo import run_demo
from leapfrog.errors import UsageError
from support.waiting import wait_until

LEAPFROG = (sys.executable, "-m", "leapfrog")
DEMO_SECONDS = 150.0  # on a machine that runs other tests meanwhile; alone it takes under 60


@pytest.mark.slow
def test_the_demonstration_succeeds_and_leaves_worklist_reports_and_no_process(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    done = subprocess.run(
        [*LEAPFROG, "demo", "--out", str(out)], capture_output=True, text=True, timeout=DEMO_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything happened as expected" in done.stdout
    assert (out / "reports" / "index.html").is_file()
    reports = [json.loads(path.read_text()) for path in (out / "reports").glob("*/*/report.json")]
    outcomes = {image["outcome"] for report in reports for image in report["images"]}
    assert outcomes == {"findings", "nothing_found", "not_assessed"}
    assert list((out / "district").glob("*.dcm"))
    assert _daemons(out) == []


def test_an_interrupted_demonstration_leaves_no_daemon(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    demo = subprocess.Popen([*LEAPFROG, "demo", "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: _daemons(out), "the daemon runs", deadline_seconds=60)
        demo.send_signal(signal.SIGTERM)
        _, complaint = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert demo.returncode == 130
    assert b"Traceback" not in complaint
    wait_until(lambda: not _daemons(out), "no daemon is left", deadline_seconds=10)


def test_a_signal_while_the_daemon_is_started_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = DemoBox(tmp_path, "http://127.0.0.1:9")
    start = subprocess.Popen

    def interrupted(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        process = start(*arguments, **options)
        signal.raise_signal(signal.SIGINT)  # before anybody knows the process
        return process

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(subprocess, "Popen", interrupted)
        box.start()
    # `Popen` returns when exec has begun; the kernel shows the new command line a moment later.
    assert len(wait_until(lambda: _daemons(tmp_path), "the daemon is there", deadline_seconds=60)) == 1
    box.stop()
    assert _daemons(tmp_path) == []


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        run_demo(tmp_path)
    with pytest.raises(UsageError, match="cannot be used"):
        run_demo(tmp_path / "mine.txt" / "below")


def _daemons(out: Path) -> list[int]:
    """Processes that were started with the demonstration's settings."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(out / "leapfrog.toml").encode() in command:
                found.append(int(entry.name))
    return found
