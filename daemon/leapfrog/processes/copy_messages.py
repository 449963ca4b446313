"""The messages between `leapfrog export --exam` and the program that writes the DICOM files of a patient's own copy
(`reader/patient_copy/copier.py`).

First a `CopySetup`, while the program still has its rights; then one job at a time, as a line of JSON, each answered
with exactly one line. If it dies, it answers nothing.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from leapfrog.exam import Frozen, Identity, PictureHints, PictureIdentity
from leapfrog.processes.messages import ReaderReady, ReportJob

Text = Annotated[str, StringConstraints(max_length=1024)]
Encoded = Annotated[str, StringConstraints(max_length=1 << 18)]  # base64
# Where pydicom's FileSet puts an object of the one patient and the one study of a copy: PS3.10 Section 8.2.
STUDY_FOLDER = "PT000000/ST000000"
FILE_ID = rf"{STUDY_FOLDER}/SE[0-9]{{6}}/[A-Z]{{2}}[0-9]{{6}}"
FileId = Annotated[str, StringConstraints(pattern=f"^{FILE_ID}$")]


class CopySetup(Frozen):
    """What is left to the program: the files that it may read, the folders in which it may write, and one on the box's
    disk for what is only needed meanwhile.
    """

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    scratch: Path
    memory_bytes: int


class PlaceJob(Frozen):
    """Write a DICOM object, which is the first `byte_count` bytes of `source`, as `place`, in a form that viewers read;
    where that cannot be, as it came, as `aside`.

    `digest` is what the bytes should have, "" if that is not known. `new_uid` is the UID that it gets because another
    has its own. A `picture` is no DICOM and becomes an object. `number` counts the files of the copy; `identity` is the
    exam's, for what the file lacks.
    """

    kind: Literal["place"] = "place"
    source: Path
    byte_count: int
    digest: str
    place: Path
    aside: Path
    sop_class_uid: str
    sop_instance_uid: str
    new_uid: str = ""
    picture: PictureIdentity | None = None
    hints: PictureHints = PictureHints()
    received_at: str
    identity: Identity
    number: int
    assumed_character_set: str = ""


class ReportObjectJob(Frozen):
    """Write the report, the PDF `source`, as a DICOM object as `place`, with this UID. `report` says what it is of."""

    kind: Literal["report"] = "report"
    source: Path
    place: Path
    sop_instance_uid: str
    identity: Identity
    number: int
    report: ReportJob


class Listed(Frozen):
    """What the directory of the medium says of a file: its series, and a record of its own, encoded in explicit VR
    little endian. Numbers are as the file has them.
    """

    series_instance_uid: Text
    series_number: int
    series_description: Text = ""
    modality: Text
    instance_number: int
    record_type: Text
    record: Encoded


class DirectoryJob(Frozen):
    """Write the DICOMDIR of `files` as `place`, and say where each of them belongs. `identity` is that of the exam,
    with nothing missing that it needs; `scratch` is an empty folder.
    """

    kind: Literal["directory"] = "directory"
    place: Path
    scratch: Path
    uid: str
    file_set_id: str
    identity: Identity
    files: tuple[Listed, ...]


class Placed(Frozen):
    """The object was written as `place`."""

    kind: Literal["placed"] = "placed"
    sop_instance_uid: Text
    listed: Listed


class PutAside(Frozen):
    """The file was written as it came, as `aside`: it cannot stand in the directory of the medium. `reason` is without
    patient data.
    """

    kind: Literal["aside"] = "aside"
    reason: Text


class LeftOut(Frozen):
    """Nothing was written: the file is missing, or its bytes are no longer those that were received."""

    kind: Literal["left_out"] = "left_out"
    reason: Text


class DirectoryWritten(Frozen):
    """The DICOMDIR was written. It has the files of the job, one by one, at these paths."""

    kind: Literal["written"] = "written"
    file_ids: tuple[FileId, ...]


class ScratchFailed(Frozen):
    """The box's own disk failed, with this errno."""

    kind: Literal["scratch_failed"] = "scratch_failed"
    errno: int


class WriteFailed(Frozen):
    """The medium failed, with this errno."""

    kind: Literal["failed"] = "failed"
    errno: int


CopyJob = Annotated[PlaceJob | ReportObjectJob | DirectoryJob, Field(discriminator="kind")]
CopyAnswer = Annotated[
    ReaderReady | Placed | PutAside | LeftOut | DirectoryWritten | ScratchFailed | WriteFailed,
    Field(discriminator="kind"),
]

COPY_JOB: TypeAdapter[CopyJob] = TypeAdapter(CopyJob)
COPY_ANSWER: TypeAdapter[CopyAnswer] = TypeAdapter(CopyAnswer)
