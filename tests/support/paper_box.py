"""A journal with sheets to print, and the thread that prints them, in the test's process."""

from dataclasses import dataclass, field
from pathlib import Path

from leapfrog.printing.one_printer import Pace
from leapfrog.printing.print_worker import PrintWorker
from leapfrog.settings import PrintSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.prints import NewPrint, PrintRecord, Prints
from leapfrog.state.rendered import Rendered
from leapfrog.state.studies import Studies
from support.journal_rows import new_instance
from support.waiting import wait_until

QUICK = Pace(fresh=0.05, slow=0.1, blocked=0.1, idle=0.2, longest=0.2)
# One page with the words "K7-42F", without a font of its own.
PAGE = b"BT /F1 40 Tf 100 700 Td (K7-42F) Tj ET"
PDF = b"""%%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>> endobj
4 0 obj <</Length %d>> stream
%s
endstream endobj
5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj
trailer <</Root 1 0 R>>
%%%%EOF
""" % (len(PAGE), PAGE)


@dataclass
class PaperBox:
    """Journal and sheets in one directory, and the workers that a test starts on them."""

    directory: Path
    printer: str = "laser"
    max_age_hours: float = 24.0
    workers: list[PrintWorker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = Journal(self.directory / "journal.sqlite")
        self.prints = Prints(self.journal)
        self.studies = Studies(self.journal)
        self.rendered = Rendered(self.directory / "rendered")

    def exam(self, number: str = "K7-42F") -> str:
        """An exam with this number, and nothing else; returns its key."""
        instance = new_instance()
        Instances(self.journal).add(instance)
        self.studies.give_numbers({instance.id: number})
        return instance.id

    def owe(
        self,
        study_key: str,
        *,
        version: int = 1,
        result: str = "first",
        printer: str = "",
        urgent: bool = False,
        copies: int = 1,
    ) -> str:
        """A sheet of an exam that is to be printed; returns the id of its print."""
        print_id = new_id()
        self.journal.change("UPDATE studies SET urgent = ? WHERE key = ?", urgent, study_key)
        self._write_sheet(study_key, print_id)
        new = NewPrint(
            id=print_id,
            version=version,
            result=result,
            printer=printer or self.printer,
            copies=copies,
            page_size="A4",
            sheet_made=True,
        )
        self.prints.add(new, study_key)
        for worker in self.workers:
            worker.wake()
        return print_id

    def retry(self, print_id: str) -> None:
        """Have a print that ended tried again, as a person does, and make its sheet."""
        Deliveries(self.journal).retry(print_id)
        self.make_sheet(print_id)

    def make_sheet(self, print_id: str) -> None:
        """Make the sheet of a print anew, as a reader does when a person retries it."""
        record = self.record(print_id)
        self._write_sheet(record.study_key, print_id)
        self.prints.sheet_is_made(print_id, record.version, record.result)
        for worker in self.workers:
            worker.wake()

    def _write_sheet(self, study_key: str, print_id: str) -> None:
        (self.rendered.folder(study_key) / f"print-{print_id}.pdf").write_bytes(PDF)

    def start(self, *, clock_is_right: bool = True) -> PrintWorker:
        """Start to print."""
        worker = PrintWorker(
            PrintSettings(printer=self.printer, max_age_hours=self.max_age_hours),
            self.journal,
            self.rendered,
            on_changed=lambda: None,
            pace=QUICK,
            clock_is_right=lambda: clock_is_right,
        )
        self.workers.append(worker)
        worker.start()
        return worker

    def close(self) -> None:
        """Stop to print."""
        for worker in self.workers:
            worker.stop()
        self.journal.close()

    def record(self, print_id: str) -> PrintRecord:
        """What the journal says of a print."""
        found = self.prints.get(print_id)
        assert found is not None
        return found

    def wait_for(self, print_id: str, state: str, *, deadline_seconds: float = 40.0) -> PrintRecord:
        """Wait until a print is in that state."""
        wait_until(
            lambda: self.record(print_id).state == state, f"the print is {state}", deadline_seconds=deadline_seconds
        )
        return self.record(print_id)

    def wait_for_words(self, words: str, *, deadline_seconds: float = 40.0) -> str:
        """Wait until something is said to be wrong in these words; returns what staff are told."""

        def told() -> str:
            found = (problem for worker in self.workers for problem in worker.problems())
            return next((problem.for_staff for problem in found if words in problem.what and problem.since), "")

        return wait_until(told, f"told: {words}", deadline_seconds=deadline_seconds)
