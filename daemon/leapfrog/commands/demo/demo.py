"""`leapfrog demo`: the whole box at work on made-up exams, with a district server that is out of reach at first.

Everything is real but the exams: the daemon is a child process, the exams come over DICOM and through folders, and the
results leave by STOW-RS. It ends well only if everything expected has truly happened.
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
from leapfrog.commands.demo.findings import Expectation, Result, check_district, check_reports, find_results
from leapfrog.commands.demo.interruption import interruptible
from leapfrog.errors import UsageError

READ_SECONDS = 120.0
DELIVER_SECONDS = 120.0


def run_demo(out: Path | None) -> int:
    """Run the demonstration in `out`, else in a new temporary folder, which stays. Returns the exit status.

    Raises UsageError when `out` is not an empty folder.
    """
    console = Console()
    folder = _prepared(out)
    console.print(
        f"[bold]Leapfrog demonstration[/bold] in {folder}. All exams are phantoms: no patient is behind them."
    )
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
    good = all(result.as_expected for result in results) and all(check.holds for check in checks)
    ending = "Everything expected has happened" if good else "[red]Not everything expected has happened[/red]"
    console.print(f"{ending}, in {time.monotonic() - began:.0f} seconds.")
    return 0 if good else 1


class _Demo:
    """One run: the box, the district, and what was seen on the way."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._console = console
        self._district = DemoDistrict(folder / "district")
        self._box = DemoBox(folder, self._district.url)
        self._checks: list[Expectation] = []

    def run(self) -> tuple[list[Expectation], list[Result], dict[str, int]]:
        """What was checked, what became of each exam, and what the district received by kind.

        Raises DemoFailed when it cannot go on. The daemon does not run any more afterwards.
        """
        try:
            results, received = self._steps()
        finally:
            exit_status = self._box.stop()
            self._district.close()
        self._checks.append(Expectation("the daemon stopped cleanly when it was told to", exit_status == 0))
        return self._checks, results, received

    def _steps(self) -> tuple[list[Result], dict[str, int]]:
        with _progress(self._console) as progress:
            starting = progress.add_task("Starting the box", total=1)
            self._box.start()
            progress.advance(starting)
            exams = demo_exams()
            sending = progress.add_task("Sending exams", total=len(exams))
            reading = progress.add_task("Reading them (the district is out of reach)", total=len(exams))
            sent: dict[DemoExam, str] = {}
            for exam in exams:
                sent[exam] = self._send(exam)
                progress.advance(sending)
                progress.update(reading, completed=self._count_read())
            self._box.wait(
                lambda: self._all_read(len(exams), progress, reading), READ_SECONDS, "all exams have been read"
            )
            self._note_outage(len(exams))
            delivering = progress.add_task("Delivering (the district is back)", total=None)
            self._district.open()
            self._box.ask("sync")
            self._box.wait(
                lambda: self._all_delivered(len(exams), progress, delivering),
                DELIVER_SECONDS,
                "everything is delivered",
            )
            results = find_results(sent, self._box.ask("instances"), self._box.reports_dir)
        self._checks += check_reports(results, self._box.reports_dir)
        received = self._district.received()
        self._checks += check_district(results, received, self._district.sent_twice(), self._box.ask("status"))
        names = [sop_class.name for sop_class in received.values()]
        return results, {name: names.count(name) for name in sorted(set(names))}

    def _send(self, exam: DemoExam) -> str:
        """Send one exam; its SOP Instance UID, "" for a picture, which gets one in the box."""
        made = exam.make()
        if isinstance(made, SentFile):
            self._box.put(made)
            return made.sop_instance_uid
        self._box.send(made)
        return str(made.SOPInstanceUID)

    def _count_read(self) -> int:
        counts: dict[str, int] = self._box.ask("status")["instances"]
        return sum(counts.values()) - counts["received"]

    def _all_read(self, total: int, progress: Progress, task: TaskID) -> bool:
        done = self._count_read()
        progress.update(task, completed=done)
        return done >= total

    def _note_outage(self, exams: int) -> None:
        status = self._box.ask("status")
        owed = status["deliveries"]["waiting"]
        held = owed >= exams and not self._district.received()
        self._checks.append(
            Expectation(f"with the district out of reach nothing was lost: {owed} deliveries waited", held)
        )

    def _all_delivered(self, studies: int, progress: Progress, task: TaskID) -> bool:
        """Whether each study's PDF has arrived, which is made once the study is quiet, and nothing waits."""
        status = self._box.ask("status")
        confirmed, waiting = status["deliveries"]["confirmed"], status["deliveries"]["waiting"]
        progress.update(task, completed=confirmed, total=confirmed + waiting)
        received = self._district.received().values()
        reports = sum(sop_class == EncapsulatedPDFStorage for sop_class in received)
        return waiting == 0 and reports >= studies


def _prepared(out: Path | None) -> Path:
    if out is None:
        return Path(tempfile.mkdtemp(prefix="leapfrog-demo-"))
    try:
        out.mkdir(parents=True, exist_ok=True)
        used = any(out.iterdir())
    except OSError as problem:
        raise UsageError(f"--out {out} cannot be used: {problem.strerror}.") from problem
    if used:
        raise UsageError(f"--out {out} is not empty: give a new folder, so that results are not mixed up.")
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
    table = Table("Phantom", "Sent as", "What the box says", "As expected", title="The exams")
    for result in results:
        expected = "[green]yes[/green]" if result.as_expected else "[red]NO[/red]"
        table.add_row(result.exam.label, result.exam.form, result.sentence, expected)
    return table


def _places_table(folder: Path, received: dict[str, int]) -> Table:
    table = Table("", Column(overflow="fold"), show_header=False, title="Where to look")  # a path is for copying, whole
    table.add_row("Worklist (open it in a browser)", str(folder / "reports" / "index.html"))
    table.add_row("Reports", str(folder / "reports"))
    table.add_row("Log of the daemon", str(folder / "daemon.log"))
    table.add_row("What the district received", str(folder / "district"))
    for kind, count in received.items():
        table.add_row("", f"{count} x {kind}")
    return table
