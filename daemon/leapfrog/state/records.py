"""The journal's rows as values, for whoever works with them."""

from dataclasses import dataclass, field, fields
from typing import Literal

from leapfrog.exam import ImageReading, PictureHints, PictureIdentity

InstanceState = Literal["received", "read", "set_aside", "forward_only"]
StudyState = Literal["open", "quiet"]
DeliveryState = Literal["waiting", "confirmed", "refused", "dismissed"]
DeliveryKind = Literal["original", "report_pdf", "overlay", "structured_report", "segmentation"]

INSTANCE_STATES: tuple[InstanceState, ...] = ("received", "read", "set_aside", "forward_only")


@dataclass(frozen=True, kw_only=True)
class StudyIdentity:
    """The key of a study: modalities reuse Study Instance UIDs, so the patient belongs to it. Any part may be ''."""

    study_instance_uid: str = ""
    patient_id: str = ""
    issuer_of_patient_id: str = ""


@dataclass(frozen=True, kw_only=True)
class FolderFile:
    """A file in a watched folder, as it was when it was taken."""

    path: str
    byte_count: int
    modified_ns: int
    inode: int


@dataclass(frozen=True, kw_only=True)
class NewInstance:
    """An instance whose bytes are durable in the spool and that the journal does not know yet.

    `owed` says whether the original goes to the district. `picture` is given for what is not DICOM.
    """

    id: str
    spool_name: str
    byte_count: int
    source: str
    study: StudyIdentity
    sop_instance_uid: str = ""
    sop_class_uid: str = ""
    owed: bool = False
    forward_as: str | None = None
    picture: PictureIdentity | None = None
    hints: PictureHints = field(default_factory=PictureHints)
    folder_file: FolderFile | None = None


@dataclass(frozen=True, kw_only=True)
class UidHolder:
    """An instance that already has a certain SOP Instance UID. `dataset_sha256` is '' until it was read."""

    id: str
    spool_name: str
    dataset_sha256: str


@dataclass(frozen=True, kw_only=True)
class InstanceRecord:
    """A row of `instances`."""

    id: str
    study_key: str
    state: InstanceState
    reason: str
    sop_instance_uid: str
    source: str
    received_at: str
    spool_name: str
    picture: PictureIdentity | None
    hints: PictureHints
    forward_as: str | None
    attempts: int
    engine_failures: int
    interruptions: int
    attempt_number: int


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """A row of `studies`."""

    key: str
    identity: StudyIdentity
    received_at: str
    received_date: str
    state: StudyState
    version: int
    published_version: int
    changes: int
    reported_changes: int
    urgent: bool
    worklist_row: str

    @property
    def changed(self) -> bool:
        """Whether readings came that no report holds yet."""
        return self.changes > self.reported_changes


@dataclass(frozen=True, kw_only=True)
class NewDelivery:
    """Something owed to the district. Its final bytes lie in the spool under `spool_name`, None until they are made."""

    id: str
    kind: DeliveryKind
    sop_class_uid: str
    sop_instance_uid: str
    spool_name: str | None
    byte_count: int


@dataclass(frozen=True, kw_only=True)
class DeliveryRecord:
    """A row of `deliveries`. `posted`: sent once without a clear answer, so ask before sending again."""

    id: str
    kind: DeliveryKind
    state: DeliveryState
    study_key: str
    instance_id: str | None
    sop_class_uid: str
    sop_instance_uid: str
    spool_name: str | None
    byte_count: int
    urgent: bool
    posted: bool
    attempts: int
    last_error: str


def columns_of(record: type[FolderFile | UidHolder | InstanceRecord | DeliveryRecord]) -> str:
    """The columns of a row that is `record`, for a query."""
    return ", ".join(column.name for column in fields(record))


@dataclass(frozen=True, kw_only=True)
class CommittedReading:
    """What one transaction writes when a reader has finished with an instance."""

    instance_id: str
    state: InstanceState
    reading: ImageReading
    dataset_sha256: str = ""
    deliveries: tuple[NewDelivery, ...] = ()
    forward_copy: NewDelivery | None = None


@dataclass(frozen=True, kw_only=True)
class CommittedReport:
    """What one transaction writes when a report was rendered; its files are durable under versioned names.

    `changes` is the study's count of changes when the report was begun. `closing`: the study was quiet then, and stays
    so unless something came in the meantime. `not_made` says, a sentence each, which DICOM objects it lacks and why.
    """

    study_key: str
    version: int
    changes: int
    closing: bool
    worklist_row: str
    urgent: bool
    deliveries: tuple[NewDelivery, ...] = ()
    not_made: tuple[str, ...] = ()
