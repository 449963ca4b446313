"""The journal's rows as Python values."""

import json
from dataclasses import dataclass, field, fields
from typing import Literal

from leapfrog.exam import ImageReading, PictureHints, PictureIdentity
from leapfrog.spool_file.record import ProducedRole

InstanceState = Literal["received", "read", "set_aside", "forward_only"]
StudyState = Literal["open", "quiet"]
DeliveryState = Literal["waiting", "confirmed", "refused", "superseded", "dismissed"]
DeliveryKind = Literal[
    "original", "report_pdf", "overlay", "structured_report", "segmentation", "preview", "print"
]  # fmt: skip

DELIVERY_STATES: tuple[DeliveryState, ...] = ("waiting", "confirmed", "refused", "superseded", "dismissed")
# As what the district is owed an object that a reader made.
DELIVERED_AS: dict[ProducedRole, DeliveryKind] = {
    "wrapped": "original",
    "structured_report": "structured_report",
    "report_pdf": "report_pdf",
    "preview": "preview",
    "segmentation": "segmentation",
    "overlay": "overlay",
}
# Of a row of `instances` or `deliveries`.
EXAM_NUMBER = "coalesce((SELECT exam_number FROM studies WHERE key = study_key), '') AS exam_number"
INSTANCE_STATES: tuple[InstanceState, ...] = ("received", "read", "set_aside", "forward_only")


@dataclass(frozen=True, kw_only=True)
class StudyIdentity:
    """What identifies a study. The patient is part of it because modalities reuse Study Instance UIDs. Any field may be
    ''.
    """

    study_instance_uid: str = ""
    patient_id: str = ""
    issuer_of_patient_id: str = ""


@dataclass(frozen=True, kw_only=True)
class FolderFile:
    """A file in a watched folder, with its state when it was taken. Path, size, time and content identify it; the inode
    is a hint, since a remount may number anew. `file_digest` is that of its spool file; '' in older journals' rows.
    """

    path: str
    byte_count: int
    modified_ns: int
    inode: int
    file_digest: str = ""


@dataclass(frozen=True, kw_only=True)
class NewInstance:
    """An instance whose bytes are durable in the spool, but which is not in the journal yet.

    `byte_count` and `file_digest` are of the file's content, without its record. `arrival` grows with each instance;
    None takes the next that is free. `received_at` is local ISO time, "" for now. `owed_to` are the destinations to
    which the original is owed; `maybe_sent`, whether it may be there already. `exam_number` is what its record says; ""
    as long as its exam has none. `picture` is set only for files that are not DICOM, `reading` only where a journal is
    made anew and the report of the instance is still there.
    """

    id: str
    spool_name: str
    byte_count: int
    file_digest: str = ""
    arrival: int | None = None
    received_at: str = ""
    source: str
    study: StudyIdentity
    exam_number: str = ""
    sop_instance_uid: str = ""
    sop_class_uid: str = ""
    owed_to: tuple[str, ...] = ()
    maybe_sent: bool = False
    forward_as: str | None = None
    picture: PictureIdentity | None = None
    hints: PictureHints = field(default_factory=PictureHints)
    folder_file: FolderFile | None = None
    reading: ImageReading | None = None
    frame_count: int = 1


@dataclass(frozen=True, kw_only=True)
class UidHolder:
    """An instance that already has a certain SOP Instance UID. `dataset_sha256` is '' until it has been read,
    `file_digest` where an older Leapfrog received it.
    """

    id: str
    spool_name: str
    byte_count: int
    forward_as: str | None
    file_digest: str
    dataset_sha256: str


@dataclass(frozen=True, kw_only=True)
class InstanceRecord:
    """A row of `instances`, with the number of its exam; "" as long as that has none."""

    id: str
    study_key: str
    exam_number: str
    state: InstanceState
    reason: str
    sop_instance_uid: str
    source: str
    received_at: str
    spool_name: str
    byte_count: int
    file_digest: str
    picture: PictureIdentity | None
    hints: PictureHints
    forward_as: str | None
    attempts: int
    engine_failures: int
    interruptions: int
    attempt_number: int


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """A row of `studies`. `exam_number` is "" until it has one, at the first start after an upgrade, or after a power
    cut.
    """

    key: str
    exam_number: str = ""
    identity: StudyIdentity
    received_at: str
    received_date: str
    state: StudyState
    version: int
    published_version: int
    derived_version: int
    changes: int
    reported_changes: int
    urgent: bool
    worklist_row: str
    settled_changes: int = 0
    settled_result: str = ""

    @property
    def paper_is_settled(self) -> bool:
        """Whether it was decided what is printed of all its readings."""
        return self.settled_changes == self.changes

    @property
    def changed(self) -> bool:
        """Whether there are readings that no report contains yet."""
        return self.changes > self.reported_changes

    @property
    def replaced_models(self) -> tuple[str, ...]:
        """The models, by name and version, of which the last report says that they were replaced."""
        return tuple(json.loads(self.worklist_row).get("replaced_models", ()))

    @property
    def answers_shown(self) -> str:
        """Which answers of radiologists the last report shows (`AnswersOfExam.mark`)."""
        return str(json.loads(self.worklist_row).get("answers_mark", ""))

    @property
    def shows_number(self) -> bool:
        """Whether the last report has the number of the exam; one from before numbers were given has not."""
        return bool(json.loads(self.worklist_row).get("exam_number", "") == self.exam_number)


@dataclass(frozen=True)
class FinishedStudy:
    """A study that needs nothing more, with the names of all its spool files."""

    key: str
    received_date: str
    spool_names: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class ForgottenReport:
    """The report of a study whose rows are gone, but whose report folder may still be there."""

    key: str
    received_date: str


@dataclass(frozen=True, kw_only=True)
class NewDelivery:
    """One object owed to each of `destinations`, or a print (`prints.py`), which is owed to nobody ("") and has neither
    UIDs nor bytes of its own. Its bytes are
    the first `byte_count` of the spool file `spool_name`, which is None as long as it must not be sent yet, and have
    the digest `file_digest`. `renamed`: they hold another SOP Instance UID, and get this one on their way out.
    `posted`: it may be there already, so ask before sending.
    `id` is that of the delivery to the first destination, "" for a new one.
    """

    kind: DeliveryKind
    destinations: tuple[str, ...]
    sop_class_uid: str
    sop_instance_uid: str
    spool_name: str | None
    byte_count: int
    id: str = ""
    file_digest: str = ""
    renamed: bool = False
    posted: bool = False


@dataclass(frozen=True, kw_only=True)
class DeliveryRecord:
    """A row of `deliveries`, with the number of the exam. `posted`: sent once without a clear answer, so ask before
    sending again. `renamed`: as in NewDelivery. `failures`: how often in a row the district failed over this very
    delivery. `destination` is "" of a print.
    """

    id: str
    kind: DeliveryKind
    destination: str
    state: DeliveryState
    study_key: str
    exam_number: str
    instance_id: str | None
    sop_class_uid: str
    sop_instance_uid: str
    spool_name: str | None
    byte_count: int
    file_digest: str
    renamed: bool
    urgent: bool
    posted: bool
    attempts: int
    last_error: str
    failures: int


def columns_of(record: type[FolderFile | UidHolder | InstanceRecord | DeliveryRecord | ForgottenReport]) -> str:
    """The columns that `record` needs, for a query."""
    return ", ".join(EXAM_NUMBER if column.name == "exam_number" else column.name for column in fields(record))


@dataclass(frozen=True, kw_only=True)
class CommittedReading:
    """What one transaction writes when a reader has finished with an instance. `same_as` is the id of an instance that
    it found to show the same image.
    """

    instance_id: str
    state: InstanceState
    reading: ImageReading
    dataset_sha256: str = ""
    deliveries: tuple[NewDelivery, ...] = ()
    same_as: str | None = None


@dataclass(frozen=True, kw_only=True)
class CommittedReport:
    """What one transaction writes when a report was rendered. The files are already durable, under versioned names.

    `result` is the same for reports that come to the same.
    `changes` is the study's count of changes when rendering began. `closing` means that the study was quiet then; it
    stays quiet unless something arrived in the meantime. `not_made` holds one sentence for each DICOM object that could
    not be made, with the reason. `same_readings`: only words about the box are new, so that nothing is owed for it.
    `is_sent`: `deliveries` is all that is sent of it, and takes the place of what is owed of earlier versions.
    `replaces` are the UIDs of those results that were sent when rendering began: it names them.
    """

    study_key: str
    version: int
    changes: int
    closing: bool
    worklist_row: str
    urgent: bool
    deliveries: tuple[NewDelivery, ...] = ()
    is_sent: bool = False
    replaces: frozenset[str] = frozenset()
    not_made: tuple[str, ...] = ()
    same_readings: bool = False
    result: str = ""
