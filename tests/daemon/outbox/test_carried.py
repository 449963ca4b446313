"""A destination that no link reaches: nothing is sent there, and people are told when a stick is due."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from leapfrog.control.asking import status_without_daemon
from leapfrog.control.attention import JournalView
from leapfrog.control.commands import Commands
from leapfrog.control.status import StatusSource
from leapfrog.dicom.uids import JPEG_LS_LOSSLESS
from leapfrog.errors import UsageError
from leapfrog.outbox.carried import carrying_problems
from leapfrog.outbox.outbox import Outbox
from leapfrog.settings import DestinationSettings, DistrictSettings, Settings
from leapfrog.settings.destinations import same_servers
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.journal import Journal
from leapfrog.state.sending.taken_syntaxes import TakenSyntaxes
from leapfrog.state.spool import Spool
from leapfrog.tables import status as status_table
from support.owed import open_state
from support.stick_box import StickBox


@pytest.fixture
def box(tmp_path: Path) -> StickBox:
    return StickBox(tmp_path)


def outbox_of(box: StickBox, journal: Journal, spool: Spool) -> Outbox:
    return Outbox(box.settings.destinations, box.settings.district, Deliveries(journal), spool, lambda _: None)


def test_no_link_sends_what_is_carried(box: StickBox) -> None:
    box.owe(2)
    journal, spool = open_state(box.state_dir)
    outbox = outbox_of(box, journal, spool)
    assert outbox.senders == ()
    outbox.start()
    outbox.wake()
    outbox.sync_now()
    state = outbox.state()
    outbox.stop()
    journal.close()
    assert (state.configured, state.link, state.failing_since) == (True, "stick", "")
    assert state.destinations[0].deliveries["waiting"] == 2


def test_what_has_a_link_and_a_key_is_sent_as_ever(box: StickBox) -> None:
    settings = box.with_settings(url="http://127.0.0.1:9/dicom-web")
    journal, spool = open_state(box.state_dir)
    outbox = Outbox(settings.destinations, settings.district, Deliveries(journal), spool, lambda _: None)
    assert len(outbox.senders) == 3
    assert outbox.state().destinations[0].sticks is not None
    journal.close()


def test_a_link_asks_for_what_went_on_a_stick_before_it_sends_it(box: StickBox) -> None:
    """Originals it asks for anyway, before their first attempt."""
    box.owe(1)
    box.owe_result()
    box.export(box.stick())
    rows = box.in_journal(lambda journal: journal.rows("SELECT kind, posted FROM deliveries"))
    assert {row["kind"]: row["posted"] for row in rows} == {"structured_report": 1, "original": 0}


def test_status_says_what_is_carried_and_since_when(box: StickBox) -> None:
    box.owe(3)
    box.export(box.stick())
    status = status_without_daemon(box.settings)
    assert status is not None
    (destination,) = status["outbox"]["destinations"]
    assert status["outbox"]["link"] == destination["link"] == "stick"
    assert destination["sticks"]["unconfirmed"] == 3
    assert destination["sticks"]["last_written_at"]
    assert destination["sticks"]["last_receipt_at"] is None
    shown = [str(cell) for column in status_table(status).columns for cell in column.cells]
    assert any("on sticks and not confirmed: 3 objects" in cell for cell in shown)


def test_sync_says_that_no_link_leads_there(box: StickBox) -> None:
    box.owe(1)
    with pytest.raises(UsageError, match="write what is owed on a stick"):
        _sync(box)


@pytest.mark.parametrize("key", ["url", "bundle_url"])
def test_sync_asks_the_district_and_tells_it_where_only_what_is_owed_goes_on_sticks(box: StickBox, key: str) -> None:
    box.owe(1)
    linked = {"fleet": {key: "https://district.example/boxes/kitgum"}}
    settings = Settings.model_validate(box.settings.model_dump() | linked)
    synced: list[str | None] = []
    assert _sync(box, settings, synced.append) == {"waiting": 0}
    assert synced == [None]
    with pytest.raises(UsageError, match="write what is owed on a stick"):
        _sync(box, settings, synced.append, "district")


def _sync(
    box: StickBox,
    settings: Settings | None = None,
    sync: Callable[[str | None], None] = lambda _: None,
    destination: str | None = None,
) -> object:
    journal, spool = open_state(box.state_dir)
    try:
        deliveries = Deliveries(journal)
        source = StatusSource(settings=settings or box.settings, journal=journal, deliveries=deliveries, spool=spool)
        commands = Commands(
            journal=journal, deliveries=deliveries, source=source, wake=lambda: None, sync=sync, spool=spool
        )
        return commands.sync(destination)
    finally:
        journal.close()


def problems_after(box: StickBox, days: float) -> list[str]:
    """What is said of sticks so many days from now."""
    now = datetime.now().astimezone() + timedelta(days=days)

    def look(journal: Journal) -> list[str]:
        age = f"-{days} days"
        journal.change("UPDATE deliveries SET created_at = strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now', ?)", age)
        (destination,) = box.settings.destinations
        return [one.text for one in carrying_problems(destination, Deliveries(journal), now)]

    return list(box.in_journal(look))


def test_a_stick_is_due_once_exams_have_waited_for_a_week(box: StickBox) -> None:
    box.owe(3)
    assert problems_after(box, 2) == []
    (said,) = problems_after(box, 9)
    assert "3 objects wait to be carried to the district, the oldest for 9 days; none went yet." in said
    assert "leapfrog export" in said


def test_after_an_export_no_stick_is_due_for_a_week(box: StickBox) -> None:
    box.owe(3)
    box.export(box.stick())
    assert problems_after(box, 5) == []
    assert "the last stick was written 9 days ago" in problems_after(box, 9)[0]


def test_a_stick_of_a_day_that_is_yet_to_come_keeps_none_from_being_due(box: StickBox) -> None:
    """The clock was years ahead when it was written."""
    box.owe(3)
    box.export(box.stick())
    box.in_journal(
        lambda journal: journal.change("UPDATE exported_parts SET exported_at = '2099-01-02T03:04:05+00:00'")
    )
    assert "the last stick was written on 2099-01-02, as the clock was then" in problems_after(box, 9)[0]


def test_a_stick_that_does_not_come_back_is_missed(box: StickBox) -> None:
    box.owe(3)
    box.export(box.stick())
    (said,) = problems_after(box, 40)
    assert "3 objects went on a stick to the district, and no receipt has come back." in said
    stick = box.stick("another")
    box.export(stick)
    box.give_receipts(stick)
    box.bring_back(stick)
    assert problems_after(box, 40) == []


def test_what_the_district_refused_is_said_also_while_the_box_runs(box: StickBox) -> None:
    uids = box.owe(1)
    stick = box.stick()
    box.export(stick)
    box.give_receipts(stick, refusing=uids)
    box.bring_back(stick)

    def look(journal: Journal) -> list[str]:
        return [one.what for one in JournalView(journal, box.settings.destinations).problems(live=True)]

    assert any("1 object cannot be delivered to the district server" in one for one in box.in_journal(look))


def test_two_that_are_carried_to_two_places_are_no_one_server(box: StickBox, tmp_path: Path) -> None:
    other = StickBox(tmp_path / "other")

    def carried(name: str, key: object) -> DestinationSettings:
        return DestinationSettings(name=name, kind="stick", public_key=str(key))

    one, two = carried("one", box.key.public), carried("two", other.key.public)
    assert same_servers([one, two]) == []
    assert len(same_servers([one, carried("three", box.key.public)])) == 1


def test_a_district_with_a_key_alone_is_such_a_destination(box: StickBox) -> None:
    destination = DistrictSettings(public_key=str(box.key.public)).destination()
    assert destination is not None
    assert destination.kind == "stick"
    assert not any("nothing is sent" in one for one in box.settings.warnings())


def test_the_form_in_which_originals_go_is_as_over_a_link(box: StickBox) -> None:
    taken = box.in_journal(lambda journal: TakenSyntaxes(journal, box.settings.destinations).by("district"))
    assert taken == {JPEG_LS_LOSSLESS}
