"""A damaged journal is recognised at the start, kept aside and made anew; a sound one is never touched."""

import hashlib
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from leapfrog.errors import JournalDamaged, JournalError
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import DAMAGED_NAME, Journal
from leapfrog.state.migrations import schema_version
from leapfrog.state.spool import Spool
from leapfrog.state.start.damage import find_damage
from leapfrog.state.start.opening import Opening, close_in_order, open_journal
from support.journal_rows import commit, new_instance, report
from support.spooled import go_through, put_in_spool

IMAGES = 20
OLDER_JOURNAL = Path(__file__).parents[1] / "journals" / "version-4.sql"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory with 20 images, half of them read, and a journal closed in order."""
    journal, _ = open_journal(tmp_path)
    spool = Spool(tmp_path / "spool", 0)
    for number in range(IMAGES):
        new = put_in_spool(spool, f"image {number}".encode(), new_instance())
        Instances(journal).add(new)
        if number % 2:
            commit(journal, new.id)
            report(journal, new.id, 1)
    close_in_order(journal, tmp_path)
    yield tmp_path


def images(state: Path) -> set[str]:
    return {path.stem for path in (state / "spool").iterdir() if path.is_file()}


def opened(state: Path) -> tuple[set[str], Opening]:
    """The images in the journal after a start, and how the journal was found."""
    journal, opening = open_journal(state)
    go_through(journal, Spool(state / "spool", 0), opening=opening)
    found = {row["id"] for row in journal.rows("SELECT id FROM instances")}
    assert find_damage(journal, state / "journal.sqlite", whole=True) == ""
    close_in_order(journal, state)
    return found, opening


def kept(state: Path) -> list[Path]:
    return list(state.glob("journal.damaged-*.sqlite"))


def test_a_sound_journal_is_opened_as_it_is(state: Path) -> None:
    there = images(state)
    for _ in range(3):
        assert opened(state) == (there, Opening(in_order=True))
    assert kept(state) == []


def test_a_journal_that_was_not_closed_in_order_may_lack_something(state: Path) -> None:
    journal, _ = open_journal(state)
    journal.close()  # as after a kill
    assert opened(state) == (images(state), Opening(in_order=False))


def test_an_older_copy_is_not_in_order_even_if_it_was_closed_so(state: Path) -> None:
    shutil.copyfile(state / "journal.sqlite", state / "copy")
    opened(state)
    shutil.copyfile(state / "copy", state / "journal.sqlite")
    assert opened(state)[1] == Opening(in_order=False)


def test_a_copy_that_comes_back_after_a_kill_is_not_in_order(state: Path) -> None:
    shutil.copyfile(state / "journal.sqlite", state / "copy")
    journal, _ = open_journal(state)
    journal.close()
    shutil.copyfile(state / "copy", state / "journal.sqlite")
    assert opened(state)[1] == Opening(in_order=False)


@pytest.mark.parametrize("content", [b"no journal" * 1000, b"SQLite format 3\0" + bytes(5000), bytes(8192)])
def test_a_file_that_is_no_journal_is_kept_and_every_image_is_there(state: Path, content: bytes) -> None:
    there = images(state)
    (state / "journal.sqlite").write_bytes(content)
    found, opening = opened(state)
    assert found == there
    assert "damaged" in opening.rebuilt
    [old] = kept(state)
    assert old.read_bytes() == content
    assert str(old) in opening.rebuilt


def as_a_folder(path: Path) -> None:
    path.mkdir()
    (path / "something").touch()


def as_a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [as_a_folder, as_a_pipe])
@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_what_is_no_file_is_kept_aside(state: Path, make: Callable[[Path], None], ending: str) -> None:
    there = images(state)
    path = state / f"journal.sqlite{ending}"
    path.unlink(missing_ok=True)
    make(path)
    found, opening = opened(state)
    assert found == there
    assert "damaged" in opening.rebuilt
    assert len(list(state.glob(f"journal.damaged-*.sqlite{ending}"))) == 1


@pytest.mark.parametrize("table", ["studies (title TEXT)", "instances (id TEXT)", "songs (title TEXT)"])
@pytest.mark.parametrize("version", [0, 1, schema_version(), 99])
def test_the_database_of_another_program_is_kept_aside_whatever_version_it_says(
    state: Path, version: int, table: str
) -> None:
    there = images(state)
    path = state / "journal.sqlite"
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE {table}")
        connection.execute(f"PRAGMA user_version = {version}")
    found, opening = opened(state)
    assert found == there
    assert opening.rebuilt
    assert len(kept(state)) == 1


@pytest.mark.parametrize("empty", [True, False])
def test_a_journal_that_is_missing_or_empty_is_made_anew(state: Path, empty: bool) -> None:
    there = images(state)
    (state / "journal.sqlite").unlink()
    if empty:
        (state / "journal.sqlite").touch()
    assert opened(state) == (there, Opening(False, "The journal was missing or empty."))


def test_the_first_start_of_all_is_no_loss(tmp_path: Path) -> None:
    assert opened(tmp_path)[1].rebuilt == ""


# A letter of one row that changed may be met only later: that ends the box, whose next start makes the journal anew.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("seed", range(40))
def test_whatever_bytes_change_every_image_is_there_after_the_start(state: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = state / "journal.sqlite"
    there, content = images(state), bytearray(path.read_bytes())
    where = range(100) if seed % 4 == 0 else range(len(content))  # the header, or anywhere
    for _ in range(chance.choice((1, 3, 30))):
        content[chance.choice(where)] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    assert opened(state)[0] == there


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_journal_that_was_cut_short_is_made_anew(state: Path, share: float) -> None:
    path, there = state / "journal.sqlite", images(state)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert opened(state)[0] == there


def test_a_schema_that_changed_by_a_letter_is_seen(state: Path) -> None:
    path = state / "journal.sqlite"
    content = path.read_bytes()
    assert b"'set_aside'" in content
    path.write_bytes(content.replace(b"'set_aside'", b"'set_asidf'"))
    assert "Its schema was changed" not in (found := opened(state))[1].rebuilt
    assert found[1].rebuilt
    assert len(kept(state)) == 1


@pytest.mark.parametrize("letter", [(b"file_sha256", b"file_shb256"), (b"content_sha256", b"contend_sha256")])
def test_an_older_journal_whose_schema_is_damaged_is_made_anew(tmp_path: Path, letter: tuple[bytes, bytes]) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLDER_JOURNAL.read_text(encoding="utf-8"))
        schema = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name")
        noted = hashlib.sha256(repr(schema.fetchall()).encode()).hexdigest()
        connection.execute("INSERT INTO facts VALUES ('schema_4', ?)", (noted,))
        connection.commit()
    shutil.copyfile(path, whole := tmp_path / "whole.sqlite")
    path.write_bytes(path.read_bytes().replace(*letter))
    journal, opening = open_journal(tmp_path)
    journal.close()
    assert "damaged" in opening.rebuilt
    shutil.copyfile(whole, path)
    journal, opening = open_journal(tmp_path)
    journal.close()
    assert opening.rebuilt == ""


def test_a_journal_of_a_newer_version_is_refused_and_stays(state: Path) -> None:
    journal = Journal(state / "journal.sqlite")
    journal.change("DELETE FROM facts WHERE name LIKE 'schema%'")
    journal.change("PRAGMA user_version = 99")
    journal.close()
    with pytest.raises(JournalError, match="newer Leapfrog"):
        open_journal(state)
    assert kept(state) == []


def test_a_version_number_that_changed_by_itself_is_damage(state: Path) -> None:
    there = images(state)
    journal = Journal(state / "journal.sqlite")
    journal.change("PRAGMA user_version = 260")
    journal.close()
    found, opening = opened(state)
    assert found == there and opening.rebuilt


def test_damage_that_is_met_in_use_ends_the_run_and_the_next_start_makes_the_journal_anew(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, path = images(state), state / "journal.sqlite"
    size = path.stat().st_size
    monkeypatch.setattr("leapfrog.state.start.damage.SEARCHED_AT_START_BYTES", 0)  # as a journal of years
    journal = Journal(path)
    page_bytes = journal.rows("PRAGMA page_size")[0][0]
    (table,) = journal.rows("SELECT rootpage FROM sqlite_master WHERE name = 'deliveries'")
    journal.close()
    with path.open("r+b") as stream:
        stream.seek((table["rootpage"] - 1) * page_bytes)
        stream.write(b"\xff" * page_bytes)
    journal, opening = open_journal(state)
    assert not opening.rebuilt
    with pytest.raises(JournalDamaged, match="Start Leapfrog again"):
        Deliveries(journal).listed("waiting")
    assert journal.broken and journal.damaged
    assert (state / DAMAGED_NAME).exists()
    journal.close()
    found, opening = opened(state)
    assert found == there
    assert opening.rebuilt
    assert kept(state)[0].stat().st_size == size
    assert not (state / DAMAGED_NAME).exists()


def test_a_disk_that_cannot_be_written_is_no_damage(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "journal.sqlite").unlink()
    (state / "journal.sqlite").symlink_to(state / "disk that is not there" / "journal.sqlite")
    with pytest.raises(JournalError, match="cannot be opened"):
        open_journal(state)
    assert kept(state) == []
