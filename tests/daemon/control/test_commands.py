"""The commands on a journal: which parts they wake."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from leapfrog.control.commands import Commands
from leapfrog.control.status import StatusSource
from leapfrog.dicom.commitment import CommitmentRequest, Reference
from leapfrog.errors import UsageError
from leapfrog.exam import PictureHints
from leapfrog.state.commitments import Commitments
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from support.journal_rows import commit, new_instance, original_delivery, report
from support.spooled import put_in_spool


def test_retry_wakes_the_outbox_once_the_delivery_waits_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    deliveries = Deliveries(journal)
    waiting: list[int] = []  # how many deliveries waited each time the outbox was woken
    commands = Commands(
        journal=journal,
        deliveries=deliveries,
        source=cast(StatusSource, None),
        wake=lambda: waiting.append(journal.counts("deliveries")["waiting"]),
        sync=lambda _destination: None,
        spool=Spool(tmp_path / "spool", 0),
    )
    new = new_instance()
    Instances(journal).add(new)
    delivery_id = original_delivery(journal, new.id)["id"]
    deliveries.refuse(delivery_id, "not wanted")
    assert commands.retry([delivery_id]) == {"done": [delivery_id], "unchanged": []}
    journal.close()
    assert waiting == [1]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("instances", {"limit": "many"}),
        ("deliveries", {"limit": 10**20}),
        ("deliveries", {"limit": -1}),
        ("instances", {"state": {}}),
        ("retry", {"ids": [["a"]]}),
        ("retry", {}),
        ("dismiss", {"ids": ["\ud800"]}),
        ("reread", {"exams": [], "age_years": {}}),
        ("status", [1]),
        ("sync", {"soon": True}),
        ("still_named", {"names": "abc"}),
    ],
)
def test_arguments_of_another_kind_are_refused_and_the_journal_goes_on(
    tmp_path: Path, command: str, arguments: object
) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    commands = Commands(
        journal=journal,
        deliveries=Deliveries(journal),
        source=cast(StatusSource, None),
        wake=lambda: None,
        sync=lambda _destination: None,
        spool=Spool(tmp_path / "spool", 0),
    )
    with pytest.raises(UsageError, match="does not take these arguments"):
        commands.handlers()[command](cast(dict[str, Any], arguments))
    assert not journal.broken
    journal.close()


def test_a_report_that_is_lost_is_made_again_when_it_is_retried(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    Instances(journal).add(new_instance())
    (study,) = Studies(journal).newest(1)
    report(journal, study.key, 1)
    (lost,) = [one for one in Deliveries(journal).listed() if one.kind == "report_pdf"]
    Deliveries(journal).refuse(lost.id, "The spool file is missing.")
    made_again: list[str] = []
    commands = Commands(
        journal=journal,
        deliveries=Deliveries(journal),
        source=cast(StatusSource, None),
        wake=lambda: None,
        sync=lambda _destination: None,
        spool=Spool(tmp_path / "spool", 0),
        render_again=made_again.append,
    )
    assert commands.retry([lost.id])["done"] == [lost.id]
    assert made_again == [study.key]
    again = Studies(journal).get(study.key)
    assert (again.state, again.changed) == ("open", True)
    assert [one.state for one in Deliveries(journal).listed() if one.id == lost.id] == ["dismissed"]
    journal.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.sqlite")
    yield made
    made.close()


def commands_on(journal: Journal, spool: Spool, wake: Callable[[], None] = lambda: None) -> Commands:
    return Commands(
        journal=journal,
        deliveries=Deliveries(journal),
        source=cast(StatusSource, None),
        wake=wake,
        sync=lambda _destination: None,
        spool=spool,
    )


def add_read(journal: Journal, spool: Spool, **values: object) -> str:
    """An exam of one image that was read and reported. Its key is the id of its image."""
    new = put_in_spool(spool, b"an image", new_instance(**values))
    Instances(journal).add(new)
    commit(journal, new.id)
    report(journal, new.id, 1)
    return new.id


def states(journal: Journal) -> dict[str, str]:
    return {one.id: one.state for one in Instances(journal).listed()}


def test_reread_queues_the_images_of_the_named_exams_only(journal: Journal, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 0)
    first, second, third = (add_read(journal, spool) for _ in range(3))
    woken: list[bool] = []
    commands = commands_on(journal, spool, lambda: woken.append(True))
    assert commands.reread([first, third, first]) == {"queued": 2, "waiting": 0, "kept": 0}
    assert states(journal) == {first: "received", second: "read", third: "received"}
    assert woken
    waiting = Instances(journal).begin_attempt(slow=True)
    assert waiting and waiting.id == first


def test_reread_of_all_leaves_images_whose_file_is_gone_with_the_reading_that_they_have(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Studies.pages, "__defaults__", (2,))
    spool = Spool(tmp_path / "spool", 0)
    exams = [add_read(journal, spool) for _ in range(5)]
    spool.path(f"{exams[1]}.dcm").unlink()
    journal.change("UPDATE instances SET file_problem = 'damaged' WHERE id = ?", exams[2])
    assert commands_on(journal, spool).reread(None) == {"queued": 3, "waiting": 0, "kept": 2}
    assert {one for one, state in states(journal).items() if state == "read"} == {exams[1], exams[2]}


def test_an_exam_is_known_by_the_path_of_its_report_too_and_what_waits_already_is_told(
    journal: Journal, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool", 0)
    exam = add_read(journal, spool)
    commands = commands_on(journal, spool)
    assert commands.reread([f"/srv/reports/2026-11-28/{exam}/report.html"])["queued"] == 1
    for name in (exam, f"2026-11-28/{exam}/", exam.upper(), f"{exam}/report.pdf"):
        assert commands.reread([name]) == {"queued": 0, "waiting": 1, "kept": 0}


def test_an_unknown_exam_is_named_and_nothing_is_read_again(journal: Journal, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 0)
    exam = add_read(journal, spool)
    with pytest.raises(UsageError, match="no exam 0123"):
        commands_on(journal, spool).reread([exam, "0123"])
    assert states(journal) == {exam: "read"}


def test_an_exam_that_is_read_again_is_kept_as_long_as_a_new_one(journal: Journal, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 0)
    exam = add_read(journal, spool, owed=False)
    journal.change("UPDATE studies SET state = 'quiet', finished_day = 3")
    commands_on(journal, spool).reread([exam])
    assert journal.rows("SELECT finished_day FROM studies")[0]["finished_day"] is None


def test_an_age_that_a_person_gives_stays_with_the_images_of_that_exam(journal: Journal, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 0)
    hints = PictureHints(modality="CR", pixel_spacing_mm=0.143)
    first, second = (add_read(journal, spool, hints=hints) for _ in range(2))
    assert commands_on(journal, spool).reread([first], 34) == {"queued": 1, "waiting": 0, "kept": 0}
    given = {one.id: one.hints for one in Instances(journal).listed()}
    assert given == {first: hints.model_copy(update={"age_years": 34}), second: hints}
    commands_on(journal, spool).reread([first])
    assert Instances(journal).get(first) is not None
    assert {one.hints.age_years for one in Instances(journal).listed() if one.id == first} == {34}


def test_what_a_modality_could_not_be_told_is_retried_or_dismissed_by_its_id(journal: Journal, tmp_path: Path) -> None:
    commitments = Commitments(journal)
    reference = Reference("1.2.840.10008.5.1.4.1.1.1", "2.25.1")
    first, second = (
        commitments.add("FILMROOM", "192.0.2.7", CommitmentRequest(transaction, (reference,)))
        for transaction in ("2.25.10", "2.25.11")
    )
    commands = commands_on(journal, Spool(tmp_path / "spool", 0))
    assert commands.dismiss([first]) == {"done": [], "unchanged": [first]}, "it is still tried"
    commitments.waited({first: 2.0, second: 2.0}, give_up_seconds=1.0)
    assert commands.retry([first]) == {"done": [first], "unchanged": []}
    assert commands.dismiss([second]) == {"done": [second], "unchanged": []}
    assert commitments.counts() == {"waiting": 1, "given_up": 0, "reported": 0}
