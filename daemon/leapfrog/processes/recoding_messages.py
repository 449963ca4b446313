"""The messages between the main process and the program that re-encodes originals (`reader/recoder.py`).

One job at a time, as a line of JSON; the program answers with exactly one line. If it dies, it answers nothing.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from leapfrog.exam import Frozen
from leapfrog.processes.messages import DiskRefusal, ReaderReady


class RecodeJob(Frozen):
    """Write the original in the first `source_byte_count` bytes of `source_path`, which have the digest
    `source_digest` ("" if that is not known), into `work_dir` in the transfer syntax `transfer_syntax_uid`. The file is
    called `name`, and is durable before the answer, its record included.
    """

    kind: Literal["recode"] = "recode"
    name: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    source_path: Path
    source_byte_count: int
    source_digest: str
    work_dir: Path


class CompareJob(Frozen):
    """Find out whether two DICOM files hold the same image, in whatever transfer syntaxes."""

    kind: Literal["compare"] = "compare"
    one: Path
    other: Path
    limit_seconds: float


class Recoded(Frozen):
    """The original was written in the other transfer syntax: the first `byte_count` bytes of the file have the digest
    `digest`.
    """

    kind: Literal["recoded"] = "recoded"
    byte_count: int
    digest: str


class GoesAsItCame(Frozen):
    """The original goes as it came. `reason` says why, and names nobody."""

    kind: Literal["as_it_came"] = "as_it_came"
    reason: str


class Compared(Frozen):
    """Whether both are the same image; false too when that is not certain."""

    kind: Literal["compared"] = "compared"
    same: bool


RecoderJob = Annotated[RecodeJob | CompareJob, Field(discriminator="kind")]
RecoderAnswer = Annotated[ReaderReady | Recoded | GoesAsItCame | Compared | DiskRefusal, Field(discriminator="kind")]

RECODER_JOB: TypeAdapter[RecoderJob] = TypeAdapter(RecoderJob)
RECODER_ANSWER: TypeAdapter[RecoderAnswer] = TypeAdapter(RecoderAnswer)
