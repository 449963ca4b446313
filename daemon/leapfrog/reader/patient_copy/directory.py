"""The DICOMDIR of a medium (PS3.3 Annex F, PS3.10 Section 8): one patient, one study, its series and their objects.

pydicom's FileSet would keep a second copy of every file while it works, and looks through all for each.
"""

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from pydicom import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from leapfrog.dicom.encoding import EXPLICIT_LITTLE
from leapfrog.dicom.part10 import file_head
from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN
from leapfrog.exam import Identity
from leapfrog.processes.copy_messages import DirectoryJob, Listed, ListedFile
from leapfrog.reader.objects.common_modules import set_if_valid, set_value
from leapfrog.reader.patient_copy.directory_records import encoded

FILE_SET_ID, FIRST_RECORD, LAST_RECORD, CONSISTENCY, RECORDS = (
    0x00041130,
    0x00041200,
    0x00041202,
    0x00041212,
    0x00041220,
)
NEXT, IN_USE, LOWER, TYPE, FILE_ID = 0x00041400, 0x00041410, 0x00041420, 0x00041430, 0x00041500
ITEM_HEAD_BYTES, SEQUENCE_HEAD_BYTES = 8, 12
MIDNIGHT = "000000"


@dataclass
class _Record:
    """A record: its type, its keys, and those below it. `offset` is where it begins in the file."""

    record_type: str
    keys: bytes
    file_id: tuple[str, ...] = ()
    below: list["_Record"] = field(default_factory=list)
    following: "_Record | None" = None
    offset: int = 0

    def item(self) -> bytes:
        """The item of the sequence of records."""
        element = EXPLICIT_LITTLE.element
        links = (
            element(NEXT, b"UL", _unsigned(self.following.offset if self.following else 0))
            + element(IN_USE, b"US", b"\xff\xff")
            + element(LOWER, b"UL", _unsigned(self.below[0].offset if self.below else 0))
            + element(TYPE, b"CS", _padded(self.record_type))
        )
        if self.file_id:
            links += element(FILE_ID, b"CS", _padded("\\".join(self.file_id)))
        return EXPLICIT_LITTLE.item(links + self.keys)


def dicomdir(job: DirectoryJob) -> bytes:
    """The file."""
    patient = _tree(job.identity, job.files)
    records = tuple(_in_order([patient]))
    element = EXPLICIT_LITTLE.element
    head = file_head(MediaStorageDirectoryStorage.encode(), job.uid.encode(), EXPLICIT_LITTLE_ENDIAN.encode())
    head += element(FILE_SET_ID, b"CS", _padded(job.file_set_id))
    root_bytes = len(_root(0))
    offset = len(head) + root_bytes + SEQUENCE_HEAD_BYTES
    for record in records:
        record.offset = offset
        offset += len(record.item())  # as long as it will be with its links
    return head + _root(patient.offset) + element(RECORDS, b"SQ", b"".join(record.item() for record in records))


def _root(offset: int) -> bytes:
    element = EXPLICIT_LITTLE.element
    return (
        element(FIRST_RECORD, b"UL", _unsigned(offset))
        + element(LAST_RECORD, b"UL", _unsigned(offset))
        + element(CONSISTENCY, b"US", b"\0\0")
    )


def _tree(identity: Identity, files: Iterable[ListedFile]) -> _Record:
    """The records, from that of the patient on. Series are in the order of their numbers, and so are objects."""
    patient = _Record("PATIENT", encoded(_patient(identity)))
    study = _Record("STUDY", encoded(_study(identity)))
    patient.below.append(study)
    by_series = sorted(files, key=lambda one: (one.listed.series_number, one.listed.series_instance_uid))
    for _, members in groupby(by_series, key=lambda one: one.listed.series_instance_uid):
        ordered = sorted(members, key=lambda one: (one.listed.instance_number, one.file_id))
        series = _Record("SERIES", encoded(_series(ordered[0].listed)))
        series.below = [_Record(one.listed.record_type, b64decode(one.listed.record), one.file_id) for one in ordered]
        _link(series.below)
        study.below.append(series)
    _link(study.below)
    return patient


def _link(records: list[_Record]) -> None:
    for record, following in pairwise(records):
        record.following = following


def _in_order(records: Iterable[_Record]) -> Iterator[_Record]:
    for record in records:
        yield record
        yield from _in_order(record.below)


def _patient(identity: Identity) -> Dataset:
    record = Dataset()
    set_value(record, "PatientName", identity.patient_name)
    set_value(record, "PatientID", identity.patient_id)
    set_if_valid(record, "PatientBirthDate", identity.birth_date)
    set_if_valid(record, "PatientSex", identity.sex)
    return record


def _study(identity: Identity) -> Dataset:
    record = Dataset()
    set_value(record, "StudyDate", identity.study_date)
    set_value(record, "StudyTime", identity.study_time)
    if not record.StudyTime:
        record.StudyTime = MIDNIGHT
    set_value(record, "StudyDescription", identity.study_description)
    set_value(record, "AccessionNumber", identity.accession_number)
    set_value(record, "StudyID", identity.study_id)
    record.StudyInstanceUID = identity.study_instance_uid
    return record


def _series(listed: Listed) -> Dataset:
    record = Dataset()
    record.Modality = listed.modality
    record.SeriesInstanceUID = listed.series_instance_uid
    record.SeriesNumber = listed.series_number
    set_if_valid(record, "SeriesDescription", listed.series_description)
    return record


def _unsigned(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _padded(text: str) -> bytes:
    return text.encode("ascii") + b" " * (len(text) % 2)
