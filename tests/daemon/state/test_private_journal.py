"""The journal names patients: nobody but its owner reads it, its copies, or what SQLite keeps beside it."""

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE

import pytest

from leapfrog.state.journal import JOURNAL_NAME, Journal
from leapfrog.state.start.opening import keep_aside, open_journal

from .test_migrations import old_journal

PRIVATE = 0o600


@pytest.fixture(autouse=True)
def _everybody_may_read_what_is_created() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}


def test_a_new_journal_and_what_is_beside_it_are_private(tmp_path: Path) -> None:
    journal = Journal(tmp_path / JOURNAL_NAME)
    assert modes(tmp_path) == dict.fromkeys((JOURNAL_NAME, f"{JOURNAL_NAME}-wal", f"{JOURNAL_NAME}-shm"), PRIVATE)
    journal.close()


def test_it_is_private_before_anything_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, int] = {}

    def look(*_: object, **__: object) -> None:
        seen.update(modes(tmp_path))

    monkeypatch.setattr("leapfrog.state.journal.bring_up_to_date", look)
    Journal(tmp_path / JOURNAL_NAME).close()
    assert set(seen.values()) == {PRIVATE}


def test_one_that_everybody_could_read_is_private_once_it_was_opened(tmp_path: Path) -> None:
    journal = Journal(tmp_path / JOURNAL_NAME)
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    Journal(tmp_path / JOURNAL_NAME).close()
    assert set(modes(tmp_path).values()) == {PRIVATE}
    journal.close()


def test_a_copy_is_private(tmp_path: Path) -> None:
    journal = Journal(tmp_path / JOURNAL_NAME)
    journal.copy_to(tmp_path / "copy.sqlite")
    journal.close()
    assert modes(tmp_path)["copy.sqlite"] == PRIVATE


def test_the_copy_before_an_upgrade_is_private(tmp_path: Path) -> None:
    Journal(old_journal(tmp_path, 1)).close()
    assert modes(tmp_path)["journal.version-1.sqlite"] == PRIVATE


def test_those_that_were_kept_by_an_older_leapfrog_are_private_after_a_start(tmp_path: Path) -> None:
    Journal(tmp_path / JOURNAL_NAME).close()
    kept = keep_aside(tmp_path / JOURNAL_NAME)
    for path in (kept, tmp_path / "journal.version-2.sqlite", kept.with_name(f"{kept.name}-wal")):
        path.touch()
        path.chmod(0o640)
    open_journal(tmp_path)[0].close()
    assert set(modes(tmp_path).values()) == {PRIVATE}
