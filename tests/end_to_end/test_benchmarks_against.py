"""What became slower: told from numbers, and from two versions of which one is left behind nowhere."""

import math
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.against.comparison import Comparison
from benchmarks.against.side_by_side import Judged, compared, judged
from benchmarks.against.versions import NoSuchVersion, laid_out

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
    assert math.isnan(woken.noise)
    assert comparison((0.0,) * 5, (0.0,) * 5).verdict == "same"


def test_two_rounds_do_not_tell() -> None:
    with pytest.raises(ValueError, match="3 are needed"):
        _ = comparison((1.0, 1.0), (2.0, 2.0)).verdict


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


def test_memory_is_called_more_not_slower() -> None:
    larger = Comparison("Memory", "reader at rest", "MiB", False, (100.0,) * 5, (150.0,) * 5)

    assert Judged(larger, larger.verdict).word == "[bold]MORE[/bold]"


def test_what_one_version_lacks_is_said_and_not_counted() -> None:
    number = {"unit": "s", "more_is_better": False, "value": 1.0}
    old, new = {("Start", "listening"): number}, {("Start", "listening"): number, ("Start", "cine"): number}

    comparisons, remarks = compared([old] * 3, [new] * 3, "c0ffee0", "this checkout")

    assert [one.name for one in comparisons] == ["listening"]
    assert remarks == ["Start, cine: not compared, c0ffee0 does not have it."]


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


def git(folder: Path, *arguments: str) -> str:
    names = {f"GIT_{who}_{what}": "nobody@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env={**os.environ, **names}, capture_output=True, text=True, check=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "One more")


def test_a_version_is_laid_out_as_it_was_and_leaves_nothing_behind(repository: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()

    with laid_out("HEAD", work, repository) as version:
        assert version.name == git(repository, "rev-parse", "--short", "HEAD").strip()
        assert (version.root / "daemon" / "leapfrog" / "__init__.py").read_text() == "old = True"
        assert version.python_path[0] == str(version.root / "daemon")

    assert list(work.iterdir()) == []
    assert git(repository, "worktree", "list").count("\n") == 1
    assert git(repository, "status", "--short") == " M daemon/leapfrog/__init__.py\n"


def test_nothing_is_left_behind_when_measuring_breaks(repository: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()

    with pytest.raises(KeyboardInterrupt), laid_out("HEAD", work, repository):
        raise KeyboardInterrupt

    assert list(work.iterdir()) == []


@pytest.mark.parametrize(("commit_name", "said"), [("HEAD~1", "no daemon/leapfrog"), ("nowhere", "no commit nowhere")])
def test_what_is_no_version_is_refused(commit_name: str, said: str, repository: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()

    with pytest.raises(NoSuchVersion, match=said), laid_out(commit_name, work, repository):
        pass

    assert list(work.iterdir()) == []


def test_packages_that_a_version_needs_and_are_not_here_are_named(repository: Path, tmp_path: Path) -> None:
    with laid_out("HEAD", tmp_path, repository) as version:
        other = version.other_packages()

    assert [line.split(" (here: ")[0] for line in other] == ["pytest>=9999", "no-such-package"]
    assert other[1].endswith("(here: none)")
