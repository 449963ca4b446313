"""What comes of a print, by what the print server says of its job: told by a stand-in, whose jobs are set by hand."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leapfrog.errors import PrinterRefused
from leapfrog.printing.ipp.client import NOT_FOUND, IppPrinter, JobSeen, JobState, PrinterSeen
from leapfrog.printing.ipp.place import Place
from leapfrog.printing.one_printer import OnePrinter, Pace
from leapfrog.printing.print_worker import PrintWorker
from leapfrog.settings import PrintSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.wording import print_words
from support.paper_box import QUICK, PaperBox

QUEUE = Place(uri="ipp://localhost/printers/laser", path="/printers/laser", socket=Path("/nowhere"), is_queue=True)
DEVICE = Place(uri="ipp://10.0.0.7/ipp/print", path="/ipp/print", host="10.0.0.7")
FILTER_FAILED = ("job-completed-with-errors",)


class StandIn(IppPrinter):
    """A print server whose jobs a test sets. `keeps_files`: it has the documents of a job after its end, too."""

    def __init__(self, place: Place = QUEUE, *, keeps_files: bool = False, patience: float = math.inf) -> None:
        super().__init__(place, patience=patience)
        self.jobs: dict[int, JobSeen] = {}
        self.keeps_files = keeps_files
        self.reasons: tuple[str, ...] = ()

    def printer(self) -> PrinterSeen:
        return PrinterSeen("idle", self.reasons)

    def create_job(self, name: str, *, copies: int, media: str, urgent: bool) -> int:
        number = len(self.jobs) + 1
        self.jobs[number] = JobSeen(number, name, JobState.HELD, ("job-incoming",), documents=0, kilobytes=0)
        return number

    def send_document(self, job_id: int, content: bytes) -> None:
        self.jobs[job_id] = replace(self.jobs[job_id], kilobytes=1)
        self.set(job_id, JobState.PROCESSING)

    def job(self, job_id: int) -> JobSeen | None:
        return self.jobs.get(job_id)

    def jobs_about(self, words: str) -> list[JobSeen]:
        return [job for job in self.jobs.values() if words in job.name]

    def cancel(self, job_id: int) -> bool:
        if self.jobs[job_id].ended:
            return False
        self.set(job_id, JobState.CANCELED)
        return True

    def set(self, job_id: int, state: JobState, *reasons: str) -> None:
        documents = 1 if self.keeps_files or state < JobState.CANCELED else 0
        self.jobs[job_id] = replace(self.jobs[job_id], state=state, reasons=reasons, documents=documents)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[PaperBox]:
    box = PaperBox(tmp_path)
    yield box
    box.close()


def printer_of(box: PaperBox, server: StandIn) -> OnePrinter:
    return OnePrinter("laser", server, box.prints, box.rendered, QUICK, on_ended=lambda _: None)


def look(box: PaperBox, printer: OnePrinter) -> None:
    printer.step(box.prints.waiting(), set(), set())


@pytest.mark.parametrize("keeps_files", [True, False])
@pytest.mark.parametrize(
    ("state", "reasons", "ended_as", "told"),
    [
        (JobState.COMPLETED, (), "confirmed", ""),
        (JobState.CANCELED, (), "refused", print_words.CANCELLED),
        (JobState.ABORTED, (), "refused", print_words.ABORTED),
        (JobState.STOPPED, FILTER_FAILED, "refused", print_words.FILTER_FAILED),
    ],
)
def test_a_job_ends_its_print_whether_or_not_the_server_keeps_files(
    box: PaperBox, state: JobState, reasons: tuple[str, ...], ended_as: str, told: str, *, keeps_files: bool
) -> None:
    server = StandIn(keeps_files=keeps_files)
    printer = printer_of(box, server)
    one = box.owe(box.exam())
    look(box, printer)
    server.set(1, state, *reasons)
    look(box, printer)
    assert (box.record(one).state, box.record(one).last_error) == (ended_as, told)
    look(box, printer)
    assert len(server.jobs) == 1, "nothing is printed again by itself"


def test_a_sheet_whose_filter_fails_keeps_no_other_waiting_and_can_be_retried(box: PaperBox) -> None:
    server = StandIn()
    printer = printer_of(box, server)
    bad, good = box.owe(box.exam("K7-42F")), box.owe(box.exam("CN-MP3"))
    look(box, printer)
    server.set(1, JobState.STOPPED, *FILTER_FAILED)
    look(box, printer)
    assert server.jobs[1].state is JobState.CANCELED, "nobody restarts what is printed anew"
    assert box.record(good).job_id == 2
    assert Deliveries(box.journal).retry(bad) == 1


def test_a_printer_that_pauses_a_job_by_itself_is_waited_for(box: PaperBox) -> None:
    server = StandIn(DEVICE)
    server.reasons = ("media-empty-warning",)
    printer = printer_of(box, server)
    one, other = box.owe(box.exam("K7-42F")), box.owe(box.exam("CN-MP3"))
    look(box, printer)
    server.set(1, JobState.STOPPED, "printer-stopped")
    look(box, printer)
    assert box.record(one).state == "waiting" and box.record(other).job_name == ""


@pytest.mark.parametrize(
    ("state", "ended_as"),
    [(JobState.COMPLETED, "confirmed"), (JobState.CANCELED, "refused"), (JobState.ABORTED, "refused")],
)
def test_an_older_journal_prints_nothing_again_where_no_files_are_kept(
    box: PaperBox, state: JobState, ended_as: str
) -> None:
    server = StandIn()
    printer = printer_of(box, server)
    one = box.owe(box.exam())
    look(box, printer)
    server.set(1, state)
    box.journal.change("UPDATE prints SET job_name = '', job_id = NULL, handed_at = NULL")
    Deliveries(box.journal).ask_before_sending()
    look(box, printer)
    look(box, printer)
    assert box.record(one).state == ended_as and len(server.jobs) == 1


def test_a_print_of_an_older_journal_is_printed_when_a_person_retries_it(box: PaperBox) -> None:
    server = StandIn()
    printer = printer_of(box, server)
    one = box.owe(box.exam())
    Deliveries(box.journal).ask_before_sending()
    look(box, printer)
    server.set(1, JobState.CANCELED)
    look(box, printer)
    box.retry(one)
    look(box, printer)
    assert box.record(one).job_id == 2


def test_a_kill_before_the_sheet_was_sent_and_a_server_that_lost_its_jobs_print_once(box: PaperBox) -> None:
    server = StandIn()
    printer = printer_of(box, server)
    one = box.owe(box.exam())
    box.prints.job_is(box.prints.begin(box.record(one), "K7-42F version 1"), 17)
    look(box, printer)
    look(box, printer)
    assert [job.state for job in server.jobs.values()] == [JobState.PROCESSING]
    assert box.record(one).job_id == 1


def test_a_job_that_the_server_gave_up_before_it_had_the_sheet_is_made_anew(box: PaperBox) -> None:
    server = StandIn()
    printer = printer_of(box, server)
    one = box.owe(box.exam())
    made = server.create_job("K7-42F version 1", copies=1, media="", urgent=False)
    box.prints.job_is(box.prints.begin(box.record(one), "K7-42F version 1"), made)
    server.set(made, JobState.ABORTED)
    look(box, printer)
    assert box.record(one).job_id == 2 and server.jobs[2].state is JobState.PROCESSING


@pytest.mark.parametrize("posted", [False, True])
def test_a_kill_after_the_note_and_before_the_sheet_prints_it_though_the_server_gave_up(
    box: PaperBox, monkeypatch: pytest.MonkeyPatch, *, posted: bool
) -> None:
    server = StandIn()
    printer = printer_of(box, server)
    one = box.owe(box.exam())
    with monkeypatch.context() as killed:
        killed.setattr(server, "send_document", lambda *_: None)
        look(box, printer)
    assert box.record(one).handed_at is not None and server.jobs[1].documents == 0
    server.set(1, JobState.ABORTED)
    if posted:
        Deliveries(box.journal).ask_before_sending()
    look(box, printer)
    assert len(server.jobs) == 2 and server.jobs[2].kilobytes == 1
    server.set(2, JobState.COMPLETED)
    look(box, printer)
    assert box.record(one).state == "confirmed" and len(server.jobs) == 2


def test_a_print_that_a_person_retries_is_printed_at_once(box: PaperBox, monkeypatch: pytest.MonkeyPatch) -> None:
    server, now = StandIn(), [0.0]
    monkeypatch.setattr("leapfrog.printing.print_worker.IppPrinter", lambda _, **_options: server)
    worker = PrintWorker(
        PrintSettings(printer="laser"),
        box.journal,
        box.rendered,
        on_changed=lambda: None,
        pace=Pace(),
        monotonic=lambda: now[0],
    )
    one = box.owe(box.exam())
    worker.turn()
    server.set(1, JobState.CANCELED)
    now[0] += Pace().fresh
    assert worker.turn() > 30, "there is nothing to do"
    assert box.record(one).state == "refused"
    box.retry(one)
    worker.turn()
    assert box.record(one).job_id == 2


def test_what_is_wrong_with_another_printer_is_not_told_to_staff_as_the_printer(
    box: PaperBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: StandIn) -> PrinterSeen:
        raise PrinterRefused("not found", NOT_FOUND)

    monkeypatch.setattr(StandIn, "printer", missing)
    monkeypatch.setattr("leapfrog.printing.print_worker.IppPrinter", StandIn)
    worker = PrintWorker(PrintSettings(printer="laser"), box.journal, box.rendered, on_changed=lambda: None)
    box.owe(box.exam(), printer="nosuch")
    worker.turn()
    told = {problem.what.partition(" at ")[0]: problem.in_worklist for problem in worker.problems()}
    assert told == {"There is no printer laser": True, "There is no printer nosuch": False}
    assert [problem.remedy for problem in worker.problems() if "dismiss" in problem.remedy and "nosuch" in problem.what]


def test_a_print_that_waits_for_another_printer_can_be_given_up(box: PaperBox) -> None:
    study = box.exam()
    lost, usual = box.owe(study, printer="nosuch"), box.owe(study)
    assert [box.prints.give_up(one, "laser") for one in (lost, usual)] == [True, False]
    assert [box.record(one).state for one in (lost, usual)] == ["dismissed", "waiting"]


def test_a_print_that_is_given_up_while_its_job_is_made_is_not_sent(box: PaperBox) -> None:
    server = StandIn()
    printer = printer_of(box, server)
    one = box.owe(box.exam(), printer="other")
    create = server.create_job

    def slow(name: str, *, copies: int, media: str, urgent: bool) -> int:
        box.prints.give_up(one, "laser")
        return create(name, copies=copies, media=media, urgent=urgent)

    server.create_job = slow  # type: ignore[method-assign]
    look(box, printer)
    assert box.record(one).state == "dismissed" and server.jobs[1].documents == 0
