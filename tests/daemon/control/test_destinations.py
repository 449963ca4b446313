"""What `status` and the commands say of several destinations, and of one that the settings have no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.control.commands import Commands
from leapfrog.control.status import StatusSource
from leapfrog.errors import UsageError
from leapfrog.settings import Settings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from support.journal_rows import new_instance

URL = "http://server.example/dicom-web"


class Desk:
    """A state directory, and the commands that a person gives while no daemon runs on it."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self.journal = Journal(state_dir / "journal.sqlite")
        self.deliveries = Deliveries(self.journal)
        self.synced: list[str | None] = []

    def commands(self, *names: str) -> Commands:
        """With these destinations in the settings, the first of them as [district]."""
        settings = Settings.model_validate(
            {
                "station": {"state_dir": self._state_dir},
                "district": {"url": URL if "district" in names else ""},
                "destination": [{"name": name, "url": URL} for name in names if name != "district"],
            }
        )
        spool = Spool(self._state_dir / "spool", 0)
        source = StatusSource(settings=settings, journal=self.journal, deliveries=self.deliveries, spool=spool)
        return Commands(
            journal=self.journal,
            deliveries=self.deliveries,
            source=source,
            wake=lambda: None,
            sync=self.synced.append,
            spool=spool,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One image is owed to district and province; another was, and the province refused it."""
    desk = Desk(tmp_path)
    for _ in range(2):
        Instances(desk.journal).add(new_instance(owed_to=("district", "province")))
    first, second = [one for one in desk.deliveries.listed() if one.destination == "province"]
    desk.deliveries.refuse(second.id, "not wanted")
    desk.deliveries.confirm(next(one.id for one in desk.deliveries.listed() if one.destination == "district"))
    assert first.id != second.id
    yield desk
    desk.journal.close()


def test_status_counts_each_destination_by_itself_and_one_object_to_two_as_two(desk: Desk) -> None:
    status = desk.commands("district", "province").status()
    district, province = status["outbox"]["destinations"]
    assert (district["name"], district["deliveries"]["waiting"], district["deliveries"]["confirmed"]) == (
        "district",
        1,
        1,
    )
    assert (province["name"], province["deliveries"]["waiting"], province["deliveries"]["refused"]) == (
        "province",
        1,
        1,
    )
    assert district["last_confirmed_at"] is not None and province["last_confirmed_at"] is None
    assert province["oldest_owed_seconds"] is not None
    assert status["deliveries"]["waiting"] == 2 and sum(status["deliveries"].values()) == 4
    assert status["last_confirmed_at"] == district["last_confirmed_at"]
    [refused] = status["refused"]
    assert refused["destination"] == "province"
    [on_hold] = [found for found in status["attention"] if "cannot be delivered" in found["what"]]
    assert "the destination province" in on_hold["what"]


def test_deliveries_are_listed_of_one_destination(desk: Desk) -> None:
    commands = desk.commands("district", "province")
    rows = commands.deliveries(destination="province")
    assert [row["destination"] for row in rows] == ["province"] * 2
    assert commands.deliveries(destination="province", limit=1)[-1] == {"more": 1}
    assert [row["state"] for row in commands.deliveries("refused", destination="province")] == ["refused"]
    with pytest.raises(UsageError, match=r"no destination nowhere\. There are: district, province"):
        commands.deliveries(destination="nowhere")


def test_one_destination_or_all_are_tried_at_once(desk: Desk) -> None:
    commands = desk.commands("district", "province")
    assert commands.sync("province") == {"waiting": 1}
    assert commands.sync() == {"waiting": 2}
    assert desk.synced == ["province", None]
    with pytest.raises(UsageError, match="no destination nowhere"):
        commands.sync("nowhere")


def test_one_that_is_taken_out_is_named_until_a_person_gives_up_what_waits_for_it(desk: Desk) -> None:
    commands = desk.commands("district")
    status = commands.status()
    [gone] = [found for found in status["attention"] if "province" in found["what"]]
    assert gone["what"].startswith("The settings have no destination province any more. 2 objects wait for it")
    assert "leapfrog dismiss --destination province" in gone["remedy"] and gone["since"]
    assert [one["link"] for one in status["outbox"]["destinations"]] == ["down", "none"]
    assert commands.sync() == {"waiting": 1}, "what waits for one that is gone is not sent"
    assert commands.dismiss([], destination="province") == {"destination": "province", "dismissed": 2}
    assert not [found for found in commands.status()["attention"] if "province" in found["what"]]
    assert desk.deliveries.totals_of("province")["dismissed"] == 2
    assert desk.deliveries.totals_of("district") == {**desk.deliveries.totals_of("district"), "waiting": 1}


def test_what_waits_for_one_that_the_settings_have_is_not_given_up_all_at_once(desk: Desk) -> None:
    commands = desk.commands("district", "province")
    with pytest.raises(UsageError, match="is in the settings"):
        commands.dismiss([], destination="province")
    with pytest.raises(UsageError, match="not both"):
        desk.commands("district").dismiss(["one"], destination="province")
    with pytest.raises(UsageError, match="no destination nowhere"):
        commands.dismiss([], destination="nowhere")


def test_a_district_that_is_emptied_is_named_too(desk: Desk) -> None:
    said = [found["what"] for found in desk.commands("province").status()["attention"]]
    assert any(what.startswith("The settings have no district.url any more. 1 object waits for it") for what in said)
