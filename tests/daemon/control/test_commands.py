"""The commands on a journal: which parts they wake."""

from pathlib import Path
from typing import cast

from leapfrog.control.commands import Commands
from leapfrog.control.status import StatusSource
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from support.journal_rows import new_instance, original_delivery


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
    )
    new = new_instance()
    Instances(journal).add(new)
    delivery_id = original_delivery(journal, new.id)["id"]
    deliveries.refuse(delivery_id, "not wanted")
    assert commands.retry([delivery_id]) == {"done": [delivery_id], "unchanged": []}
    journal.close()
    assert waiting == [1]
