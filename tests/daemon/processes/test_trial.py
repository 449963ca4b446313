"""A trial may print, fail, crash, hang or be stopped, and whoever runs it goes on."""

import sys
import threading
import time
from pathlib import Path

import pytest

from leapfrog.errors import EngineError
from leapfrog.processes.trial import TrialEnd, Trials

HANGS = [sys.executable, "-c", "import time; time.sleep(60)"]


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_what_it_prints_and_complains_comes_back_with_its_status() -> None:
    end = Trials().run(program("import sys; print('well'); sys.exit('not well')"), 20)
    assert end == TrialEnd("by itself", 1, b"well\n", b"not well\n")


def test_a_crash_is_reported_with_its_signal() -> None:
    assert Trials().run(program("import os; os.abort()"), 20).status == -6


def test_one_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    assert Trials().run(HANGS, 0.5).how == "late"
    assert time.monotonic() - began < 10


def test_a_missing_program_is_reported(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be started: No such file"):
        Trials().run([str(tmp_path / "no-program")], 1)


def test_another_thread_can_stop_it_and_all_that_would_follow() -> None:
    trials = Trials()
    ends: list[TrialEnd] = []
    waiting = threading.Thread(target=lambda: ends.append(trials.run(HANGS, 60)))
    waiting.start()
    time.sleep(0.5)
    trials.stop()
    waiting.join(10)
    assert [end.how for end in ends] == ["stopped"]
    assert trials.run(program("print('never')"), 20) == TrialEnd("stopped")
