"""What became slower: told from numbers, and from two versions of which one is left behind nowhere."""

import io
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.against.comparison import Comparison
from benchmarks.against.findings import Findings
from benchmarks.against.judgement import Judged, compared, judged
from benchmarks.against.side_by_side import PartCompared, SideBySide
from benchmarks.against.versions import REPOSITORY, NoSuchVersion, Version, laid_out, this_checkout
from benchmarks.leavings import MARK, nothing_left
from support.progress import Progress
from support.waiting import wait_until

STEADY = (1.00, 1.02, 0.99, 1.01, 0.98)
NOISY = (1.0, 1.4, 0.8, 1.2, 0.7)


def comparison(before: tuple[float, ...], now: tuple[float, ...], *, more_is_better: bool | None = False) -> Comparison:
    return Comparison("Group", "name", "s", more_is_better, before, now)


def times(factor: float, values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(factor * value for value in values)


def test_the_same_is_not_worse() -> None:
    assert comparison(STEADY, STEADY[::-1]).verdict == "same"
    assert comparison(NOISY, NOISY[::-1]).verdict == "same"


def test_a_tenth_more_time_is_worse_where_the_numbers_are_steady() -> None:
    slower = comparison(STEADY, times(1.1, STEADY[::-1]))

    assert slower.verdict == "worse"
    assert slower.ratio == pytest.approx(1.1)
    assert comparison(STEADY, times(0.9, STEADY[::-1])).verdict == "better"


def test_a_tenth_more_time_is_nothing_where_the_numbers_vary_by_more() -> None:
    assert comparison(NOISY, times(1.1, NOISY[::-1])).verdict == "same"


def test_noise_that_both_of_a_pair_have_does_not_hide_a_change() -> None:
    assert comparison(NOISY, times(1.1, NOISY)).verdict == "worse"


def test_fewer_images_a_second_are_worse() -> None:
    assert comparison(STEADY, times(0.8, STEADY[::-1]), more_is_better=True).verdict == "worse"
    assert comparison(STEADY, times(1.25, STEADY[::-1]), more_is_better=True).verdict == "better"


def test_a_hundredth_is_nothing_however_steady() -> None:
    assert comparison((100.0,) * 5, (101.0,) * 5).verdict == "same"
    assert comparison((100.0,) * 5, (103.0,) * 5).verdict == "worse"


def test_a_number_that_is_neither_good_nor_bad_is_not_judged() -> None:
    assert comparison(STEADY, times(2.0, STEADY), more_is_better=None).verdict == "same"


def test_more_than_nothing_is_worse() -> None:
    woken = comparison((0.0,) * 5, (3.0, 4.0, 3.0, 3.0, 4.0))

    assert woken.verdict == "worse"
    assert math.isnan(woken.smallest_seen)
    assert comparison((0.0,) * 5, (0.0,) * 5).verdict == "same"


def test_two_rounds_do_not_tell() -> None:
    with pytest.raises(ValueError, match="3 are needed"):
        _ = comparison((1.0, 1.0), (2.0, 2.0)).verdict


@pytest.mark.parametrize("more_is_better", [False, True])
def test_what_is_said_to_be_seen_is_seen_and_less_is_not(more_is_better: bool) -> None:
    noisy = comparison(NOISY, NOISY[::-1], more_is_better=more_is_better)
    smallest = noisy.smallest_seen

    assert (smallest < 0) == more_is_better
    assert replace(noisy, now=times(1 + 1.01 * smallest, noisy.now)).verdict == "worse"
    assert replace(noisy, now=times(1 + 0.99 * smallest, noisy.now)).verdict == "same"


def test_of_numbers_that_never_vary_two_hundredths_are_seen() -> None:
    assert comparison((100.0,) * 5, (100.0,) * 5).smallest_seen == pytest.approx(0.02)


# ---------------------------------------------------------------- the rule, on machines that are made up


def rounds(machine: Iterator[float], factor: float = 1.0, count: int = 5) -> Comparison:
    """So many rounds of two versions in turn, of which the later takes `factor` times as long."""
    before, now = list[float](), list[float]()
    for number in range(count):
        for values in (before, now) if number % 2 == 0 else (now, before):
            values.append(next(machine) * (factor if values is now else 1.0))
    return comparison(tuple(before), tuple(now))


def is_called_worse(machine: Iterator[float], factor: float = 1.0) -> bool:
    """As `--against` does it: what seems worse is measured again."""
    first = rounds(machine, factor)
    return first.verdict == "worse" and judged([first], [rounds(machine, factor)])[0].verdict == "worse"


def steady_machine(luck: random.Random) -> Iterator[float]:
    while True:
        yield luck.gauss(1.0, 0.05)


def machine_that_becomes_slower(luck: random.Random) -> Iterator[float]:
    slower = 1.0
    while True:
        slower *= 1.05
        yield slower * luck.gauss(1.0, 0.05)


def machine_that_is_disturbed_at_times(luck: random.Random) -> Iterator[float]:
    while True:
        yield luck.gauss(1.0, 0.05) * (1.8 if luck.random() < 0.1 else 1.0)


def machine_of_two_speeds(luck: random.Random) -> Iterator[float]:
    speed = 1.0
    while True:
        if luck.random() < 0.15:
            speed = 1.33 if speed == 1.0 else 1.0
        yield speed * luck.gauss(1.0, 0.05)


Machine = Callable[[random.Random], Iterator[float]]
MACHINES: list[Machine] = [
    steady_machine,
    machine_that_becomes_slower,
    machine_that_is_disturbed_at_times,
    machine_of_two_speeds,
]


@pytest.mark.parametrize("machine", MACHINES)
def test_of_a_thousand_numbers_that_did_not_change_at_most_a_few_are_called_worse(machine: Machine) -> None:
    luck = random.Random(1)

    assert sum(is_called_worse(machine(luck)) for _ in range(1000)) <= 4


@pytest.mark.parametrize("machine", MACHINES)
def test_what_takes_twice_as_long_is_found_on_every_machine(machine: Machine) -> None:
    luck = random.Random(2)

    assert sum(is_called_worse(machine(luck), 2.0) for _ in range(200)) >= 190
    assert sum(is_called_worse(machine(luck), 1 / 2.0) for _ in range(200)) == 0


# ---------------------------------------------------------------- measured twice


def test_what_seems_worse_must_be_so_in_all_rounds_together() -> None:
    worse, same = comparison(STEADY, times(1.2, STEADY)), comparison(STEADY, times(0.85, STEADY[::-1]))

    (once,) = judged([worse], [same])
    (twice,) = judged([worse], [worse])

    assert (once.verdict, once.word) == ("same", "seemed worse at first")
    assert (twice.verdict, twice.word) == ("worse", "[bold]SLOWER[/bold]")
    assert len(twice.comparison.now) == 10


def test_the_second_time_asks_for_more() -> None:
    slightly = comparison((1.0,) * 5, (1.02, 1.13, 1.04, 1.12, 1.05))  # 7 % more, give or take 6 %, or 16 %

    assert slightly.verdict == "worse"
    assert replace(slightly, repeated=True).verdict == "same"


def test_what_was_measured_once_only_seems_better() -> None:
    better = comparison(STEADY, times(0.8, STEADY[::-1]))

    assert [one.word for one in judged([better])] == ["seems faster"]
    assert [one.word for one in judged([better], [better])] == ["faster"]


def test_memory_is_called_more_not_slower() -> None:
    larger = Comparison("Memory", "reader at rest", "MiB", False, (100.0,) * 5, (150.0,) * 5)

    assert Judged(larger, larger.verdict).word == "[bold]MORE[/bold]"


def test_what_one_version_lacks_is_said_and_not_counted() -> None:
    number = {"unit": "s", "more_is_better": False, "value": 1.0}
    old, new = {("Start", "listening"): number}, {("Start", "listening"): number, ("Start", "cine"): number}

    comparisons, remarks = compared([old] * 3, [new] * 3, "c0ffee0", "this checkout")

    assert [one.name for one in comparisons] == ["listening"]
    assert remarks == ["Start, cine: c0ffee0 does not have it"]


# ---------------------------------------------------------------- what is said of it


def said(*parts: PartCompared) -> tuple[str, int]:
    """What is printed, in one line, and the exit status."""
    printed = io.StringIO()
    console = Console(width=400, file=printed)
    findings = Findings("c0ffee0", "this checkout (decade0)", "5 rounds of each version, dose 0.2", parts)
    findings.show(console)
    return " ".join(printed.getvalue().split()), findings.exit_status


def part(*comparisons: Comparison, not_compared: tuple[str, ...] = ()) -> PartCompared:
    return PartCompared("latency", judged(comparisons), not_compared)


def test_what_became_worse_is_named_with_its_group_and_ends_with_1() -> None:
    text, status = said(part(comparison(STEADY, times(1.3, STEADY)), replace(comparison(STEADY, STEADY), name="other")))

    assert text.endswith("Worse by more than the noise: Group: name (1.30 times).")
    assert status == 1


def test_nothing_worse_ends_with_0_and_says_what_would_have_been_seen() -> None:
    text, status = said(part(comparison(STEADY, STEADY[::-1]), replace(comparison(NOISY, NOISY[::-1]), name="noisy")))

    assert "Compared: c0ffee0 with this checkout (decade0). 2 numbers of latency, 5 rounds of each version" in text
    assert "would have shown: 2% in the steadiest number" in text
    assert "Too noisy to show a change of 25%: Group: noisy." in text
    assert text.endswith("Worse by more than the noise: nothing.")
    assert status == 0


def test_where_nothing_was_compared_nothing_is_known() -> None:
    text, status = said(part(not_compared=("latency: c0ffee0 cannot be measured by it (KeyError: 'x')",)))

    assert "Not compared: latency: c0ffee0 cannot be measured by it (KeyError: 'x')." in text
    assert text.endswith("Nothing was compared, so nothing is known.")
    assert status == 2


def test_a_part_that_was_not_compared_is_no_part_without_change() -> None:
    missing = PartCompared("ingest", (), ["ingest: this checkout cannot be measured by it (OSError: no space)"])

    text, status = said(part(comparison(STEADY, STEADY)), missing)

    assert text.endswith("Worse by more than the noise: nothing. Nothing is known of ingest.")
    assert status == 2
    assert said(part(comparison(STEADY, times(1.3, STEADY))), missing)[1] == 1


# ---------------------------------------------------------------- versions


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with a version of a box, one of something else, and something that was never committed."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "README").write_text("No box yet.")
    commit(folder)
    (folder / "daemon" / "leapfrog").mkdir(parents=True)
    (folder / "daemon" / "leapfrog" / "__init__.py").write_text("old = True")
    (folder / "pyproject.toml").write_text(
        '[project]\ndependencies = ["pytest>=1", "pytest>=9999", "no-such-package", "odd; python_version < \'3\'"]'
    )
    commit(folder)
    (folder / "daemon" / "leapfrog" / "__init__.py").write_text("old = False")
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where versions are laid out."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def git(folder: Path, *arguments: str) -> str:
    names = {f"GIT_{who}_{what}": "nobody@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env={**os.environ, **names}, capture_output=True, text=True, check=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "One more")


def test_a_version_is_laid_out_as_it_was_and_leaves_nothing_behind(repository: Path, work: Path) -> None:
    with laid_out("HEAD", work, repository) as version:
        assert version.name == git(repository, "rev-parse", "--short", "HEAD").strip()
        assert (version.root / "daemon" / "leapfrog" / "__init__.py").read_text() == "old = True"
        assert version.python_path[0] == str(version.root / "daemon")

    assert list(work.iterdir()) == []
    assert git(repository, "worktree", "list").count("\n") == 1
    assert git(repository, "status", "--short") == " M daemon/leapfrog/__init__.py\n"


def test_nothing_is_left_behind_when_measuring_breaks(repository: Path, work: Path) -> None:
    with pytest.raises(KeyboardInterrupt), laid_out("HEAD", work, repository):
        raise KeyboardInterrupt

    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("commit_name", "said_of_it"),
    [("HEAD~1", "no daemon/leapfrog"), ("nowhere", "no commit nowhere"), ("--all", "no commit --all")],
)
def test_what_is_no_version_is_refused(commit_name: str, said_of_it: str, repository: Path, work: Path) -> None:
    with pytest.raises(NoSuchVersion, match=said_of_it), laid_out(commit_name, work, repository):
        pass

    assert list(work.iterdir()) == []


def test_a_shallow_clone_is_told_how_to_have_the_commit(repository: Path, work: Path) -> None:
    older = git(repository, "rev-parse", "HEAD~1").strip()
    git(work, "clone", "--quiet", "--depth", "1", f"file://{repository}", "shallow")

    with pytest.raises(NoSuchVersion, match="git fetch --unshallow"), laid_out(older, work, work / "shallow"):
        pass


def test_what_is_no_repository_is_said_to_be_none(work: Path) -> None:
    with pytest.raises(NoSuchVersion, match="not a git repository"), laid_out("HEAD", work, work):
        pass


def test_a_version_that_does_not_fit_on_the_disk_is_said_not_to(
    repository: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tar that stops in the middle stands for the disk, which needs root to be made small."""
    (work / "tar").write_text("#!/bin/sh\nhead -c 100 > /dev/null\necho 'tar: No space left on device' >&2\nexit 2\n")
    (work / "tar").chmod(0o755)
    monkeypatch.setenv("PATH", str(work), prepend=os.pathsep)

    with pytest.raises(NoSuchVersion, match="No space left"), laid_out("HEAD", work, repository):
        pass

    assert [path.name for path in work.iterdir()] == ["tar"]


def test_this_checkout_is_measured_as_it_was_when_that_began(repository: Path, work: Path) -> None:
    """With what was never committed, but without what git ignores, which may be large."""
    (repository / "new").mkdir()
    (repository / "new" / "file.py").write_text("new = True")
    (repository / ".gitignore").write_text("ignored\n")
    (repository / "ignored").write_text("ignored")
    (repository / "README").unlink()

    with this_checkout(work, repository) as version:
        (repository / "daemon" / "leapfrog" / "__init__.py").write_text("edited = True")

        assert (version.root / "daemon" / "leapfrog" / "__init__.py").read_text() == "old = False"
        assert (version.root / "new" / "file.py").exists()
        assert not (version.root / "ignored").exists()
        assert not (version.root / "README").exists()

    assert list(work.iterdir()) == []


def test_both_versions_are_compiled_before_they_are_measured(repository: Path, work: Path) -> None:
    with laid_out("HEAD", work, repository) as before, this_checkout(work, repository) as now:
        for version in (before, now):
            assert list((version.root / "daemon" / "leapfrog" / "__pycache__").glob("__init__.*.pyc"))


def test_this_checkout_is_told_by_its_commit_and_whether_it_was_changed(repository: Path, work: Path) -> None:
    name = git(repository, "rev-parse", "--short", "HEAD").strip()

    with this_checkout(work, repository) as version:
        assert version.what == f"this checkout ({name}, with changes that are not committed)"
    git(repository, "checkout", "--quiet", ".")
    with this_checkout(work, repository) as version:
        assert version.what == f"this checkout ({name})"


def test_packages_that_a_version_needs_and_are_not_here_are_named(repository: Path, tmp_path: Path) -> None:
    with laid_out("HEAD", tmp_path, repository) as version:
        other = version.other_packages()

    assert [line.split(" (here: ")[0] for line in other] == ["pytest>=9999", "no-such-package"]
    assert other[1].endswith("(here: none)")


# ---------------------------------------------------------------- measuring


def version_that_says(sentence: str, folder: Path) -> Version:
    """A version of the box that breaks when it is imported."""
    (folder / "daemon" / "leapfrog").mkdir(parents=True)
    (folder / "daemon" / "leapfrog" / "__init__.py").write_text(f"raise RuntimeError({sentence!r})")
    return Version(folder.name, folder, folder.name)


HERE = Version("this checkout", REPOSITORY, "this checkout")


@pytest.mark.parametrize("place", [".", "daemon"])
def test_each_version_is_measured_itself_wherever_one_stands(
    place: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python takes modules first from where it is started, which in daemon/ would be this checkout's for both."""
    monkeypatch.chdir(REPOSITORY / place)
    old = version_that_says("the old one", work / "old")
    beside = SideBySide(old, HERE, work, 0.01, 3, Progress(Console(quiet=True)))

    found = beside.compare("latency")

    assert not found.numbers
    assert list(found.not_compared) == ["latency: old cannot be measured by it (RuntimeError: the old one)"]


def test_a_checkout_that_breaks_is_said_to_break_and_ends_nothing_else(work: Path) -> None:
    broken = version_that_says("the new [/one]", work / "new")  # what rich would take for the end of a style
    (broken.root / "tests").symlink_to(REPOSITORY / "tests")
    beside = SideBySide(broken, replace(broken, name="again"), work, 0.01, 3, Progress(Console(file=io.StringIO())))

    assert "(RuntimeError: the new [/one])" in beside.compare("latency").not_compared[0]
    assert "(RuntimeError: the new [/one])" in beside.compare("footprint").not_compared[0]


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name, as a box's sockets need it."""
    with tempfile.TemporaryDirectory(prefix="lf-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ended_in_the_middle_it_leaves_neither_files_nor_processes(number: signal.Signals, short: Path) -> None:
    options = ["--against", "HEAD", "--only", "latency", "--rounds", "3", "--dose", "0.01", "--directory", str(short)]
    running = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "tests"), str(REPOSITORY / "daemon")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    wait_until(lambda: list(short.glob("*/*/*/box/state/journal.sqlite")), "a box starts", deadline_seconds=120)

    os.killpg(running.pid, number)
    os.killpg(running.pid, number)  # as people do
    text = running.communicate(timeout=120)[0]

    assert running.returncode == 128 + number, text
    assert "Traceback" not in text
    assert list(short.iterdir()) == []
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(short).encode() in read(path)]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def test_whatever_was_started_is_ended_and_nothing_else_is(work: Path) -> None:
    """Also what has a session of its own, and what was started in a block within this one."""
    (work / "run").mkdir()
    other = subprocess.Popen(["sleep", "60"])
    try:
        with nothing_left(work / "run"):
            ours = subprocess.Popen(["sleep", "60"], start_new_session=True)
            deeper = subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: str(work / "run" / "part")})
            neighbour = subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: str(work / "runs")})

        assert [ours.wait(), deeper.wait()] == [-signal.SIGKILL] * 2
        assert [other.poll(), neighbour.poll()] == [None, None]
        assert not (work / "run").exists()
    finally:
        for one in (other, neighbour):
            one.kill()
            one.wait()
