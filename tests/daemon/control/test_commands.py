"""The commands on a journal: which parts they wake."""

from pathlib import Path
from typing import cast

from leapfrog.control.commands import Commands
from leapfrog.control.status import StatusSource
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from support.journal_rows import new_instance, original_delivery, report


def test_retry_wakes_the_outbox_once_the_delivery_waits_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    deliveries = Deliveries(journal)
    waiting: list[int] = []  # how many deliveries waited each time the outbox was woken
    commands = Commands(
        journal=journal,
        deliveries=deliveries,
        source=cast(StatusSource, None),
        wake=lambda: waiting.append(journal.counts("deliveries")["waiting"]),
        sync=lambda: None,
        spool=Spool(tmp_path / "spool", 0),
    )
    new = new_instance()
    Instances(journal).add(new)
    delivery_id = original_delivery(journal, new.id)["id"]
    deliveries.refuse(delivery_id, "not wanted")
    assert commands.retry([delivery_id]) == {"done": [delivery_id], "unchanged": []}
    journal.close()
    assert waiting == [1]


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
        sync=lambda: None,
        spool=Spool(tmp_path / "spool", 0),
        render_again=made_again.append,
    )
    assert commands.retry([lost.id])["done"] == [lost.id]
    assert made_again == [study.key]
    again = Studies(journal).get(study.key)
    assert (again.state, again.changed) == ("open", True)
    assert [one.state for one in Deliveries(journal).listed() if one.id == lost.id] == ["dismissed"]
    journal.close()
