"""`leapfrog demo`: the whole box at work on made-up exams, while the district server is down at first.

Everything is real but the exams: the daemon is a child process, the exams come over DICOM and through folders, and the
results leave by STOW-RS. It succeeds only if everything that was expected has really happened.
"""

import tempfile
import time
from pathlib import Path

from pydicom.uid import EncapsulatedPDFStorage
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from leapfrog.commands.demo.box import DemoBox, DemoFailed
from leapfrog.commands.demo.district import DemoDistrict
from leapfrog.commands.demo.exams import DemoExam, SentFile, demo_exams
from leapfrog.commands.demo.findings import (
    Expectation,
    Result,
    check_district,
    check_numbers,
    check_reports,
    find_results,
)
from leapfrog.commands.demo.interruption import interruptible
from leapfrog.errors import UsageError

READ_SECONDS = 120.0
DELIVER_SECONDS = 120.0


def run_demo(out: Path | None) -> int:
    """Run the demonstration in `out`, or in a new temporary folder that is kept. Returns the exit status.

    Raises UsageError when `out` is not an empty folder.
    """
    console = Console()
    folder = _prepared_folder(out)
    console.print(f"[bold]Leapfrog demonstration[/bold] in {folder}. All exams are phantoms, not of patients.")
    began = time.monotonic()
    with interruptible():
        try:
            checks, results, received = _Demo(folder, console).run()
        except DemoFailed as problem:
            console.print(f"[red]The demonstration failed.[/red] {problem}", highlight=False)
            return 1
    console.print(_results_table(results))
    for check in checks:
        console.print(f"[green]yes[/green]  {check.sentence}" if check.holds else f"[red]NO   {check.sentence}[/red]")
    console.print(_places_table(folder, received))
    succeeded = all(result.as_expected for result in results) and all(check.holds for check in checks)
    outcome = "Everything happened as expected" if succeeded else "[red]Not everything happened as expected[/red]"
    console.print(f"{outcome}, in {time.monotonic() - began:.0f} seconds.")
    return 0 if succeeded else 1


class _Demo:
    """One run: the box, the district, and the checks made so far."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._console = console
        self._district = DemoDistrict(folder / "district")
        self._box = DemoBox(folder, self._district.url)
        self._checks: list[Expectation] = []

    def run(self) -> tuple[list[Expectation], list[Result], dict[str, int]]:
        """Returns the checks, the result of each exam, and how many objects of each kind the district received.

        Raises DemoFailed when it cannot go on. The daemon is stopped in any case.
        """
        try:
            results, received = self._steps()
        finally:
            exit_status = self._box.stop()
            self._district.close()
        self._checks.append(Expectation("the daemon stopped cleanly", exit_status == 0))
        return self._checks, results, received

    def _steps(self) -> tuple[list[Result], dict[str, int]]:
        with _progress(self._console) as progress:
            starting = progress.add_task("Starting the box", total=1)
            self._box.start()
            progress.advance(starting)
            exams = demo_exams()
            sending = progress.add_task("Sending exams", total=len(exams))
            reading = progress.add_task("Reading exams (the district is down)", total=len(exams))
            sent: dict[DemoExam, str] = {}
            for exam in exams:
                sent[exam] = self._send(exam)
                progress.advance(sending)
                progress.update(reading, completed=self._count_read())
            self._box.wait(lambda: self._all_read(len(exams), progress, reading), READ_SECONDS, "all exams were read")
            self._check_outage(len(exams))
            delivering = progress.add_task("Delivering results (the district is up)", total=None)
            self._district.open()
            self._box.ask("sync")
            self._box.wait(
                lambda: self._all_delivered(len(exams), progress, delivering),
                DELIVER_SECONDS,
                "everything was delivered",
            )
            results = find_results(sent, self._box.ask("instances"), self._box.reports_dir)
        self._checks += [*check_reports(results, self._box.reports_dir), check_numbers(results)]
        received = self._district.received()
        self._checks += check_district(results, received, self._district.sent_twice(), self._box.ask("status"))
        names = [sop_class.name for sop_class in received.values()]
        return results, {name: names.count(name) for name in sorted(set(names))}

    def _send(self, exam: DemoExam) -> str:
        """Send one exam. Returns its SOP Instance UID, or "" for a picture: the box gives it one."""
        content = exam.make()
        if isinstance(content, SentFile):
            self._box.put(content)
            return content.sop_instance_uid
        self._box.send(content)
        return str(content.SOPInstanceUID)

    def _count_read(self) -> int:
        counts: dict[str, int] = self._box.ask("status")["instances"]
        return sum(counts.values()) - counts["received"]

    def _all_read(self, total: int, progress: Progress, task: TaskID) -> bool:
        done = self._count_read()
        progress.update(task, completed=done)
        return done >= total

    def _check_outage(self, exams: int) -> None:
        status = self._box.ask("status")
        waiting = status["deliveries"]["waiting"]
        holds = waiting >= exams and not self._district.received()
        self._checks.append(
            Expectation(f"nothing was lost while the district was down (deliveries waiting: {waiting})", holds)
        )

    def _all_delivered(self, studies: int, progress: Progress, task: TaskID) -> bool:
        """Whether the PDF of each study has arrived and nothing is waiting. A PDF is sent once its study is quiet."""
        status = self._box.ask("status")
        confirmed, waiting = status["deliveries"]["confirmed"], status["deliveries"]["waiting"]
        progress.update(task, completed=confirmed, total=confirmed + waiting)
        received = self._district.received().values()
        reports = sum(sop_class == EncapsulatedPDFStorage for sop_class in received)
        return waiting == 0 and reports >= studies


def _prepared_folder(out: Path | None) -> Path:
    if out is None:
        return Path(tempfile.mkdtemp(prefix="leapfrog-demo-"))
    try:
        out.mkdir(parents=True, exist_ok=True)
        has_files = any(out.iterdir())
    except OSError as problem:
        raise UsageError(f"--out {out} cannot be used: {problem.strerror}.") from problem
    if has_files:
        raise UsageError(f"--out {out} is not empty. Name a new folder, so that results are not mixed up.")
    return out.resolve()


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _results_table(results: list[Result]) -> Table:
    table = Table("Exam", "Phantom", "Sent as", "Result", "As expected", title="Exams")
    for result in results:
        expected = "[green]yes[/green]" if result.as_expected else "[red]NO[/red]"
        table.add_row(result.exam_number, result.exam.label, result.exam.form, result.sentence, expected)
    return table


def _places_table(folder: Path, received: dict[str, int]) -> Table:
    table = Table("", Column(overflow="fold"), show_header=False, title="Where to look")  # paths can be copied
    table.add_row("Worklist (open it in a browser)", str(folder / "reports" / "index.html"))
    table.add_row("Reports", str(folder / "reports"))
    table.add_row("Log of the daemon", str(folder / "daemon.log"))
    table.add_row("What the district received", str(folder / "district"))
    for kind, count in received.items():
        table.add_row("", f"{count} x {kind}")
    return table
