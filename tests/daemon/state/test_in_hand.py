"""What was in hand when the daemon ended in its midst is known at the next start; a power cut is nobody's fault."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from leapfrog.state.in_hand import SLOTS, InHand
from leapfrog.state.journal import Journal

THING = "instance 0123456789abcdef"
PROGRAM = """
import os, signal, sys
from pathlib import Path
from leapfrog.state.in_hand import InHand
from leapfrog.state.journal import Journal
folder = Path(sys.argv[1])
hands = InHand(folder / "in_hand", Journal(folder / "journal.sqlite"))
with hands.holding("delivery settled"):
    pass
with hands.holding(sys.argv[2]):
    os.kill(os.getpid(), getattr(signal, sys.argv[3]))
"""


def end_on(folder: Path, thing: str, signal_name: str = "SIGKILL") -> None:
    """A process that ends with `thing` in hand."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM, str(folder), thing, signal_name], check=False)
    assert ended.returncode < 0


def hands_of(folder: Path, boot_id: str | None = None) -> InHand:
    return InHand(folder / "in_hand", Journal(folder / "journal.sqlite"), boot_id)


@pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_what_the_daemon_ended_on_is_counted_and_nothing_else(tmp_path: Path, signal_name: str) -> None:
    end_on(tmp_path, THING, signal_name)
    hands = hands_of(tmp_path)
    assert hands.ends_on(THING) == 1
    assert hands.ends_on("delivery settled") == 0


def test_each_end_counts_once_however_often_the_box_starts(tmp_path: Path) -> None:
    for number in (1, 2):
        end_on(tmp_path, THING)
        for _ in range(3):
            assert hands_of(tmp_path).ends_on(THING) == number


def test_a_power_cut_does_not_count(tmp_path: Path) -> None:
    end_on(tmp_path, THING)
    assert hands_of(tmp_path, boot_id="another boot").ends_on(THING) == 0


def test_a_failure_that_does_not_end_the_daemon_leaves_nothing_in_hand(tmp_path: Path) -> None:
    hands = hands_of(tmp_path)
    with pytest.raises(ValueError, match="x"), hands.holding(THING):
        raise ValueError("x")
    assert hands_of(tmp_path).ends_on(THING) == 0


def test_a_thing_that_is_settled_starts_anew(tmp_path: Path) -> None:
    end_on(tmp_path, THING)
    hands = hands_of(tmp_path)
    assert hands.count(THING) == 2
    hands.forget(THING)
    assert hands.ends_on(THING) == 0


def test_more_than_can_be_noted_are_handled_all_the_same(tmp_path: Path) -> None:
    hands = hands_of(tmp_path)
    go_on, inside = threading.Event(), threading.Semaphore(0)

    def hold(number: int) -> None:
        with hands.holding(f"instance {number}"):
            inside.release()
            go_on.wait(60)

    threads = [threading.Thread(target=hold, args=(number,)) for number in range(SLOTS + 10)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=60)
    go_on.set()
    for thread in threads:
        thread.join()
    assert all(hands_of(tmp_path).ends_on(f"instance {number}") == 0 for number in range(SLOTS + 10))


@pytest.mark.parametrize("content", [b"", b"\xff" * 100_000, b"nonsense"], ids=["empty", "other bytes", "short"])
def test_a_file_that_says_nothing_is_done_without(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in_hand").write_bytes(content)
    end_on(tmp_path, THING)
    assert hands_of(tmp_path).ends_on(THING) == 1


def test_where_no_file_can_be_made_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "in_hand").mkdir()
    hands = hands_of(tmp_path)
    with hands.holding(THING):
        pass
    assert hands.ends_on(THING) == 0
