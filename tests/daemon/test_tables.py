"""Tables fit the screen, whatever stands in them: what a person is sent there to read must be all there."""

import io
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from leapfrog import tables
from leapfrog.cli.command_line import app
from leapfrog.control.status import StatusSource
from leapfrog.settings import DistrictSettings, Settings
from leapfrog.state.action_log import acting, note_action
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from support.destinations import a_destination
from support.journal_rows import new_instance
from support.paper_box import PaperBox

REASON = "The file should hold a picture, but there is none. Send it again from the machine that made it."


def shown(rows: list[tables.Row], columns: int) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=columns, markup=False)
    for line in tables.instances(rows):
        console.print(line)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_no_reason_is_cut(columns: int) -> None:
    row = {"id": "272ef95f8d179f04", "exam_number": "K7-42F", "state": "set_aside",
           "received_at": "2026-11-28T19:15:33+00:00",
           "source": "folder /var/lib/leapfrog/inbox/ultrasound", "reason": REASON}  # fmt: skip
    lines = shown([row, {"more": 12}], columns)
    assert all(len(line) <= columns for line in lines)
    cells = [line.split("│")[6].strip() for line in lines if line.startswith("│")]
    assert "".join(cells).replace(" ", "") == REASON.replace(" ", "")
    assert any("272ef95f8d179f04" in line and "K7-42F" in line for line in lines)
    assert lines[-1] == "and 12 more: --limit shows them"


def test_prints_do_not_count_as_deliveries_to_the_district(tmp_path: Path) -> None:
    box = PaperBox(tmp_path)
    box.prints.end(box.owe(box.exam()), "confirmed")
    spool = Spool(tmp_path / "spool", 0)
    source = StatusSource(settings=Settings(), journal=box.journal, deliveries=Deliveries(box.journal), spool=spool)
    stream = io.StringIO()
    Console(file=stream, width=120, markup=False).print(tables.status(source.status().model_dump(mode="json")))
    box.close()
    cells = [[cell.strip() for cell in line.split("│")] for line in stream.getvalue().splitlines()]
    said = {row[1]: row[2] for row in cells if len(row) > 2}
    assert (said["Deliveries"], said["Last confirmed"], "Printing" in said) == ("1 waiting", "never", True)
    assert any("1 confirmed" in cell for row in cells for cell in row)


def test_what_is_owed_to_one_of_several_destinations_stands_beside_its_name(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        Instances(journal).add(new_instance(owed_to=("province",), byte_count=5000))
        settings = Settings(
            district=DistrictSettings(url="https://a/dicom-web"),
            destination=(a_destination("province", url="https://b/dicom-web"),),
        )
        spool, deliveries = Spool(tmp_path / "spool", 0), Deliveries(journal)
        status = StatusSource(settings=settings, journal=journal, deliveries=deliveries, spool=spool).status()
    state = status.model_dump(mode="json")
    for destination in state["outbox"]["destinations"]:
        destination |= {"bytes_per_second": 8000.0, "seconds_left": 0.6}
    stream = io.StringIO()
    Console(file=stream, width=120, markup=False).print(tables.status(state))
    assert "province: 1 original (5 kB); less than a minute at 8.0 kB/s" in stream.getvalue()


@pytest.mark.parametrize("limit", [50, 1])
def test_the_reason_that_a_person_gave_stands_in_the_table_of_actions(tmp_path: Path, limit: int) -> None:
    settings = tmp_path / "leapfrog.toml"
    settings.write_text(f'[station]\nstate_dir = "{tmp_path}"\n')
    with acting(tmp_path, "forget", "K7-42F", "wrong patient chosen"):
        note_action(tmp_path, "sync")
    run = CliRunner().invoke(app, ["actions", "--config", str(settings), "--limit", str(limit)], env={"COLUMNS": "160"})
    (row,) = [line for line in run.output.splitlines() if "forget" in line]
    assert "K7-42F" in row
    assert "wrong patient chosen" in row
