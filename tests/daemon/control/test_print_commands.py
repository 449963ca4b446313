"""A printer that was named by mistake: nothing is owed to it, and what waits for it can be given up by its exam."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.control.commands import Commands
from leapfrog.control.status import StatusSource
from leapfrog.errors import PrinterRefused, UsageError
from leapfrog.printing.ipp.client import NOT_FOUND, IppPrinter, PrinterSeen
from leapfrog.settings import PrintSettings, Settings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.spool import Spool
from support.paper_box import PaperBox

EXAM = "K7-42F"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[PaperBox]:
    box = PaperBox(tmp_path)
    yield box
    box.close()


@pytest.fixture
def commands(box: PaperBox) -> Commands:
    deliveries, spool = Deliveries(box.journal), Spool(box.directory / "spool", 0)
    settings = Settings(print=PrintSettings(printer=box.printer))
    return Commands(
        journal=box.journal,
        deliveries=deliveries,
        source=StatusSource(settings=settings, journal=box.journal, deliveries=deliveries, spool=spool),
        wake=lambda: None,
        sync=lambda _destination: None,
        spool=spool,
    )


def test_nothing_is_owed_to_a_printer_that_its_server_does_not_know(
    box: PaperBox, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: IppPrinter) -> PrinterSeen:
        raise PrinterRefused("not found", NOT_FOUND)

    monkeypatch.setattr(IppPrinter, "printer", missing)
    study = box.exam(EXAM)
    box.journal.change("UPDATE studies SET version = 1 WHERE key = ?", study)
    with pytest.raises(UsageError, match="no printer nosuch"):
        commands.print_exam(EXAM, printer="nosuch")
    assert box.prints.newest(study) is None


def test_a_print_that_waits_for_another_printer_is_given_up_by_its_exam(box: PaperBox, commands: Commands) -> None:
    study = box.exam(EXAM)
    lost, usual = box.owe(study, printer="nosuch"), box.owe(study)
    assert commands.dismiss([EXAM]) == {"done": [EXAM], "unchanged": []}
    assert (box.record(lost).state, box.record(usual).state) == ("dismissed", "waiting")
    assert commands.dismiss([EXAM])["unchanged"] == [EXAM]
