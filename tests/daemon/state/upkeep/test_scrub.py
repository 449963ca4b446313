"""Every spool file is looked at, slowly, and what is wrong with one stands in the journal."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leapfrog.dicom.part10 import content_digest
from leapfrog.state.facts import Facts
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.upkeep.scrub import Scrub
from support.journal_rows import commit, new_delivery, new_instance
from support.owed import part10_bytes, secondary_capture
from support.spooled import put_in_spool
from support.waiting import wait_until

CONTENT = part10_bytes(secondary_capture())


class Box:
    """A journal and a spool with what a test puts in."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory / "journal.sqlite")
        self.spool = Spool(directory / "spool", 0)
        self.instances = Instances(self.journal)

    def add(self, content: bytes = CONTENT, **values: object) -> str:
        new = put_in_spool(self.spool, content, new_instance(**values))
        self.instances.add(new)
        return new.id

    def file(self, instance_id: str) -> Path:
        record = self.instances.get(instance_id)
        assert record is not None
        return self.spool.path(record.spool_name)

    def scrub(self, **values: int) -> Scrub:
        return Scrub(files=SpooledFiles(self.journal), facts=Facts(self.journal), spool=self.spool, **values)

    def look_at_all(self) -> None:
        scrub = self.scrub()
        while scrub.look_at_next() is not None:
            pass

    def problem(self, instance_id: str) -> tuple[str, bool]:
        """What the journal says is wrong with a file, and whether it says since when."""
        row = self.journal.row("SELECT file_problem, file_problem_since FROM instances WHERE id = ?", (instance_id,))
        assert row is not None
        return row["file_problem"], row["file_problem_since"] is not None


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.journal.close()


def flip(path: Path, at: int = 500) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_missing_and_damaged_files_are_found_and_whole_ones_are_not(box: Box) -> None:
    whole, missing, damaged, short = (box.add() for _ in range(4))
    box.file(missing).unlink()
    flip(box.file(damaged))
    box.file(short).write_bytes(CONTENT[:100])
    box.look_at_all()
    found = {one: box.problem(one) for one in (whole, missing, damaged, short)}
    assert found == {
        whole: ("", False), missing: ("missing", True), damaged: ("damaged", True), short: ("damaged", True)
    }  # fmt: skip


def test_a_file_that_is_whole_again_is_no_problem_any_more(box: Box) -> None:
    one = box.add()
    flip(box.file(one))
    box.look_at_all()
    flip(box.file(one))
    box.look_at_all()
    assert box.problem(one) == ("", False)


def test_a_file_that_is_replaced_while_it_is_looked_at_is_not_blamed(box: Box) -> None:
    box.add()
    files = SpooledFiles(box.journal)
    looked_up = files.next_instance(0)
    assert looked_up is not None
    files.repaired(looked_up.id, looked_up.byte_count, "0" * 64, "")
    assert not files.note(looked_up, "damaged")
    assert box.problem(looked_up.id) == ("", False)


def test_it_goes_on_where_it_was_after_a_restart_and_then_begins_anew(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        box.add()
    looked_at: list[str] = []
    monkeypatch.setattr("leapfrog.state.upkeep.scrub.drop_from_cache", lambda path: looked_at.append(path.stem))
    first = box.scrub()
    for _ in range(4):
        first.look_at_next()
    first.stop()
    again = box.scrub()
    while again.look_at_next() is not None:
        pass
    assert looked_at == [record.id for record in reversed(box.instances.listed())]
    assert again.look_at_next() is not None
    assert looked_at[6] == looked_at[0]


def test_it_reads_no_faster_than_it_may(box: Box) -> None:
    for _ in range(2):
        box.add()
    assert box.scrub(bytes_per_second=100).turn() == pytest.approx(len(CONTENT) / 100)
    assert box.scrub(bytes_per_second=10**9).turn() >= 0.01, "nor does it ask for thousands of files a second"


def test_its_thread_looks_at_files_and_ends_when_it_is_told_to(box: Box) -> None:
    damaged = box.add()
    flip(box.file(damaged))
    scrub = box.scrub()
    scrub.start()
    wait_until(lambda: box.problem(damaged)[0] == "damaged", "the damaged file is found")
    scrub.stop()
    assert "scrub" not in [thread.name for thread in threading.enumerate()]


# ---------------------------------------------------------------- from an older Leapfrog


def forget_digest(box: Box) -> None:
    with box.journal.transaction() as connection:
        connection.execute("UPDATE instances SET file_digest = ''")
        connection.execute("UPDATE deliveries SET file_digest = ''")


def test_a_file_without_a_digest_gets_one_and_its_delivery_too(box: Box) -> None:
    one = box.add()
    digest = box.journal.rows("SELECT file_digest FROM instances")[0]["file_digest"]
    forget_digest(box)
    box.look_at_all()
    assert box.problem(one) == ("", False)
    for table in ("instances", "deliveries"):
        assert box.journal.rows(f"SELECT file_digest FROM {table}")[0]["file_digest"] == digest


@pytest.mark.parametrize("read_before", [True, False])
def test_a_file_that_is_not_what_was_read_or_too_short_gets_none(box: Box, read_before: bool) -> None:
    one = box.add()
    if read_before:
        commit(box.journal, one, dataset_sha256=content_digest(box.file(one), len(CONTENT)))
        flip(box.file(one), len(CONTENT) - 10)
    else:
        box.file(one).write_bytes(CONTENT[:-1])
    forget_digest(box)
    box.look_at_all()
    assert box.problem(one) == ("damaged", True)
    assert box.journal.rows("SELECT file_digest FROM instances")[0]["file_digest"] == ""


def test_a_repair_of_which_the_journal_does_not_know_is_taken_up(box: Box) -> None:
    """The power was cut after the fresh file was in its place."""
    one = box.add()
    commit(box.journal, one, dataset_sha256=content_digest(box.file(one), len(CONTENT)))
    fresh = b"\1" + CONTENT[1:]  # another preamble
    arrival = SpooledFiles(box.journal).arrival_of(one)
    assert arrival is not None
    put_in_spool(box.spool, fresh, replace(arrival))
    box.look_at_all()
    assert box.problem(one) == ("", False)
    assert box.file(one).read_bytes().startswith(fresh)
    record = box.instances.get(one)
    assert record is not None and record.state == "read"


# ---------------------------------------------------------------- what readers made


def test_objects_that_are_owed_and_damaged_are_a_problem_until_they_are_whole_or_given_up(box: Box) -> None:
    one = box.add()
    made = replace(new_delivery(), byte_count=4, file_digest="0" * 64, destinations=("district", "province"))
    commit(box.journal, one, deliveries=(made,))
    box.spool.path(made.spool_name or "").write_bytes(b"else")
    scrub = box.scrub()
    for destination in made.destinations:
        while scrub.look_at_next() is not None:
            pass
        [problem] = scrub.problems()
        assert "1 object made for the district" in problem.what, "one file, whoever gets it"
        with box.journal.transaction() as connection:
            connection.execute("UPDATE deliveries SET state = 'confirmed' WHERE destination = ?", (destination,))
    while scrub.look_at_next() is not None:
        pass
    assert scrub.problems() == ()
