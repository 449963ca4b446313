"""Makes the copy: what goes on it, in which order, and what is said of what does not."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from leapfrog.commands.patient_copy.copier_child import CopierChild
from leapfrog.commands.patient_copy.manifest import CopiedFile, Manifest
from leapfrog.commands.patient_copy.medium import DICOMDIR, OBJECTS, README, REPORT, Medium
from leapfrog.commands.patient_copy.scratch import no_scratch, scratch_folder
from leapfrog.commands.patient_copy.whose import identity_of, patients_named
from leapfrog.control.asking import run_command
from leapfrog.control.exam_contents import ExamContents, KeptAnswer, KeptOriginal
from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN, mint_uid, uid_of
from leapfrog.errors import LeapfrogError, StorageError, UsageError
from leapfrog.lanes.report_jobs import station_of
from leapfrog.language.speaker import Speaker
from leapfrog.mounts import mount_of
from leapfrog.processes.confinement import LARGEST_FILE
from leapfrog.processes.copy_messages import (
    DirectoryJob,
    DirectoryWritten,
    LeftOut,
    Listed,
    Placed,
    PlaceJob,
    PutAside,
    ReportObjectJob,
    ScratchFailed,
)
from leapfrog.processes.messages import ReportJob
from leapfrog.settings import Settings
from leapfrog.state.action_log import EXPORT_COPY, acting
from leapfrog.state.answer_files import ANSWERS_NAME
from leapfrog.state.journal import now_text
from leapfrog.state.rendered import RENDERED_NAME, versions
from leapfrog.state.spool import SPOOL_NAME
from leapfrog.wording.patient_copy_words import CopyFacts, readme
from leapfrog.wording.text import person_name

MOST_PICTURES = 200  # as ordinary pictures; a scan of 1,000 slices is for a viewer
COPIED_BYTES = 3  # a sample of a decoded colour picture; of a grey one it is two
AS_LARGE = frozenset((EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN, "1.2.840.10008.1.2.4.50"))
UNKNOWN_TIMES = 2  # as many bytes as came, of what was not read


@dataclass(frozen=True)
class Asked:
    """What is about to be copied, for whoever confirms it. `on_own_disk`: no stick is mounted there. `replaces`: when
    the copy was made that is there, "" where there is none. `other_patient_ids`: patients whose exams have the same
    Study Instance UID.
    """

    exam_number: str
    patient_name: str
    patient_id: str
    birth_date: str
    originals: int
    root: Path
    on_own_disk: bool
    replaces: str
    lacking: tuple[str, ...]
    other_patient_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExamCopy:
    """A copy that was made: where, with how many objects, files and bytes, and what it lacks."""

    root: Path
    exam_number: str
    objects: int
    files: int
    byte_count: int
    replaced: bool
    on_own_disk: bool
    other_patient_ids: tuple[str, ...]
    facts: CopyFacts

    @property
    def complete(self) -> bool:
        """Whether it has all that the box has, and a report that covers it."""
        return not self.facts.lacking()


@dataclass(frozen=True)
class _PlacedFile:
    """A file that belongs in the directory, and what is said of it there."""

    file: CopiedFile
    listed: Listed


@dataclass
class _Made:
    """What was put on the medium so far: `files`, which have their places; and `objects`, to which the directory gives
    theirs.
    """

    files: list[CopiedFile] = field(default_factory=list)
    objects: list[_PlacedFile] = field(default_factory=list)
    uids: set[str] = field(default_factory=set)
    left_out: int = 0
    put_aside: int = 0
    pictures: int = 0


@dataclass(frozen=True)
class _Object:
    """A DICOM object that is to be copied."""

    source: Path
    kept: KeptOriginal | KeptAnswer


def copy_exam(
    root: Path,
    exam: str,
    settings: Settings,
    confirm: Callable[[Asked], bool],
    console: Console | None,
    *,
    although_patients_differ: bool = False,
) -> ExamCopy:
    """Copy `exam` to the medium at `root`, once `confirm` agrees. Raises UsageError when it does not, or for an unknown
    exam; StickError, with nothing left of the copy, when the medium cannot be used.
    """
    contents = ExamContents.model_validate(run_command(settings, "exam_contents", exam=exam))
    return _Copying(root, contents, settings, console).run(confirm, although_patients_differ=although_patients_differ)


class _Copying:
    """One run of the command."""

    def __init__(self, root: Path, contents: ExamContents, settings: Settings, console: Console | None) -> None:
        self._root = root.resolve()
        self._contents = contents
        self._settings = settings
        self._console = console
        self._medium = Medium(self._root)
        self._made = _Made()
        self._copied_at = now_text()
        self._identity = identity_of(contents)
        self._patients = patients_named(contents.readings)
        self._rendered = settings.state_dir / RENDERED_NAME / contents.study_key
        self._objects = self._found_objects()
        self._pictures = [
            self._rendered / reading.plain
            for reading in contents.readings
            if reading.plain and Path(reading.plain).name == reading.plain
        ]
        # A newer one, which the journal does not know, is of a report that is being made.
        made = (one for one in versions(self._rendered, "pdf") if one <= contents.version)
        self._version = next(made, 0)
        self._report = self._rendered / f"report-{self._version}.pdf" if self._version else None
        self._report_made_at = "" if self._report is None else _modified_at(self._report)

    def _found_objects(self) -> list[_Object]:
        state_dir = self._settings.state_dir
        spool, answers = state_dir / SPOOL_NAME, state_dir / ANSWERS_NAME
        return [
            *(_Object(spool / one.spool_name, one) for one in self._contents.originals),
            *(_Object(answers / one.name, one) for one in self._contents.answers),
        ]

    def run(self, confirm: Callable[[Asked], bool], *, although_patients_differ: bool) -> ExamCopy:
        if not self._objects:
            raise UsageError(f"The box has no image of exam {self._contents.exam_number} any more.")
        older = self._medium.older_copy(self._contents.study_key)
        if self._patients and not although_patients_differ:
            raise UsageError(
                f"The images of exam {self._contents.exam_number} name more than one patient:"
                f" {'; '.join(self._patients)}. Look at its report first. If all of it may be given away, add"
                " --although-patients-differ."
            )
        self._medium.require_room(self._expected_bytes(), len(self._objects) + len(self._pictures) + 5)
        if not confirm(self._asked(older)):
            raise UsageError("Nothing was written.")
        # The folder may have the patient's name, and so may what is said of it: the stick has none.
        here = mount_of(self._root)
        stick = here.point if here else "?"
        where = "to the box's own disk" if self._is_on_own_disk() else f"to {stick}"
        number, telling = self._contents.exam_number, str(self._root) == stick
        with acting(self._settings.state_dir, EXPORT_COPY, number, where, telling=telling):
            return self._write(older)

    def _write(self, older: Manifest | None) -> ExamCopy:
        with scratch_folder() as scratch, self._medium.staged():
            self._fill(scratch)
            facts = self._facts()
            self._add(self._medium.write(README, readme(facts, Speaker(self._settings.station.language))))
            files = tuple(self._made.files)
            contents = self._contents
            manifest = Manifest(contents.exam_number, contents.study_key, self._copied_at, files)
            self._medium.publish(manifest, older)
        return ExamCopy(
            root=self._root,
            exam_number=contents.exam_number,
            objects=len(self._made.objects),
            files=len(files) + 1,
            byte_count=sum(one.byte_count for one in files),
            replaced=older is not None,
            on_own_disk=self._is_on_own_disk(),
            other_patient_ids=contents.other_patient_ids,
            facts=facts,
        )

    # ------------------------------------------------------------ before

    def _asked(self, older: Manifest | None) -> Asked:
        return Asked(
            exam_number=self._contents.exam_number,
            patient_name=person_name(self._identity.patient_name),
            patient_id=self._contents.patient_id,
            birth_date=self._identity.birth_date,
            originals=len(self._contents.originals),
            root=self._root,
            on_own_disk=self._is_on_own_disk(),
            replaces=older.copied_at if older else "",
            lacking=tuple(map(str, self._facts().lacking())),
            other_patient_ids=self._contents.other_patient_ids,
        )

    def _is_on_own_disk(self) -> bool:
        """Whether nothing is mounted there, so that no stick would get the copy."""
        here = mount_of(self._root)
        return here is not None and (here.point == "/" or here == mount_of(self._settings.state_dir.resolve()))

    def _expected_bytes(self) -> int:
        read = {reading.instance_id: reading.header for reading in self._contents.readings}
        total = sum(_size(path) for path in (self._report, *self._pictures[:MOST_PICTURES]) if path) * 2
        for one in self._contents.originals:
            header = read.get(one.id)
            if header is None:
                total += one.byte_count * UNKNOWN_TIMES
            elif header.transfer_syntax_uid in AS_LARGE:
                total += one.byte_count
            else:
                total += max(one.byte_count, header.rows * header.columns * header.frames * COPIED_BYTES)
        return total + sum(one.byte_count for one in self._contents.answers)

    def _facts(self) -> CopyFacts:
        contents, made = self._contents, self._made
        return CopyFacts(
            exam_number=contents.exam_number,
            station=self._settings.station.name,
            copied_at=self._copied_at,
            patient_name=self._identity.patient_name,
            patient_id=contents.patient_id,
            birth_date=self._identity.birth_date,
            originals=len(contents.originals) - made.left_out,
            pictures=made.pictures or min(len(self._pictures), MOST_PICTURES),
            report_made_at=self._report_made_at,
            report_is_older=contents.changed or self._version < contents.version,
            answers=len(contents.answers),
            unread=contents.unread,
            left_out=made.left_out or sum(one.file_problem is not None for one in contents.originals),
            put_aside=made.put_aside,
            pictures_left_out=len(self._pictures) > MOST_PICTURES,
            differing=bool(self._patients),
        )

    # ------------------------------------------------------------ the files

    def _add(self, file: CopiedFile) -> None:
        self._made.files.append(file)

    def _fill(self, scratch: Path) -> None:
        self._copy_report_and_pictures()
        stage = self._medium.stage
        readable = [*(one.source for one in self._objects), stage / REPORT]
        child = CopierChild(readable, [stage / OBJECTS, stage / "OTHERS"], scratch)
        try:
            self._place_all(child)
            if self._report is not None:
                self._place_report(child)
            self._write_directory(child, scratch)
        finally:
            child.end()

    def _place_all(self, child: CopierChild) -> None:
        with Progress(console=self._console, disable=self._console is None) as progress:
            task = progress.add_task("Images", total=len(self._objects))
            for number, one in enumerate(self._objects, start=1):
                self._place(child, one, number)
                progress.update(task, completed=number)

    def _copy_report_and_pictures(self) -> None:
        """These first: a newer version of the report would take them away."""
        try:
            if self._report is not None:
                self._add(self._medium.copy(self._report, REPORT))
        except FileNotFoundError as problem:
            raise StorageError("A newer report was made just now. Repeat the command.") from problem
        for picture in self._pictures[:MOST_PICTURES]:
            try:
                self._add(self._medium.copy(picture, f"PICTURES/PICT{self._made.pictures + 1:04}.JPG"))
            except FileNotFoundError:
                continue
            self._made.pictures += 1

    def _place(self, child: CopierChild, one: _Object, number: int) -> None:
        place, aside = f"{OBJECTS}/{number}", f"OTHERS/OT{number:06}"
        job = self._job(one, number, place, aside)
        answer = child.run(job, one.kept.byte_count) if one.kept.byte_count < LARGEST_FILE else None
        if isinstance(answer, Placed) and answer.sop_instance_uid not in self._made.uids:
            self._made.uids.add(answer.sop_instance_uid)
            self._made.objects.append(_PlacedFile(self._medium.written(place), answer.listed))
            return
        if isinstance(answer, Placed):  # of two objects with one identifier, a viewer shows one
            (self._medium.stage / place).rename(self._medium.stage / aside)
        if isinstance(answer, Placed | PutAside):
            self._made.put_aside += 1
            self._add(self._medium.written(aside))
            return
        self._clear(place, aside)
        if not isinstance(answer, LeftOut):  # the child died over it, or may write none as large
            with suppress(FileNotFoundError):
                self._add(self._medium.copy(one.source, aside, one.kept.byte_count))
                self._made.put_aside += 1
                return
        self._made.left_out += 1

    def _clear(self, *paths: str) -> None:
        for path in paths:
            (self._medium.stage / path).unlink(missing_ok=True)

    def _job(self, one: _Object, number: int, place: str, aside: str) -> PlaceJob:
        kept, stage = one.kept, self._medium.stage
        own_uid = kept.sop_instance_uid or uid_of(self._contents.study_key, one.source.name)
        job = PlaceJob(
            source=one.source,
            byte_count=kept.byte_count,
            digest=kept.file_digest,
            place=stage / place,
            aside=stage / aside,
            sop_class_uid=kept.sop_class_uid,
            sop_instance_uid=own_uid,
            received_at=self._contents.received_at,
            identity=self._identity,
            number=number,
            assumed_character_set=self._settings.dicom.assumed_character_set,
        )
        if isinstance(kept, KeptAnswer):
            return job
        return job.model_copy(
            update={
                "new_uid": kept.forward_as or "",
                "picture": kept.picture,
                "hints": kept.hints,
                "received_at": kept.received_at,
            }
        )

    def _place_report(self, child: CopierChild) -> None:
        place, stage = f"{OBJECTS}/{len(self._objects) + 1}", self._medium.stage
        report = next(file for file in self._made.files if file.path == REPORT)
        nowhere = Path()  # nothing is rendered: it only says what the report is of
        job = ReportObjectJob(
            source=stage / REPORT,
            place=stage / place,
            sop_instance_uid=uid_of(self._contents.study_key, str(self._version), report.sha256),
            identity=self._identity,
            number=len(self._objects) + 1,
            report=ReportJob(
                study_key=self._contents.study_key,
                exam_number=self._contents.exam_number,
                version=self._version,
                received_at=self._contents.received_at,
                made_at=self._report_made_at,
                station=station_of(self._settings),
                readings=self._contents.readings,
                picture_dir=nowhere,
                report_dir=nowhere,
                work_dir=nowhere,
            ),
        )
        answer = child.run(job, report.byte_count)
        if not isinstance(answer, Placed):
            raise LeapfrogError("The report could not be made part of the copy. `leapfrog doctor` may say why.")
        if answer.sop_instance_uid in self._made.uids:  # a patient brought it back, as part of an earlier copy
            self._clear(place)
            return
        self._made.objects.append(_PlacedFile(self._medium.written(place), answer.listed))

    def _write_directory(self, child: CopierChild, scratch: Path) -> None:
        stage, objects = self._medium.stage, self._made.objects
        made = stage / OBJECTS / DICOMDIR
        job = DirectoryJob(
            place=made,
            scratch=scratch,
            uid=mint_uid(),
            file_set_id=self._contents.exam_number.replace("-", "_").upper(),
            identity=self._identity,
            files=tuple(one.listed for one in objects),
        )
        answer = child.run(job)
        if isinstance(answer, ScratchFailed):
            raise no_scratch(os.strerror(answer.errno), scratch.parent)
        if not isinstance(answer, DirectoryWritten) or len(set(answer.file_ids)) != len(objects):
            raise LeapfrogError("The directory of the copy could not be made. `leapfrog doctor` may say why.")
        made.rename(stage / DICOMDIR)
        for one, path in zip(objects, answer.file_ids, strict=True):
            self._medium.move(one.file.path, path)
            self._add(replace(one.file, path=path))
        self._add(self._medium.written(DICOMDIR))


def _modified_at(path: Path) -> str:
    """When it was written, as local ISO time; "" where it is gone."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime).isoformat(timespec="seconds")
    except FileNotFoundError:
        return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
