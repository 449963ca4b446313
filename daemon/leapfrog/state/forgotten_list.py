"""What was forgotten on request: in the journal, and beside it in a file that outlives the journal and every restore.

    forgotten.jsonl         in the state directory: a line of JSON for each exam, never removed

It names no patient: our own ids, DICOM UIDs and digests. A start brings both up to one another, so that neither a
journal that is made anew nor one from a backup knows less.
"""

import errno
import hashlib
import os
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

from leapfrog.durable import PRIVATE, fsync_directory
from leapfrog.errors import StorageError
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyIdentity
from leapfrog.state.station.station_key import own_as

LIST_NAME = "forgotten.jsonl"  # in the state directory
COLUMNS = "instance_id, study_key, sop_instance_uid, file_digest, place, whose, forgotten_at"


class ForgottenImage(BaseModel):
    """One image of an exam that was forgotten. `place`: `place_of` its file in a watched folder, "" if it had none;
    `whose`: `whose_is` it, "" if it was no DICOM.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    instance_id: str
    sop_instance_uid: str
    file_digest: str
    place: str = ""
    whose: str = ""


class ForgottenExam(BaseModel):
    """An exam that was forgotten on request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    study_key: str
    forgotten_at: str
    images: tuple[ForgottenImage, ...]


def place_of(path: str, file_digest: str) -> str:
    """By what a file in a watched folder is known again, without its name, which may be that of a patient."""
    return hashlib.sha256(f"{path}\0{file_digest}".encode("utf-8", "surrogateescape")).hexdigest()


def whose_is(sop_instance_uid: str, identity: StudyIdentity) -> str:
    """By which an image is told from the same one with the number of another patient, without that number."""
    said = f"{sop_instance_uid}\0{identity.patient_id}\0{identity.issuer_of_patient_id}"
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()


class ForgottenList:
    """The list. Any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """That of `journal`, and of the file beside it."""
        self._journal = journal
        self._file = journal.path.with_name(LIST_NAME)

    # ------------------------------------------------------------ what was forgotten

    def has(self, instance_id: str) -> bool:
        """Whether the image with this id of ours was forgotten."""
        return self._any("instance_id = ?", instance_id)

    def has_study(self, study_key: str) -> bool:
        """Whether an exam with this key was forgotten."""
        return self._any("study_key = ?", study_key)

    def has_uid(self, sop_instance_uid: str) -> bool:
        """Whether an image with this SOP Instance UID was forgotten."""
        return self._any("sop_instance_uid = ? AND sop_instance_uid <> ''", sop_instance_uid)

    def in_folder(
        self, path: str, sop_instance_uid: str, identity: StudyIdentity, file_digest: str, *, is_dicom: bool
    ) -> str | None:
        """The id of the forgotten image that a file in a watched folder holds; None if it holds none. DICOM is known by
        what it is and whose, wherever it lies: with the number of another patient it was corrected. A picture is known
        in its place only: under another name it is another patient's.
        """
        uid = "(sop_instance_uid = :uid AND sop_instance_uid <> '' AND whose IN ('', :whose))"
        known = f"{uid} OR (file_digest = :digest AND file_digest <> '')" if is_dicom else "place = :place"
        values = {
            "uid": sop_instance_uid,
            "whose": whose_is(sop_instance_uid, identity),
            "digest": file_digest,
            "place": place_of(path, file_digest),
        }
        row = self._journal.row(f"SELECT instance_id FROM forgotten_on_request WHERE {known} LIMIT 1", values)
        return row["instance_id"] if row else None

    def _any(self, condition: str, *values: str) -> bool:
        return self._journal.row(f"SELECT 1 FROM forgotten_on_request WHERE {condition} LIMIT 1", values) is not None

    # ------------------------------------------------------------ the two places

    def note(self, exams: Collection[ForgottenExam]) -> None:
        """Add to the file, durably: from now on they are forgotten, whatever happens. Raises StorageError; then none of
        them is.
        """
        if not exams:
            return
        text = "".join(f"{exam.model_dump_json()}\n" for exam in exams).encode()
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE)
            try:
                if not _ends_whole(descriptor):
                    text = b"\n" + text
                if os.write(descriptor, text) != len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            own_as(self._file, self._file.parent)
            fsync_directory(self._file.parent)
        except OSError as problem:
            raise StorageError(
                f"{self._file} cannot be written: {problem.strerror}. Nothing was forgotten."
            ) from problem

    def agree(self) -> tuple[ForgottenExam, ...]:
        """Bring the journal and the file up to one another. Returns all that was forgotten. Raises StorageError."""
        written = self._in_file()
        self.note(_without(self._in_journal(), written))
        self._keep(_without(written, self._in_journal()))
        return self._in_journal()

    def keep(self, connection: sqlite3.Connection, exam: ForgottenExam) -> None:
        """Add to the journal, within the caller's transaction."""
        connection.executemany(
            f"INSERT OR IGNORE INTO forgotten_on_request ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    image.instance_id,
                    exam.study_key,
                    image.sop_instance_uid,
                    image.file_digest,
                    image.place,
                    image.whose,
                    exam.forgotten_at,
                )
                for image in exam.images
            ],
        )

    def _keep(self, exams: Collection[ForgottenExam]) -> None:
        if exams:
            with self._journal.transaction() as connection:
                for exam in exams:
                    self.keep(connection, exam)

    def _in_journal(self) -> tuple[ForgottenExam, ...]:
        of_exam = defaultdict[tuple[str, str], list[ForgottenImage]](list)
        for row in self._journal.rows(f"SELECT {COLUMNS} FROM forgotten_on_request"):
            of_exam[row["study_key"], row["forgotten_at"]].append(ForgottenImage.model_validate(dict(row)))
        return tuple(
            ForgottenExam(study_key=key, forgotten_at=moment, images=tuple(images))
            for (key, moment), images in of_exam.items()
        )

    def _in_file(self) -> tuple[ForgottenExam, ...]:
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as problem:
            raise StorageError(f"{self._file} cannot be read: {problem.strerror}.") from problem
        return tuple(exam for line in content.split(b"\n") if (exam := _exam_in(line)) is not None)


def _without(exams: Iterable[ForgottenExam], others: Iterable[ForgottenExam]) -> list[ForgottenExam]:
    """Those of `exams` of which `others` lack an image."""
    known = {image.instance_id for exam in others for image in exam.images}
    return [exam for exam in exams if any(image.instance_id not in known for image in exam.images)]


def _exam_in(line: bytes) -> ForgottenExam | None:
    """None for a line that a power cut tore: then nothing of that exam was forgotten yet."""
    try:
        return ForgottenExam.model_validate_json(line)
    except ValidationError:
        return None


def _ends_whole(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return not size or os.pread(descriptor, 1, size - 1) == b"\n"
