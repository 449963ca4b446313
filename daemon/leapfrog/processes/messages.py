"""The messages between the main process and a reader, as frozen models that validate themselves.

The lane sends one `ReadJob` or `ReportJob` at a time, as a line of JSON. The reader answers with any number of
`StageNote`, then exactly one `ReadResult`, `ReportResult`, `EngineFailure` or `DiskRefusal`; if it dies, it answers
nothing. `EngineAttached` brings the connection to a new engine host. `EngineReady` may come at any time after that.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from leapfrog.answers.shown import AnswersOfExam
from leapfrog.exam import Device, Frozen, ImageReading, PictureHints, PictureIdentity
from leapfrog.language.languages import LanguageCode
from leapfrog.language.sentence import Sentence
from leapfrog.packages.local_threshold import LocalThreshold
from leapfrog.packages.signature import SignaturePolicy
from leapfrog.settings import PageSize, UnknownAge
from leapfrog.spool_file.record import DerivedKind, ProducedRole
from leapfrog.wording.content import Kind
from leapfrog.wording.report_words import WorklistRow, mark_of

Stage = Literal["decoding", "inferring", "rendering"]


# ---------------------------------------------------------------- jobs


class OtherInstance(Frozen):
    """An instance that the one to be read is compared with: the first `byte_count` bytes of `path`."""

    instance_id: str
    path: Path
    byte_count: int


class ReadJob(Frozen):
    """Read one instance. The reader writes pictures into `report_dir`, versioned by `attempt`, and DICOM objects for
    the spool into `work_dir`. It makes the contents of the objects durable before it answers; pictures, and all names,
    are durable once the lane has moved them (`lanes/desk.py`).

    The instance is the first `source_byte_count` bytes of `source_path`, which have the digest `source_digest`; "" if
    that is not known. `picture` is None for DICOM. `same_uid` are instances that came before under the same SOP
    Instance UID: this one may be the same image in another transfer syntax. Each is compared with it for at most
    `comparing_seconds`. `unknown_age` is what becomes of a patient whose age is not given, where a model was made for
    certain ages. `assumed_character_set`: of text that does not say rightly how it is encoded.
    """

    kind: Literal["read"] = "read"
    instance_id: str
    study_key: str
    attempt: int
    source_path: Path
    source_byte_count: int
    source_digest: str = ""
    source: str
    received_at: str
    sop_instance_uid: str = ""
    picture: PictureIdentity | None = None
    hints: PictureHints = PictureHints()
    unknown_age: UnknownAge
    assumed_character_set: str
    same_uid: tuple[OtherInstance, ...] = ()
    comparing_seconds: float = 0.0
    report_dir: Path
    work_dir: Path


class Station(Frozen):
    """The box, as it appears in reports. `issuer_of_patient_id` stands in what it makes where an image has none."""

    name: str
    ae_title: str
    issuer_of_patient_id: str = ""
    language: LanguageCode = "en"
    software_version: str


class EarlierExam(Frozen):
    """An earlier exam of the same patient, as its line in the worklist has it; `href` leads to its report from that of
    the later one. `taken` is the day of the exam, "" if its images do not tell.
    """

    href: str
    exam: Sentence
    taken: Sentence = Sentence("")
    received: Sentence
    images: Sentence
    kind: Kind = "not_assessed"
    headline: Sentence = Sentence("")
    urgent: bool = False

    @property
    def mark(self) -> str:
        """A shape that tells its result without colour."""
        return mark_of(self.kind, urgent=self.urgent)


class Sheet(Frozen):
    """A sheet of paper that is to be printed of a report, as the file `name` in `report_dir`.

    It is made only if the result differs from `known_result`, which is on paper already or was decided not to be; ""
    makes it in any case. `only_if`: and only if something is flagged, or urgent. `replaces` is when the last sheet was
    printed, as local ISO text, "" if there is none; the new one says so, unless it has the same result
    (`replaced_result`).
    """

    name: str
    page_size: PageSize
    known_result: str = ""
    only_if: Literal["any", "flagged", "urgent"] = "any"
    replaces: str = ""
    replaced_result: str = ""


class ReplacedObject(Frozen):
    """An object of an earlier version of the report that was sent, or may have been, and is replaced now."""

    role: ProducedRole
    version: int
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


class ReportJob(Frozen):
    """Render one study's report, version `version`, into `report_dir` as `report-<version>.html` and so on. The
    pictures of its readings are in `picture_dir`. `exam_number` is "" where the exam has none, and so is
    `code`, the signed summary that the sheet's code holds. `made_at` is when the report is made, ISO 8601.

    `other_patient_ids` are patients with the same Study Instance UID; they are shown in red. `models_in_use` are the
    versions of the packages that the box has now, by name: what another version read is marked. `pdf` asks for a PDF.
    `earlier_exams` are those of the same patient, the newest first. `answers`: what radiologists at the district said;
    it stands on the page, and in nothing that is sent there.
    `derived` asks for DICOM objects that are owed to the district, which go to `work_dir`; `replaces` are those of the
    newest version that any destination was sent; `known_previews`: the UIDs of those that need not be made again.
    `worklist_href` is the link from the report to the worklist; if
    empty, there is no link.
    `sheet`: what may be printed of it; with `only_sheet`, the version is there already and nothing else is made.
    """

    kind: Literal["report"] = "report"
    study_key: str
    exam_number: str = ""
    version: int
    received_at: str
    made_at: str = ""
    code: str = ""
    station: Station
    readings: tuple[ImageReading, ...]
    other_patient_ids: tuple[str, ...] = ()
    earlier_exams: tuple[EarlierExam, ...] = ()
    answers: AnswersOfExam = AnswersOfExam()
    models_in_use: dict[str, str] = Field(default_factory=dict)
    pdf: bool = True
    derived: tuple[DerivedKind, ...] = ()
    replaces: tuple[ReplacedObject, ...] = ()
    known_previews: tuple[str, ...] = ()
    page_size: PageSize = "A4"
    include_heatmaps: bool = True
    worklist_href: str = ""
    sheet: Sheet | None = None
    only_sheet: bool = False
    picture_dir: Path
    report_dir: Path
    work_dir: Path


class ReaderSetup(Frozen):
    """A reader's setup, which does not change while it runs. `model_directories` are sorted by priority, highest first.
    Packages that `signature_policy` refuses are not loaded. `local_thresholds` were set at this box, and their
    signatures hold; each counts for the very package that it was set for. Of a cine `frames_per_cine` frames are read,
    and of one for a head then others for `sweep_seconds`, until `sweep_until_seconds` after the reading began.
    """

    model_directories: tuple[Path, ...]
    signature_policy: SignaturePolicy
    local_thresholds: tuple[LocalThreshold, ...]
    threads: int = 1
    frames_per_cine: int
    sweep_seconds: float
    sweep_until_seconds: float
    memory_limit_bytes: int


class EngineAttached(Frozen):
    """A new engine host. The descriptor of its connection comes with this line."""

    kind: Literal["engine"] = "engine"


# ---------------------------------------------------------------- answers


class StageNote(Frozen):
    """The reader begins a stage. From the last one, the lane knows whom to charge for a death or a missed deadline."""

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


class ProducedObject(Frozen):
    """A DICOM object that the reader wrote into `work_dir`, for the spool and the district: the first `byte_count`
    bytes of the file, whose digest is `digest`. Its record follows them.
    """

    name: str
    role: ProducedRole
    sop_class_uid: str
    sop_instance_uid: str
    byte_count: int
    digest: str


class Artefact(Frozen):
    """A file of a report, as `report.json` lists it."""

    name: str
    sha256: str
    byte_count: int


class ReadResult(Frozen):
    """The outcome for an instance. `state` is its next state in the journal. `same_as` is the id of the one of
    `ReadJob.same_uid` that is the same image.
    """

    kind: Literal["read_done"] = "read_done"
    instance_id: str
    state: Literal["read", "set_aside", "forward_only"]
    reading: ImageReading
    produced: tuple[ProducedObject, ...] = ()
    dataset_sha256: str = ""
    same_as: str | None = None


class ReportResult(Frozen):
    """A rendered report: its files are in `report_dir` under versioned names, and not published yet.

    `not_made` holds one sentence for each DICOM object that was asked for and could not be made, with the reason.
    `result` is the same for reports that come to the same result; `sheet_made`: the sheet that was asked for is there.
    """

    kind: Literal["report_done"] = "report_done"
    study_key: str
    version: int
    artefacts: tuple[Artefact, ...]
    produced: tuple[ProducedObject, ...] = ()
    not_made: tuple[str, ...] = ()
    worklist_row: WorklistRow
    result: str = ""
    sheet_made: bool = False


class EngineFailure(Frozen):
    """The engine did not answer, or its answer was invalid. The image is not to blame and is read again.

    If this comes before any stage of the image, the engine was already gone when the image came. `how` is whether the
    engine host ended, is alive but refused, or gave an answer that cannot be right.
    """

    kind: Literal["engine_failed"] = "engine_failed"
    detail: str
    how: Literal["ended", "refused", "wrong"] = "ended"


class DiskRefusal(Frozen):
    """The disk of the state directory takes no more. Nobody is to blame, and the job is done again later."""

    kind: Literal["disk_refused"] = "disk_refused"
    detail: str


ReaderMessage = Annotated[
    ReaderReady | EngineReady | StageNote | ReadResult | ReportResult | EngineFailure | DiskRefusal,
    Field(discriminator="kind"),
]
LaneMessage = Annotated[ReadJob | ReportJob | EngineAttached, Field(discriminator="kind")]

READER_MESSAGE: TypeAdapter[ReaderMessage] = TypeAdapter(ReaderMessage)
LANE_MESSAGE: TypeAdapter[LaneMessage] = TypeAdapter(LaneMessage)
