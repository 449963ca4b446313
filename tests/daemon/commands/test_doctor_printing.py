"""`leapfrog doctor` finds what is wrong with a printer before the first exam is printed."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from leapfrog.commands.doctor.check import Check
from leapfrog.commands.doctor.printing import printing_checks
from leapfrog.printing.ipp import place
from leapfrog.settings import PrintSettings
from support.cups import Cups, missing_for_cups

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(missing_for_cups()), reason=missing_for_cups() or "CUPS is there"),
]


@pytest.fixture(scope="module")
def cups() -> Iterator[Cups]:
    with TemporaryDirectory(prefix="lf.", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cups(Path(folder) / "cups") as running:
            running.add_laser()
            yield running


@pytest.fixture(autouse=True)
def _its_server(cups: Cups, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUPS_SERVER", str(cups.socket))


def checked(cupsd_file: Path = Path("/nowhere"), **settings: object) -> dict[str, Check]:
    found = printing_checks(PrintSettings.model_validate({"printer": "laser", **settings}), cupsd_file)
    return {check.name: check for check in found}


def test_without_a_printer_nothing_is_wrong() -> None:
    assert {name: check.status for name, check in checked(printer="").items()} == {"printer": "absent"}


def test_a_queue_that_prints_to_a_file_is_said_to(cups: Cups) -> None:
    found = checked()
    assert "prints to a file" in found["printer device"].detail
    assert found["kept sheets"].status == "absent" and str(cups.socket) in found["kept sheets"].detail


def test_a_class_of_queues_is_not_said_to_print_to_a_file(cups: Cups) -> None:
    cups.command("lpadmin", "-p", "laser", "-c", "both")
    cups.command("cupsaccept", "both")
    cups.command("cupsenable", "both")
    assert "printer device" not in checked(printer="both")


def test_a_paper_that_the_queue_lacks_is_named_with_those_that_it_has() -> None:
    found = checked(page_size="80mm")["printer paper"]
    assert found.status == "problem" and "iso_a4_210x297mm" in found.detail


def test_a_queue_that_is_not_there_is_told_with_the_server() -> None:
    assert "There is no printer nowhere at" in checked(printer="nowhere")["printer"].detail


def test_a_stopped_queue_and_one_that_rejects_are_told(cups: Cups) -> None:
    cups.command("cupsdisable", "laser")
    assert "is stopped" in checked()["printer"].detail
    cups.command("cupsenable", "laser")
    cups.command("cupsreject", "laser")
    assert "takes no jobs" in checked()["printer"].detail
    cups.command("cupsaccept", "laser")


@pytest.mark.parametrize(
    ("lines", "status"),
    [("", "problem"), ("PreserveJobFiles 3600\n", "problem"), ("# x\n  PreserveJobFiles No\n", "ok")],
)
def test_kept_sheets_are_warned_of(
    lines: str, status: str, cups: Cups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cupsd.conf"
    file.write_text(lines)
    monkeypatch.setattr("leapfrog.commands.doctor.printing.DEFAULT_SOCKET", cups.socket)
    found = checked(file)["kept sheets"]
    assert found.status == status
    assert status == "ok" or f"PreserveJobFiles No` into {file}" in found.remedy


def test_a_print_server_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUPS_SERVER", str(tmp_path / "no.sock"))
    assert place.place_of("laser").socket == tmp_path / "no.sock"
    assert "cannot be used" in checked()["printer"].detail
