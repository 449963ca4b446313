"""What crosses the wall between the main process and a reader, as frozen models that check themselves.

The lane sends one `ReadJob` or `ReportJob` at a time as a line of JSON; the reader answers with any number of
`StageNote` and then exactly one `ReadResult`, `ReportResult` or `EngineFailure`. A reader that dies answers nothing.
`EngineAttached` brings the connection to a new engine host, and `EngineReady` may come at any time after it.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from leapfrog.packages.signature import SignaturePolicy

REPORT_SCHEMA_VERSION = 1

Outcome = Literal["findings", "nothing_found", "not_assessed"]
Device = Literal["cpu", "edgetpu"]
Stage = Literal["decoding", "inferring", "rendering"]


class Frozen(BaseModel):
    """A value: it cannot change and refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# ---------------------------------------------------------------- what a reading says


class Code(Frozen):
    """A coded concept (PS3.16): `scheme` is the coding scheme designator, such as SCT, LN or DCM."""

    value: str
    scheme: str
    meaning: str


class Region(Frozen):
    """A rectangle on the displayed picture, as fractions (0 to 1) of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


class Measurement(Frozen):
    """A measured value with its unit (UCUM)."""

    name: str
    code: Code | None = None
    value: float
    unit: str


class Finding(Frozen):
    """One statement that a model makes about an image. `score` and `threshold` are 0 to 1; `contour` holds (x, y)
    points as fractions of the picture's width and height; `note` is a sentence for staff beside the finding.
    """

    name: str
    code: Code
    score: float
    threshold: float
    flagged: bool
    urgent: bool = False
    region: Region | None = None
    contour: tuple[tuple[float, float], ...] | None = None
    measurement: Measurement | None = None
    note: str = ""


class ModelUsed(Frozen):
    """The model package that spoke, and on what device it ran."""

    name: str
    version: str
    device: Device
    demonstration: bool


class Quality(Frozen):
    """How far the image resembles what the model was made for: `score` against `limit`, larger is stranger."""

    acceptable: bool
    score: float | None = None
    limit: float | None = None
    detail: str = ""


class Identity(Frozen):
    """Who and what the exam is, as received; empty means not given. Dates are DICOM's YYYYMMDD."""

    patient_name: str = ""
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    birth_date: str = ""
    sex: str = ""
    accession_number: str = ""
    study_instance_uid: str = ""
    study_id: str = ""
    study_date: str = ""
    study_time: str = ""
    study_description: str = ""
    referring_physician: str = ""


class ImageHeader(Frozen):
    """What the instance says of its own image."""

    sop_class_uid: str = ""
    series_instance_uid: str = ""
    transfer_syntax_uid: str = ""
    modality: str = ""
    body_part: str = ""
    view: str = ""
    laterality: str = ""
    instance_number: str = ""
    rows: int = 0
    columns: int = 0
    frames: int = 1


class HeatmapPicture(Frozen):
    """A picture in the study's report directory that shows where the model looked for one finding."""

    finding: str
    file: str


class ImageReading(Frozen):
    """All that is known of one instance once it was read; one entry of `images` in `report.json`.

    `plain` and `overlay` name files in the study's report directory; `frame` is the 1-based frame that they show.
    `heatmaps` has one picture per flagged finding when several are flagged; `overlay` shows them all together.
    """

    instance_id: str
    sop_instance_uid: str
    source: str
    identity: Identity
    header: ImageHeader
    model: ModelUsed | None = None
    outcome: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    quality: Quality | None = None
    plain: str | None = None
    overlay: str | None = None
    heatmaps: tuple[HeatmapPicture, ...] = ()
    frame: int = 1
    phantom: bool = False
    milliseconds: dict[str, float] = Field(default_factory=dict)


# ---------------------------------------------------------------- jobs


class PictureHints(Frozen):
    """What the folder of a picture that is not DICOM says about it ([[folder.watch]])."""

    modality: str = ""
    body_part: str = ""
    view: str = ""
    pixel_spacing_mm: float | None = None


class PictureIdentity(Frozen):
    """What a picture is filed under: names from its file name, UIDs minted once at intake."""

    patient_id: str = ""
    patient_name: str = ""
    accession_number: str = ""
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


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

    `conflicts` are sentences about differing identities, shown in red. With `pdf` a PDF is made, with `derived` the
    DICOM objects that are owed to the district (encapsulated PDF, overlay as Secondary Capture) go to `work_dir`.
    `worklist_href` leads from the report to the worklist; empty gives no link.
    """

    kind: Literal["report"] = "report"
    study_key: str
    version: int
    received_at: str
    station: Station
    readings: tuple[ImageReading, ...]
    conflicts: tuple[str, ...] = ()
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
