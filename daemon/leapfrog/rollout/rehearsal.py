"""The rehearsal of a bundle: exams of nobody are read by the running lanes and their reports made, as those of the next
patient would be. A night on which nobody sends anything shows nothing else of what a bundle does to an exam.

Nothing of it is kept, listed, printed or sent. An image that comes meanwhile waits for one job at most.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from leapfrog.bundle_state import bundles_folder, make_folder
from leapfrog.bundles.staging import NEW_PREFIX
from leapfrog.errors import EngineError, LeapfrogError, StorageError
from leapfrog.exam import ImageReading
from leapfrog.lanes.job_end import DeadlineMissed, DiskRefused, EngineDied, JobEnd
from leapfrog.lanes.report_jobs import station_of
from leapfrog.parts import log_failure
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.messages import ReadJob, ReadResult, ReportJob, ReportResult, Sheet
from leapfrog.processes.trial import Trials
from leapfrog.settings import Settings
from leapfrog.spool_file.record import DerivedKind
from leapfrog.state.journal import now_text
from leapfrog.state.recipients import Recipients
from leapfrog.state.rendered import sheet_name

PROGRAM = "leapfrog.trials.phantom_exams"
FOLDER_NAME = f"{NEW_PREFIX}rehearsal"  # a start removes what a crash left of it
DRAWING_SECONDS = 300.0  # on a slow board, from an SD card
TRIES = 3  # as many as an image has
# From the image to its report. A bundle may allow an image an hour; staff who wait for it cannot.
LONGEST_SECONDS = 60.0

NOT_READ = "With it, a phantom, which any box can read, could not be read. {reason}"
NO_REPORT = "With it, the report of a phantom could not be made. {reason}"
TOO_SLOW = "With it, the report of a phantom took {seconds:.0f} seconds; {limit:.0f} are allowed."
LATE = "It was not done within engine.deadline_seconds ({seconds:g} seconds)."
DIED = "The reading program stopped."
ENGINE_DIED = "The model could not be run."
NO_PDF = "It has no PDF."
NO_SHEET = "It has no sheet for the printer."
NOT_DRAWN = "The phantoms for the trial of a bundle could not be drawn."

Run = Callable[[ReadJob | ReportJob], JobEnd]  # of a lane

_log = logging.getLogger(__name__)


class _Unwell(Exception):
    """The rehearsal failed, for the reason given."""


class _Stopped(Exception):
    """The box is stopping."""


class Rehearsal:
    """One rehearsal, on a thread of its own, since a job may take long and the box may be stopped meanwhile."""

    def __init__(self, settings: Settings, lanes: Sequence[Run], longest_seconds: float = LONGEST_SECONDS) -> None:
        """Nothing runs yet."""
        self._settings = settings
        self._lanes = lanes
        self._longest_seconds = longest_seconds
        self._folder = bundles_folder(settings.state_dir) / FOLDER_NAME
        self._trials = Trials()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._outcome: str | StorageError | None = None

    def why_unwell(self) -> str | None:
        """Why this box cannot read with the bundle, "" if it can, None as long as that is not known. The first call
        begins; one after a StorageError begins anew. Raises StorageError when the disk takes no more, which says
        nothing about the bundle.
        """
        outcome = self._outcome
        if isinstance(outcome, StorageError):
            self._thread = self._outcome = None
            raise outcome
        if self._thread is None:
            self._thread = threading.Thread(target=self._rehearse, name="bundle-rehearsal", daemon=True)
            self._thread.start()
        return outcome

    def stop(self) -> None:
        """Begin nothing more. Returns at once: the job that runs ends with its lane."""
        self._stopping.set()
        self._trials.stop()

    # ------------------------------------------------------------ its thread

    def _rehearse(self) -> None:
        try:
            self._outcome = self._tried()
        except _Stopped:
            pass
        except StorageError as problem:
            self._outcome = problem
        except OSError as problem:
            self._outcome = StorageError(f"{self._folder} cannot be written: {problem.strerror}.")
        except LeapfrogError as problem:  # such as a reading program that cannot be started
            self._outcome = NOT_READ.format(reason=problem)
        except Exception as problem:  # an error of ours, with this bundle: the box goes on without it
            log_failure("The rehearsal of a bundle failed", problem)
            self._outcome = NOT_READ.format(reason=DIED)

    def _tried(self) -> str:
        try:
            for phantom in self._drawn():
                for index, run in enumerate(self._lanes):
                    self._exam(run, phantom, index)
        except _Unwell as problem:
            return str(problem)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)  # the next start removes what is left
        return ""

    def _drawn(self) -> list[Path]:
        """The phantoms, as files."""
        shutil.rmtree(self._folder, ignore_errors=True)
        make_folder(self._folder.parent)
        make_folder(self._folder)
        try:
            end = self._trials.run(our_program(PROGRAM, "--out", str(self._folder)), DRAWING_SECONDS)
        except EngineError as problem:
            raise StorageError(NOT_DRAWN) from problem
        if end.how == "stopped":
            raise _Stopped
        drawn = sorted(self._folder.glob("*.dcm"))
        if end.how == "late" or end.status or not drawn:  # the disk is full, or the machine has no memory left
            raise StorageError(NOT_DRAWN)
        return drawn

    def _exam(self, run: Run, phantom: Path, index: int) -> None:
        """Read one phantom and make its report. Raises _Unwell."""
        problem = ""
        for attempt in range(1, TRIES + 1):
            folder = self._folder / f"{phantom.stem}-{index}-{attempt}"
            for part in (folder, folder / "report", folder / "objects"):
                part.mkdir()
            began = time.monotonic()
            problem = self._attempt(run, phantom, folder, attempt)
            seconds = time.monotonic() - began
            if not problem and seconds > self._longest_seconds:
                problem = TOO_SLOW.format(seconds=seconds, limit=self._longest_seconds)
            if not problem:
                return
            _log.warning("Rehearsal, attempt %d of %d: %s", attempt, TRIES, problem)
        raise _Unwell(problem)

    def _attempt(self, run: Run, phantom: Path, folder: Path, attempt: int) -> str:
        """Why it went wrong, "" if it went well."""
        end = self._run(run, self._read_job(phantom, folder, attempt))
        if not isinstance(end, ReadResult):
            return NOT_READ.format(reason=self._failure(end))
        if end.state != "read":
            return NOT_READ.format(reason=end.reading.reason)
        wanted = self._report_job(end.reading, folder, attempt)
        made = self._run(run, wanted)
        if not isinstance(made, ReportResult):
            return NO_REPORT.format(reason=self._failure(made))
        if made.not_made:
            return NO_REPORT.format(reason=made.not_made[0])
        if not any(artefact.name.endswith(".pdf") for artefact in made.artefacts):
            return NO_REPORT.format(reason=NO_PDF)
        return NO_REPORT.format(reason=NO_SHEET) if wanted.sheet is not None and not made.sheet_made else ""

    def _run(self, run: Run, job: ReadJob | ReportJob) -> JobEnd:
        if self._stopping.is_set():
            raise _Stopped
        end = run(job)
        if self._stopping.is_set():  # the lane may have been closed in the middle of it
            raise _Stopped
        if isinstance(end, DiskRefused):
            raise StorageError(f"The disk of the state directory takes no more: {end.detail}.")
        return end

    def _failure(self, end: JobEnd) -> str:
        match end:
            case DeadlineMissed():
                return LATE.format(seconds=self._settings.engine.deadline_seconds)
            case EngineDied(detail=detail):
                return f"{ENGINE_DIED} {detail}".rstrip(".") + "."
            case _:
                return DIED

    def _read_job(self, phantom: Path, folder: Path, attempt: int) -> ReadJob:
        return ReadJob(
            instance_id=f"phantom-{phantom.stem}",
            study_key=f"phantom-{phantom.stem}",
            attempt=attempt,
            source_path=phantom,
            source_byte_count=phantom.stat().st_size,
            source="phantom",
            received_at=now_text(),
            unknown_age=self._settings.station.unknown_age,
            assumed_character_set=self._settings.dicom.assumed_character_set,
            report_dir=folder / "report",
            work_dir=folder / "objects",
        )

    def _report_job(self, reading: ImageReading, folder: Path, version: int) -> ReportJob:
        """With everything that this box makes of an exam."""
        kinds: tuple[DerivedKind, ...] = get_args(DerivedKind)
        recipients = Recipients(self._settings.destinations)
        paper = self._settings.print
        return ReportJob(
            study_key=reading.instance_id,
            version=version,
            received_at=now_text(),
            made_at=now_text(),
            station=station_of(self._settings),
            readings=(reading,),
            derived=tuple(kind for kind in kinds if recipients.wants(kind)),
            page_size=self._settings.report.page_size,
            include_heatmaps=self._settings.report.include_heatmaps,
            sheet=Sheet(name=sheet_name("phantom"), page_size=paper.page_size) if paper.printer else None,
            picture_dir=folder / "report",
            report_dir=folder / "report",
            work_dir=folder / "objects",
        )
