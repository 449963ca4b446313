"""After an upgrade the files of an older version get the record that they lack; then they outlive their journal too."""

from pathlib import Path

import pytest

from leapfrog.spool_file.record import content_holds, read_record
from leapfrog.state.facts import Facts
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records_to_renew import FACT
from leapfrog.state.spool import Spool
from leapfrog.state.start.older_files import give_records
from support.journal_rows import new_instance
from support.spooled import go_through


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 0)


def older(journal: Journal, spool: Spool, count: int) -> list[str]:
    """Instances as an older version left them: without records and digests."""
    names = []
    for number in range(count):
        content = f"image {number}".encode()
        new = new_instance(byte_count=len(content))
        spool.path(new.spool_name).write_bytes(content)
        Instances(journal).add(new)
        names.append(new.spool_name)
    journal.change("INSERT INTO facts SELECT ?, min(sequence) || ' ' || max(sequence) FROM instances", FACT)
    return names


def test_older_files_get_records_from_which_their_rows_can_be_made_again(journal: Journal, spool: Spool) -> None:
    names = older(journal, spool, 3)
    before = [dict(row) for row in journal.rows("SELECT * FROM instances ORDER BY sequence")]
    for _ in give_records(journal, spool):
        pass
    for name in names:
        record = read_record(spool.path(name))
        assert record is not None
        assert content_holds(spool.path(name), record)
    assert journal.count("instances WHERE file_digest = ''") == journal.count("deliveries WHERE file_digest = ''") == 0
    for table in ("deliveries", "instances", "studies"):
        journal.change(f"DELETE FROM {table}")
    go_through(journal, spool)
    after = [dict(row) for row in journal.rows("SELECT * FROM instances ORDER BY sequence")]
    same = [{**row, "study_key": "", "file_digest": ""} for row in after]
    assert same == [{**row, "study_key": ""} for row in before]


def test_cut_short_it_goes_on_where_it_was_and_is_done_once(
    journal: Journal, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.state.start.older_files.BATCH", 2)
    names = older(journal, spool, 5)
    steps = give_records(journal, spool)
    for _ in range(3):
        next(steps)
    del steps
    assert [read_record(spool.path(name)) is not None for name in names] == [True, True, True, False, False]
    assert len(list(give_records(journal, spool))) == 3
    assert all(read_record(spool.path(name)) is not None for name in names)
    assert Facts(journal).get(FACT) is None
    assert list(give_records(journal, spool)) == []


def test_a_file_that_is_missing_or_not_as_long_as_it_was_is_left_alone(journal: Journal, spool: Spool) -> None:
    names = older(journal, spool, 3)
    spool.path(names[0]).unlink()
    spool.path(names[1]).write_bytes(b"short")
    for _ in give_records(journal, spool):
        pass
    assert spool.path(names[1]).read_bytes() == b"short"
    assert not spool.path(names[0]).exists()
    assert read_record(spool.path(names[2])) is not None


def test_a_start_does_it(journal: Journal, spool: Spool) -> None:
    names = older(journal, spool, 2)
    go_through(journal, spool)
    for _ in give_records(journal, spool):
        pass
    assert all(read_record(spool.path(name)) is not None for name in names)
