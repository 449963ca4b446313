"""Inputs that are kept break nothing, also where there is no atheris; where there is, neither do a few new ones."""

import importlib.util
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fuzzing import inputs
from fuzzing.campaign import Campaign
from fuzzing.target import Broken, Target, check, load, require
from fuzzing.targets import NAMES

SECONDS = 1.0
LARGEST_REPOSITORY_BYTES = 500_000
MOST_ADDRESS_BYTES = 4 << 30  # most of it is the libraries, which are mapped
TESTS = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_breaks_nothing(name: str) -> None:
    target = load(name)
    for content in target.seeds().values():
        check(target, content)
    for path in inputs.kept(target):
        check(target, path.read_bytes())


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.timeout(600)  # seven processes start at once, and a busy machine takes its time
def test_a_few_seconds_of_fuzzing_break_nothing(tmp_path: Path) -> None:
    *_, outcomes = Campaign(tmp_path, SECONDS, seed=1).run(NAMES, at_once=len(NAMES))
    broken = {one.target: (one.said, [path.with_name(f"{path.name}.txt") for path in one.finds]) for one in outcomes}
    for name, (said, texts) in broken.items():
        assert not said, f"{name}: {said}"
        assert not texts, f"{name}: {[text.read_text() for text in texts if text.exists()]}"
    assert all(one.executed and one.edges for one in outcomes)


def test_the_inputs_that_are_kept_stay_few() -> None:
    sizes = [path.stat().st_size for name in NAMES for path in inputs.kept(load(name))]
    assert sum(sizes) < LARGEST_REPOSITORY_BYTES


ENDED = [path for folder in sorted(inputs.ENDS.glob("*")) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("path", ENDED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_ends_a_decoder_ends_it_at_once_and_costs_little(path: Path) -> None:
    """A reader is a process of its own, and the image is set aside; what it must not do is to hang or to eat memory."""
    asked = (
        "import sys; from pathlib import Path; from fuzzing.target import check, load;"
        " check(load(sys.argv[1]), Path(sys.argv[2]).read_bytes())"
    )
    command = [sys.executable, "-c", asked, path.parent.name, str(path)]
    limits = (MOST_ADDRESS_BYTES, MOST_ADDRESS_BYTES)
    ended = subprocess.run(
        command,
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limits),
    )
    assert ended.returncode in (0, -signal.SIGABRT, -signal.SIGSEGV), ended.stderr


def _costly(check: object, seconds: float = 5.0, mebibytes: int = 1000) -> Target:
    return Target("costly", "", check, dict, (), seconds, mebibytes)  # type: ignore[arg-type]


def test_an_input_that_takes_too_long_is_a_find() -> None:
    with pytest.raises(Broken, match="s of the processor"):
        check(_costly(lambda _content: sum(range(3_000_000)), seconds=0.01), b"")


def test_an_input_that_takes_too_much_memory_is_a_find() -> None:
    with pytest.raises(Broken, match="1 MiB of memory"):
        check(_costly(lambda _content: bytearray(b"x") * (64 << 20), mebibytes=1), b"")


def test_what_does_not_hold_is_a_find() -> None:
    with pytest.raises(Broken, match="wrong"):
        require(False, "wrong")
