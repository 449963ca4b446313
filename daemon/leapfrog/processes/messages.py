"""What crosses the wall between the main process and a reader, as frozen models that check themselves.

The lane sends one `ReadJob` or `ReportJob` at a time as a line of JSON; the reader answers with any number of
`StageNote` and then exactly one `ReadResult`, `ReportResult` or `EngineFailure`. A reader that dies answers nothing.
`EngineAttached` brings the connection to a new engine host, and `EngineReady` may come at any time after it.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from leapfrog.exam import Device, Frozen, ImageReading, PictureHints, PictureIdentity
from leapfrog.packages.signature import SignaturePolicy
from leapfrog.wording.report import WorklistRow

Stage = Literal["decoding", "inferring", "rendering"]


# ---------------------------------------------------------------- jobs


class ReadJob(Frozen):
    """Read one instance. The reader writes pictures into `report_dir` (versioned by `attempt`), spool-bound DICOM
    objects into `work_dir`, and makes all of them durable before it answers.

    `picture` is None for DICOM. `forward_as` asks for a copy under that SOP Instance UID, for an instance whose own
    UID was already taken by other content.
    """

    kind: Literal["read"] = "read"
    instance_id: str
    attempt: int
    source_path: Path
    source: str
    received_at: str
    sop_instance_uid: str = ""
    picture: PictureIdentity | None = None
    hints: PictureHints = PictureHints()
    forward_as: str | None = None
    report_dir: Path
    work_dir: Path


class Station(Frozen):
    """The box, as reports name it."""

    name: str
    ae_title: str
    language: str = "en"
    software_version: str


class ReportJob(Frozen):
    """Render one study's report, version `version`, into `report_dir` as `report-<version>.html` and so on.

    `other_patient_ids` came under the same Study Instance UID, and are shown in red. With `pdf` a PDF is made, with
    `derived` the DICOM objects that are owed to the district (encapsulated PDF, overlay as Secondary Capture) go to
    `work_dir`.
    `worklist_href` leads from the report to the worklist; empty gives no link.
    """

    kind: Literal["report"] = "report"
    study_key: str
    version: int
    received_at: str
    station: Station
    readings: tuple[ImageReading, ...]
    other_patient_ids: tuple[str, ...] = ()
    pdf: bool = True
    derived: tuple[Literal["report_pdf", "overlay"], ...] = ()
    page_size: Literal["A4", "Letter"] = "A4"
    include_heatmaps: bool = True
    worklist_href: str = ""
    report_dir: Path
    work_dir: Path


class ReaderSetup(Frozen):
    """What a reader is started with, and keeps. `model_directories` come strongest first; packages that
    `signature_policy` refuses are not loaded; of a cine, at most `frames_per_cine` frames are read.
    """

    model_directories: tuple[Path, ...]
    signature_policy: SignaturePolicy
    threads: int = 1
    frames_per_cine: int
    memory_limit_bytes: int


class EngineAttached(Frozen):
    """A new engine host: the descriptor of its connection comes with this line."""

    kind: Literal["engine"] = "engine"


# ---------------------------------------------------------------- answers


class StageNote(Frozen):
    """The reader begins a stage; the lane charges a death or a missed deadline by the last one it heard of."""

    kind: Literal["stage"] = "stage"
    stage: Stage


class ReaderReady(Frozen):
    """The reader can take a job."""

    kind: Literal["ready"] = "ready"


class EngineReady(Frozen):
    """The engine host has loaded the models and answered."""

    kind: Literal["engine_ready"] = "engine_ready"
    device: Device
    runtime: str
    runtime_version: str


ProducedRole = Literal["wrapped", "forward_copy", "report_pdf", "overlay"]


class ProducedObject(Frozen):
    """A DICOM object that the reader wrote into `work_dir`, for the spool and the district."""

    name: str
    role: ProducedRole
    sop_class_uid: str
    sop_instance_uid: str
    byte_count: int


class Artefact(Frozen):
    """A file of a report, as `report.json` lists it."""

    name: str
    sha256: str
    byte_count: int


class ReadResult(Frozen):
    """How an instance ended: `state` is the journal's next state for it."""

    kind: Literal["read_done"] = "read_done"
    instance_id: str
    state: Literal["read", "set_aside", "forward_only"]
    reading: ImageReading
    produced: tuple[ProducedObject, ...] = ()
    dataset_sha256: str = ""


class ReportResult(Frozen):
    """A rendered report: versioned files, durable in `report_dir`, not yet switched to their plain names.

    `not_made` says, a sentence each, which DICOM objects were asked for and could not be made, and why.
    """

    kind: Literal["report_done"] = "report_done"
    study_key: str
    version: int
    artefacts: tuple[Artefact, ...]
    produced: tuple[ProducedObject, ...] = ()
    not_made: tuple[str, ...] = ()
    worklist_row: WorklistRow


class EngineFailure(Frozen):
    """The engine did not answer or answered nonsense; the image is not to blame and is read again.

    Before any stage of the image was announced, it means that the engine was gone already when the image came.
    `how` tells whether the engine host ended, lives and refused, or answered what cannot be right.
    """

    kind: Literal["engine_failed"] = "engine_failed"
    detail: str
    how: Literal["ended", "refused", "wrong"] = "ended"


ReaderMessage = Annotated[
    ReaderReady | EngineReady | StageNote | ReadResult | ReportResult | EngineFailure, Field(discriminator="kind")
]
LaneMessage = Annotated[ReadJob | ReportJob | EngineAttached, Field(discriminator="kind")]

READER_MESSAGE: TypeAdapter[ReaderMessage] = TypeAdapter(ReaderMessage)
LANE_MESSAGE: TypeAdapter[LaneMessage] = TypeAdapter(LaneMessage)
