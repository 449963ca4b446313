"""The DICOMDIR of a medium (PS3.3 Annex F, PS3.10 Section 8): one patient, one study, its series and their objects, as
pydicom's FileSet writes them.

A FileSet keeps copies of what is added to it. So what it gets are stand-ins, of a few hundred bytes each, and it only
says where the objects themselves belong.
"""

from collections.abc import Iterable

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.fileset import FileSet, RecordNode
from pydicom.uid import UID

from leapfrog.errors import LeapfrogError
from leapfrog.exam import Identity
from leapfrog.processes.copy_messages import DirectoryJob, DirectoryWritten, Listed, ScratchFailed
from leapfrog.reader.image.attributes import lenient_parsing
from leapfrog.reader.objects.common_modules import set_if_valid, set_value
from leapfrog.reader.patient_copy.directory_records import UTF_8, decoded

NO_NUMBER = 5  # EIO, of an error that says no other
MIDNIGHT = "000000"
NAME = "DICOMDIR"


def write_directory(job: DirectoryJob) -> DirectoryWritten | ScratchFailed:
    """Write it. Raises OSError when the medium fails."""
    try:
        with lenient_parsing():
            written = _written(job)
            content = (job.scratch / NAME).read_bytes()
    except OSError as problem:
        return ScratchFailed(errno=problem.errno or NO_NUMBER)
    job.place.write_bytes(content)
    return written


def _written(job: DirectoryJob) -> DirectoryWritten:
    """Series are in the order of their numbers, and so are objects."""
    file_set = FileSet()
    file_set.UID, file_set.ID = UID(job.uid), job.file_set_id
    above = (_study(job.identity), _patient(job.identity))
    records = [decoded(one.record) for one in job.files]
    for one, record in sorted(zip(job.files, records, strict=True), key=lambda pair: _place_of(pair[0])):
        file_set.add_custom(_stand_in(record), _leaf(one, record, above))
    file_set.write(job.scratch)
    places = {one.SOPInstanceUID: "/".join(one["ReferencedFileID"].value) for one in file_set}
    if len(places) != len(records):
        raise LeapfrogError("Two files of the copy have one identifier.")
    return DirectoryWritten(file_ids=tuple(places[one.ReferencedSOPInstanceUIDInFile] for one in records))


def _place_of(listed: Listed) -> tuple[int, str, int]:
    return listed.series_number, listed.series_instance_uid, listed.instance_number


def _stand_in(record: Dataset) -> Dataset:
    """An object with no more than the identifiers of the one that `record` is of."""
    dataset = Dataset()
    dataset.SOPClassUID = record.ReferencedSOPClassUIDInFile
    dataset.SOPInstanceUID = record.ReferencedSOPInstanceUIDInFile
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = record.ReferencedTransferSyntaxUIDInFile
    return dataset


def _leaf(listed: Listed, record: Dataset, above: Iterable[Dataset]) -> RecordNode:
    record.DirectoryRecordType = listed.record_type
    leaf = node = RecordNode(record)
    for one in (_series(listed), *above):
        node.parent = RecordNode(one)
        node = node.parent
    return leaf


def _record(record_type: str) -> Dataset:
    record = Dataset()
    record.DirectoryRecordType = record_type
    record.SpecificCharacterSet = UTF_8
    return record


def _patient(identity: Identity) -> Dataset:
    record = _record("PATIENT")
    set_value(record, "PatientName", identity.patient_name)
    set_value(record, "PatientID", identity.patient_id)
    set_if_valid(record, "PatientBirthDate", identity.birth_date)
    set_if_valid(record, "PatientSex", identity.sex)
    return record


def _study(identity: Identity) -> Dataset:
    record = _record("STUDY")
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
    record = _record("SERIES")
    record.Modality = listed.modality
    record.SeriesInstanceUID = listed.series_instance_uid
    record.SeriesNumber = listed.series_number
    set_if_valid(record, "SeriesDescription", listed.series_description)
    return record
