"""A clinic's printer: sheets come out once, what is wrong with it is told everywhere, and a person can ask for more."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.cups import Cups, PaperPrinter, missing_for_paper
from support.dcmtk import store
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(missing_for_paper()), reason=missing_for_paper() or "a printer is there"),
]


@pytest.fixture
def short_path() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lf.", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def states(kiosk: Kiosk) -> list[str]:
    return [row["state"] for row in kiosk.ask("deliveries") if row["kind"] == "print"]


def wait_for_states(kiosk: Kiosk, *expected: str) -> None:
    wait_until(lambda: states(kiosk) == list(expected), f"prints {expected}", deadline_seconds=90, poll_seconds=0.2)


def in_the_list(kiosk: Kiosk, words: str) -> None:
    index = kiosk.reports_dir / "index.html"
    wait_until(
        lambda: index.exists() and words in index.read_text(encoding="utf-8"),
        f"the list says: {words}",
        deadline_seconds=40,
    )


def asked_for(kiosk: Kiosk, exam: str, *options: str) -> None:
    done = kiosk.command("print", exam, *options)
    assert done.returncode == 0, done.stderr


def test_a_box_with_a_printer(short_path: Path) -> None:
    with Cups(short_path / "cups") as cups:
        office = cups.add_paper_printer()
        cups.command("lpadmin", "-p", "office", "-E", "-v", office.address, "-m", "everywhere")
        kiosk = Kiosk(short_path / "box", print={"printer": "office"}, report={"quiet_seconds": 0.5})
        films = [film.path for film in write_instances(chest_radiograph(256, 320), short_path / "films", 1)]
        kiosk.start(environment=cups.environment)
        try:
            _as_staff_see_it(kiosk, cups, office, films)
        finally:
            kiosk.kill()
            kiosk.wait_for_no_orphans()


def _as_staff_see_it(kiosk: Kiosk, cups: Cups, office: PaperPrinter, films: list[Path]) -> None:
    office.take_paper_out()
    assert store(kiosk.port, films).succeeded
    in_the_list(kiosk, "The printer is out of paper. Put paper in; printing goes on by itself. (since ")
    assert "to be printed" in (kiosk.reports_dir / "index.html").read_text(encoding="utf-8")
    status = kiosk.command("status")
    assert "out of paper" in status.stdout and "Put paper in" in status.stdout and status.returncode == 1
    office.fill()
    wait_for_states(kiosk, "confirmed")
    in_the_list(kiosk, "▤ printed<")
    (sheet,) = office.printed()
    assert sheet.read_bytes().startswith(b"%PDF")
    ((number, patient),) = kiosk.rows("SELECT exam_number, patient_id FROM studies")
    titles = " ".join(cups.jobs()) + sheet.name + "".join(cups.pages())
    assert patient and patient.lower() not in titles.lower()
    assert re.match(rf"\d+-{number.lower()}_version_1_", sheet.name)
    shown = kiosk.command_json("status")["printing"]
    assert (shown["printer"], shown["explanation"], shown["counts"]["confirmed"]) == ("office", "ready", 1)

    asked_for(kiosk, number.lower(), "--copies", "2")
    wait_for_states(kiosk, "confirmed", "confirmed")
    assert len(office.printed()) == 2
    kiosk.kill()
    kiosk.start(environment=cups.environment)
    kiosk.wait_until_quiet()
    assert states(kiosk) == ["confirmed", "confirmed"]
    wrong = kiosk.command("print", number, "--page-size", "A3")
    assert (wrong.returncode, "A4, A5, Letter, 80mm" in wrong.stderr) == (2, True)
    lost = kiosk.command("print", number, "--printer", "nosuch")
    assert (lost.returncode, "There is no printer nosuch at" in lost.stderr, len(states(kiosk))) == (2, True, 2)
    cups.command("cupsreject", "office")
    checks = {check["name"]: check for check in kiosk_doctor(kiosk, cups)}
    assert "takes no jobs" in checks["printer"]["detail"]


def kiosk_doctor(kiosk: Kiosk, cups: Cups) -> list[dict[str, str]]:
    """What `leapfrog doctor` says, run where CUPS_SERVER is set as for the service."""
    done = subprocess.run(
        [*kiosk.command_line("doctor"), "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, **cups.environment},
        check=False,
    )
    checks: list[dict[str, str]] = json.loads(done.stdout)["checks"]
    return checks


def test_without_a_daemon_print_says_so(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path / "box", print={"printer": "office"})
    done = kiosk.command("print", "K7-42F")
    assert done.returncode == 1 and "daemon" in done.stderr
