"""Sheets reach a real CUPS once each, over faults of the printer and over kills between any two steps."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from leapfrog.errors import UsageError
from leapfrog.printing.ipp.client import IppPrinter, JobState
from leapfrog.printing.ipp.place import place_of
from leapfrog.printing.named_printer import look_at
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.prints import PrintRecord
from leapfrog.wording import print_words
from support.cups import Cups, missing_for_cups
from support.paper_box import PDF, PaperBox
from support.waiting import wait_until

NUMBERS = count(1)
# As printing.md has it: CUPS says of a job that has ended that it has no documents.
KEEPS_NOTHING = "PreserveJobFiles No"
PAGE_LOG = "PageLogFormat %p copies=%C media=%{media} priority=%{job-priority} title=%{job-name}"

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(missing_for_cups()), reason=missing_for_cups() or "CUPS is there"),
]


@pytest.fixture(scope="module")
def cups() -> Iterator[Cups]:
    with TemporaryDirectory(prefix="lf.", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cups(Path(folder) / "cups", settings=f"{PAGE_LOG}\n{KEEPS_NOTHING}") as running:
            yield running


@pytest.fixture
def box(
    cups: Cups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[PaperBox]:
    """With a queue of its own, whose driver writes PostScript into a file."""
    queue = f"laser{next(NUMBERS)}"
    cups.add_laser(queue)
    monkeypatch.setenv("CUPS_SERVER", str(cups.socket))
    box = PaperBox(tmp_path, printer=queue)
    yield box
    box.close()


def jobs_of(cups: Cups, box: PaperBox) -> list[str]:
    return [line.split()[0] for line in cups.jobs() if line.startswith(f"{box.printer}-")]


def test_a_sheet_comes_out_under_the_number_of_its_exam(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam())
    box.start()
    printed = box.wait_for(one, "confirmed")
    assert (cups.directory / "paper" / f"{box.printer}.ps").read_bytes().startswith(b"%!PS-Adobe")
    assert printed.job_name.startswith(f"K7-42F version 1 ({one}-")
    assert len(jobs_of(cups, box)) == 1
    assert not box.rendered.sheet(printed.study_key, one).exists()
    assert box.prints.last_printed_at()


def test_copies_paper_and_urgency_reach_the_print_server(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam(), copies=3, urgent=True)
    box.start()
    title = box.wait_for(one, "confirmed").job_name
    expected = f"{box.printer} copies=3 media=iso_a4_210x297mm priority=100 title={title}"
    wait_until(lambda: expected in cups.pages(), "it is in the page log")


def test_a_stopped_queue_is_told_and_nothing_is_handed_over_until_it_runs(cups: Cups, box: PaperBox) -> None:
    cups.command("cupsdisable", box.printer)
    box.start()
    one = box.owe(box.exam())
    assert "tell the technician" in box.wait_for_words("is stopped")
    assert jobs_of(cups, box) == [] and box.record(one).job_name == ""
    cups.command("cupsenable", box.printer)
    box.wait_for(one, "confirmed")
    wait_until(lambda: not box.workers[0].problems(), "nothing is wrong any more")
    assert len(jobs_of(cups, box)) == 1


def test_a_queue_that_rejects_is_told_and_printed_on_when_it_takes_jobs(cups: Cups, box: PaperBox) -> None:
    cups.command("cupsreject", box.printer)
    box.start()
    one = box.owe(box.exam())
    box.wait_for_words("takes no jobs")
    cups.command("cupsaccept", box.printer)
    box.wait_for(one, "confirmed")


def test_a_queue_that_is_not_there_is_told_and_keeps_no_other_printer_waiting(cups: Cups, box: PaperBox) -> None:
    box.start()
    lost = box.owe(box.exam("K7-42F"), printer="nowhere")
    there = box.owe(box.exam("CN-MP3"))
    box.wait_for_words("There is no printer nowhere")
    box.wait_for(there, "confirmed")
    assert box.record(lost).state == "waiting"


def test_a_queue_whose_filter_fails_is_told_and_prints_what_comes_after(
    cups: Cups, box: PaperBox, tmp_path: Path
) -> None:
    good = cups.directory / "etc" / "ppd" / f"{box.printer}.ppd"
    driver, failing = tmp_path / "good.ppd", tmp_path / "failing.ppd"
    driver.write_bytes(good.read_bytes())
    failing.write_text(
        f'{good.read_text()}*cupsFilter2: "application/vnd.cups-pdf application/postscript 0 /bin/false"\n'
    )
    cups.command("lpadmin", "-p", box.printer, "-P", str(failing))
    bad = box.owe(box.exam("K7-42F"))
    box.start()
    assert box.wait_for(bad, "refused").last_error == print_words.FILTER_FAILED
    cups.command("lpadmin", "-p", box.printer, "-P", str(driver))
    box.wait_for(box.owe(box.exam("CN-MP3")), "confirmed")
    assert "K7-42F" in next(problem.what for problem in box.workers[0].problems())
    box.retry(bad)
    box.wait_for(bad, "confirmed")


def test_a_printer_that_the_server_does_not_know_is_refused_when_it_is_named(cups: Cups, box: PaperBox) -> None:
    with pytest.raises(UsageError, match="There is no printer nosuch"):
        look_at("nosuch", "A4")
    assert look_at(box.printer, "A4") == ""


# ---------------------------------------------------------------- kills between two steps


def begun(box: PaperBox, print_id: str) -> tuple[IppPrinter, PrintRecord]:
    """A print whose job is about to be made."""
    return IppPrinter(place_of(box.printer)), box.prints.begin(box.record(print_id), f"K7-42F version 1 ({print_id}-x)")


def make_job(printer: IppPrinter, record: PrintRecord) -> int:
    return printer.create_job(record.job_name, copies=1, media="", urgent=False)


def test_a_kill_before_the_job_was_made_prints_once(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam())
    begun(box, one)
    box.start()
    box.wait_for(one, "confirmed")
    assert len(jobs_of(cups, box)) == 1


def test_a_kill_before_the_number_of_the_job_was_noted_uses_that_job(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam())
    printer, record = begun(box, one)
    made = make_job(printer, record)
    box.start()
    assert box.wait_for(one, "confirmed").job_id == made
    assert len(jobs_of(cups, box)) == 1


def test_a_kill_before_the_sheet_was_sent_sends_it(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam())
    printer, record = begun(box, one)
    box.prints.hand_over(box.prints.job_is(record, make_job(printer, record)))
    box.start()
    box.wait_for(one, "confirmed")
    assert len(jobs_of(cups, box)) == 1


def test_a_kill_after_the_sheet_was_sent_never_sends_it_again(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam())
    printer, record = begun(box, one)
    made = make_job(printer, record)
    box.prints.hand_over(box.prints.job_is(record, made))
    printer.send_document(made, PDF)
    wait_until(lambda: (job := printer.job(made)) and job.state is JobState.COMPLETED, "it is printed")
    box.start()
    assert box.wait_for(one, "confirmed").job_id == made
    assert len(jobs_of(cups, box)) == 1


def test_a_job_that_the_print_server_forgot_is_not_printed_again_by_itself(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam())
    printer, record = begun(box, one)
    made = make_job(printer, record)
    box.prints.hand_over(box.prints.job_is(record, made))
    printer.send_document(made, PDF)
    wait_until(lambda: (job := printer.job(made)) and job.ended, "it is printed")
    cups.command("cancel", "-a", "-x", box.printer)
    box.start()
    assert box.wait_for(one, "refused").last_error == print_words.GONE
    assert jobs_of(cups, box) == []


def test_a_journal_that_is_an_older_copy_prints_nothing_again(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam())
    printer, record = begun(box, one)
    made = make_job(printer, record)
    printer.send_document(made, PDF)
    wait_until(lambda: (job := printer.job(made)) and job.state is JobState.COMPLETED, "it is printed")
    box.journal.change("UPDATE prints SET job_name = ''")
    Deliveries(box.journal).ask_before_sending()
    box.start()
    assert box.wait_for(one, "confirmed").job_id == made
    assert len(jobs_of(cups, box)) == 1


def test_an_error_of_ours_over_one_sheet_stops_no_other(
    cups: Cups, box: PaperBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = box.owe(box.exam("K7-42F")), box.owe(box.exam("CN-MP3"))
    create = IppPrinter.create_job

    def failing(printer: IppPrinter, name: str, **options: Any) -> int:
        if "K7-42F" in name:
            raise ZeroDivisionError("of our own")
        return create(printer, name, **options)

    monkeypatch.setattr(IppPrinter, "create_job", failing)
    box.start()
    box.wait_for(good, "confirmed")
    assert box.wait_for(bad, "refused").last_error == print_words.NO_SHEET


# ---------------------------------------------------------------- what a person does, and what grows old


def test_a_cancelled_job_is_told_and_not_printed_again_by_itself(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam())
    printer, record = begun(box, one)
    made = make_job(printer, record)
    box.prints.hand_over(box.prints.job_is(record, made))
    cups.command("cupsdisable", box.printer)
    printer.send_document(made, PDF)
    printer.cancel(made)
    cups.command("cupsenable", box.printer)
    box.start()
    assert box.wait_for(one, "refused").last_error == print_words.CANCELLED
    assert "exam K7-42F" in next(problem.what for problem in box.workers[0].problems())


def test_a_sheet_that_is_held_is_told_and_keeps_no_other_waiting(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam("K7-42F"))
    printer, record = begun(box, one)
    made = make_job(printer, record)
    box.prints.hand_over(box.prints.job_is(record, made))
    cups.command("cupsdisable", box.printer)
    printer.send_document(made, PDF)
    cups.command("lp", "-i", f"{box.printer}-{made}", "-H", "hold")
    cups.command("cupsenable", box.printer)
    other = box.owe(box.exam("CN-MP3"))
    box.start()
    box.wait_for(other, "confirmed")
    assert "K7-42F is held at the printer" in box.wait_for_words("is held in the print queue")
    cups.command("lp", "-i", f"{box.printer}-{made}", "-H", "resume")
    box.wait_for(one, "confirmed")
    wait_until(lambda: not box.workers[0].problems(), "nothing is wrong any more")


def test_what_waited_too_long_is_not_printed_but_urgent_sheets_are(cups: Cups, box: PaperBox) -> None:
    cups.command("cupsdisable", box.printer)
    old, urgent, young = (box.owe(box.exam(number)) for number in ("K7-42F", "CN-MP3", "K6-W6Q"))
    week_ago = (datetime.now().astimezone() - timedelta(days=7)).isoformat(timespec="seconds")
    box.journal.change("UPDATE deliveries SET created_at = ? WHERE id IN (?, ?)", week_ago, old, urgent)
    box.journal.change("UPDATE deliveries SET urgent = 1 WHERE id = ?", urgent)
    box.start()
    assert box.wait_for(old, "superseded").last_error == print_words.TOO_OLD
    cups.command("cupsenable", box.printer)
    box.wait_for(urgent, "confirmed")
    box.wait_for(young, "confirmed")
    assert "(exam K7-42F)" in next(problem.what for problem in box.workers[0].problems())
    assert len(jobs_of(cups, box)) == 2


def test_a_clock_that_nobody_keeps_right_makes_nothing_old(cups: Cups, box: PaperBox) -> None:
    one = box.owe(box.exam())
    box.journal.change("UPDATE deliveries SET created_at = '1970-01-01T00:00:00+00:00' WHERE id = ?", one)
    box.start(clock_is_right=False)
    box.wait_for(one, "confirmed")


def test_a_sheet_that_waits_at_the_printer_is_taken_back_when_a_newer_version_comes(cups: Cups, box: PaperBox) -> None:
    study = box.exam()
    one = box.owe(study)
    printer, record = begun(box, one)
    made = make_job(printer, record)
    box.prints.hand_over(box.prints.job_is(record, made))
    cups.command("cupsdisable", box.printer)
    printer.send_document(made, PDF)
    newer = box.owe(study, version=2, result="second")
    box.start()
    box.wait_for(one, "superseded")
    cups.command("cupsenable", box.printer)
    box.wait_for(newer, "confirmed")
    wait_until(lambda: (job := printer.job(made)) and job.state is JobState.CANCELED, "the old one is cancelled")
