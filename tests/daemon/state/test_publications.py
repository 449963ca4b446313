"""What is published next, what again, and what is taken away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.publications import Publications, ReportsFolder
from leapfrog.state.studies import Studies
from support.journal_rows import commit, new_instance, report


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.sqlite")
    yield made
    made.close()


def add_report(journal: Journal, *, urgent: bool = False) -> str:
    new = new_instance(owed=False)
    Instances(journal).add(new)
    commit(journal, new.id)
    key = Studies(journal).newest(1)[0].key
    report(journal, key, 1, urgent=urgent)
    return key


def following(journal: Journal, *passed_over: str) -> str | None:
    study = Publications(journal).next(set(passed_over))
    return study.key if study else None


def test_urgent_reports_come_first_then_the_newest(journal: Journal) -> None:
    old, urgent, new = add_report(journal), add_report(journal, urgent=True), add_report(journal)
    assert Publications(journal).waiting() == 3
    assert following(journal) == urgent
    assert following(journal, urgent) == new
    assert following(journal, urgent, new) == old
    assert following(journal, urgent, new, old) is None


def test_what_is_published_does_not_wait_until_there_is_a_newer_version(journal: Journal) -> None:
    key = add_report(journal)
    Publications(journal).mark_published(key, 1)
    assert following(journal) is None
    report(journal, key, 2)
    assert following(journal) == key


def test_what_was_rendered_once_is_gone_through_a_page_at_a_time(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.state.publications.PAGE", 2)
    keys = [add_report(journal) for _ in range(5)]
    journal.change("UPDATE studies SET state = iif(key = ?, 'open', 'quiet')", keys[1])
    pages: list[int] = []
    select = journal.rows

    def rows(*asked: Any) -> list[Any]:
        found = select(*asked)
        pages.append(len(found))
        return found

    monkeypatch.setattr(journal, "rows", rows)
    studies = Publications(journal).rendered_once()
    assert [study.key for study in studies] == [keys[1], *reversed(keys)]
    assert max(pages) == 2


def test_another_folder_gets_everything_again(journal: Journal) -> None:
    key = add_report(journal)
    publications = Publications(journal)
    publications.mark_published(key, 1)
    assert publications.folder() is None
    first = ReportsFolder(path="/srv/reports", token="1", apart=False)
    publications.note_folder(first, anew=False)
    assert publications.folder() == first
    assert following(journal) is None
    publications.note_folder(ReportsFolder(path="/srv/reports", token="2", apart=True), anew=True)
    assert following(journal) == key


def test_a_lost_report_is_rendered_again_unless_there_is_a_newer_one(journal: Journal) -> None:
    key = add_report(journal)
    publications = Publications(journal)
    report(journal, key, 2)
    assert not publications.render_again(key, 1)
    assert publications.render_again(key, 2)
    assert following(journal) is None, "it waits for the next version"
    assert Studies(journal).get(key).changed
    assert [study.key for study in Studies(journal).open()] == [key]


def test_a_forgotten_study_leaves_its_report_to_be_taken_away(journal: Journal) -> None:
    key = add_report(journal)
    with journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET state = 'confirmed'")
        connection.execute("UPDATE studies SET state = 'quiet', finished_day = 0")
    publications = Publications(journal)
    assert publications.forgotten() == []
    studies = Studies(journal)
    finished = studies.finished_before(1)
    assert finished is not None
    assert studies.forget(finished, 1)
    (forgotten,) = publications.forgotten()
    assert forgotten.key == key
    assert len(forgotten.received_date) == len("2026-11-28")
    publications.taken_away(forgotten)
    assert publications.forgotten() == []


def test_after_a_power_cut_the_newest_are_published_again(journal: Journal) -> None:
    keys = [add_report(journal) for _ in range(3)]
    for key in keys:
        Publications(journal).mark_published(key, 1)
    Publications(journal).publish_newest_again(2)
    assert Publications(journal).waiting() == 2
    assert following(journal) == keys[2]
    assert following(journal, *keys[1:]) is None
