"""Parts start in order, and all of them stop, whatever one of them does."""

import time

import pytest

from leapfrog.errors import ListenError, StorageError
from leapfrog.parts import Parts, Watched


class Recorded:
    """A part that notes what is asked of it, and fails where it is told to."""

    def __init__(self, name: str, calls: list[str], fails_to: tuple[str, ...] = (), beat: float | None = None) -> None:
        self.name, self.calls, self.fails_to, self.beat = name, calls, fails_to, beat
        self.secret = "Okello, Grace"

    def start(self) -> None:
        self.calls.append(f"start {self.name}")
        if "start" in self.fails_to:
            raise ListenError("The port is in use.")

    def stop(self) -> None:
        self.calls.append(f"stop {self.name}")
        if "stop" in self.fails_to:
            raise ValueError(self.secret)

    def heartbeat(self) -> float:
        return time.monotonic() if self.beat is None else self.beat


def test_one_that_fails_to_stop_keeps_no_other_from_stopping(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []
    parts = Parts([Watched(name, Recorded(name, calls, ("stop",) if name == "b" else ())) for name in "abc"])
    parts.start()
    assert parts.stop() == ["b"]
    assert calls == ["start a", "start b", "start c", "stop c", "stop b", "stop a"]
    assert "The part b could not be stopped properly: ValueError" in caplog.text
    assert "Okello" not in caplog.text, "what an exception says may name a patient"


def test_a_part_that_fails_to_start_is_stopped_with_those_before_it() -> None:
    calls: list[str] = []
    parts = Parts([Watched(name, Recorded(name, calls, ("start",) if name == "b" else ())) for name in "abc"])
    with pytest.raises(ListenError):
        parts.start()
    assert parts.stop() == []
    assert calls == ["start a", "start b", "stop b", "stop a"]


def test_a_silent_part_is_named() -> None:
    silent = Recorded("silent", [], beat=time.monotonic() - 100)
    parts = Parts([Watched("lanes", Recorded("lanes", [])), Watched("outbox", silent, 60.0)])
    parts.start()
    assert parts.hung() == ["outbox"]


def test_our_own_errors_are_logged_as_the_sentence_they_are(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Recorded):
        def stop(self) -> None:
            raise StorageError("The journal could not be read: disk I/O error.")

    parts = Parts([Watched("worklist", Broken("worklist", []))])
    parts.start()
    parts.stop()
    assert "The part worklist could not be stopped properly: The journal could not be read" in caplog.text
    assert "Traceback" not in caplog.text
