"""`leapfrog read`: reads files once, with the reader that the daemon uses but without daemon or journal."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from leapfrog.dicom.uids import mint_uid
from leapfrog.errors import LeapfrogError, StorageError, UsageError
from leapfrog.exam import ImageReading, PictureHints, PictureIdentity
from leapfrog.intake.folder.file_kind import READ_KINDS, FileKind, kind_of
from leapfrog.intake.instance_header import read_header
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.report_jobs import station_of
from leapfrog.processes.messages import ReadJob, ReadResult, ReportJob, ReportResult
from leapfrog.settings import Settings
from leapfrog.state.journal import new_id, now_text
from leapfrog.wording.content import gist_of
from leapfrog.wording.headline import headline_of
from leapfrog.worklist.publication import publish

NOT_FINISHED = (
    "The reading program could not finish this file. It may be damaged, or need more time or memory than it is allowed."
)


@dataclass(frozen=True)
class FileResult:
    """The result for one file. `report` is the report.html of its study, None when there is none."""

    file: Path
    sentence: str
    failed: bool
    report: Path | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape of `leapfrog read --json`."""
        return {
            "file": str(self.file),
            "result": self.sentence,
            "failed": self.failed,
            "report": str(self.report) if self.report else None,
        }


@dataclass(frozen=True)
class _Study:
    """Files that belong together, and where their report is rendered. A file without a Study Instance UID is a study by
    itself.
    """

    key: str
    rendered: Path
    read: list[tuple[Path, ReadResult]]


def read_files(
    files: Sequence[Path], out: Path, settings: Settings, hints: PictureHints, progress: Console | None
) -> list[FileResult]:
    """Read `files` and write `out/<study key>/report.{html,pdf,json}`, one report a study, in the order of the files.

    `hints` say what pictures show. `progress` shows a progress bar; None shows none. Raises UsageError for a file that
    does not exist, StorageError when `out` cannot be written.
    """
    for file in files:
        if not file.is_file():
            raise UsageError(f"{file} is not a file.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StorageError(f"{out} cannot be created: {problem.strerror}.") from problem
    with tempfile.TemporaryDirectory(prefix="leapfrog-read-") as work:
        lane = Lane(settings.engine, settings.models, settings.state_dir, Path(work))
        try:
            return _Reading(out, Path(work), settings, hints, lane).run(files, progress)
        finally:
            lane.close()


class _Reading:
    """One run of the command."""

    def __init__(self, out: Path, work: Path, settings: Settings, hints: PictureHints, lane: Lane) -> None:
        self._out = out
        self._work = work
        self._settings = settings
        self._hints = hints
        self._lane = lane
        self._studies: dict[object, _Study] = {}
        self._failures: list[FileResult] = []

    def run(self, files: Sequence[Path], progress: Console | None) -> list[FileResult]:
        for file in track(files, "Reading", console=progress, disable=progress is None, transient=True):
            self._read(file.resolve())
        results = [result for study in self._studies.values() for result in self._report(study)]
        return [*results, *self._failures]

    def _read(self, file: Path) -> None:
        with file.open("rb") as stream:
            kind = kind_of(stream, file.name)
        if kind not in READ_KINDS:
            self._fail(file, f"Not read: it is {kind.value}.")
            return
        study = self._study_of(file, kind)
        end = self._lane.run(self._job(file, kind, study))
        if isinstance(end, ReadResult):
            study.read.append((file, end))
        else:
            self._fail(file, NOT_FINISHED)

    def _study_of(self, file: Path, kind: FileKind) -> _Study:
        header = read_header(file, self._settings.dicom.assumed_character_set) if kind is FileKind.DICOM else None
        identity = header.study if header is not None and header.study.study_instance_uid else object()
        if identity not in self._studies:
            key = new_id()
            rendered = self._work / key
            rendered.mkdir()
            self._studies[identity] = _Study(key, rendered, [])
        return self._studies[identity]

    def _job(self, file: Path, kind: FileKind, study: _Study) -> ReadJob:
        work_dir = self._work / new_id()
        work_dir.mkdir()
        return read_job(
            file,
            kind,
            self._hints,
            self._settings,
            source="leapfrog read",
            study_key=study.key,
            report_dir=study.rendered,
            work_dir=work_dir,
        )

    def _report(self, study: _Study) -> list[FileResult]:
        if not study.read:
            return []
        end = self._lane.run(
            ReportJob(
                study_key=study.key,
                version=1,
                received_at=now_text(),
                made_at=now_text(),
                station=station_of(self._settings),
                readings=tuple(result.reading for _, result in study.read),
                page_size=self._settings.report.page_size,
                include_heatmaps=self._settings.report.include_heatmaps,
                picture_dir=study.rendered,
                report_dir=study.rendered,
                work_dir=self._work,
            )
        )
        if not isinstance(end, ReportResult):
            raise LeapfrogError("The report could not be made because the reading program failed. Try again.")
        folder = self._out / study.key
        try:
            publish(study.rendered, folder, 1)
        except OSError as problem:
            raise StorageError(f"{folder} cannot be written: {problem.strerror}.") from problem
        return [
            FileResult(
                file=file,
                sentence=_sentence(result.reading),
                failed=result.state == "set_aside",
                report=folder / "report.html",
            )
            for file, result in study.read
        ]

    def _fail(self, file: Path, sentence: str) -> None:
        self._failures.append(FileResult(file, sentence, failed=True))


def read_job(
    file: Path,
    kind: FileKind,
    hints: PictureHints,
    settings: Settings,
    *,
    source: str,
    report_dir: Path,
    work_dir: Path,
    study_key: str = "",
) -> ReadJob:
    """The job to read `file`, which came by no intake; `hints` say what it shows if it does not itself. Raises
    OSError where there is no such file.
    """
    picture = None
    if kind is FileKind.PICTURE:
        picture = PictureIdentity(
            study_instance_uid=mint_uid(), series_instance_uid=mint_uid(), sop_instance_uid=mint_uid()
        )
    return ReadJob(
        instance_id=new_id(),
        study_key=study_key or new_id(),
        attempt=1,
        source_path=file.resolve(),
        source_byte_count=file.stat().st_size,
        source=source,
        received_at=now_text(),
        picture=picture,
        hints=hints,
        unknown_age=settings.station.unknown_age,
        assumed_character_set=settings.dicom.assumed_character_set,
        report_dir=report_dir,
        work_dir=work_dir,
    )


def _sentence(reading: ImageReading) -> str:
    headline = headline_of(gist_of([reading]))
    said = f"{headline.text}: {headline.detail}" if headline.kind == "not_assessed" else headline.text
    return f"{headline.caution} {said}".strip()
