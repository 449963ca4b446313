"""Writes one object of an exam on the medium, and says what its directory is to say of it."""

import errno
from datetime import datetime
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated
from leapfrog.dicom.uids import is_valid_uid, uid_of
from leapfrog.errors import CannotBeRenamed, StorageError, UnreadableImage
from leapfrog.language.speaker import Speaker
from leapfrog.processes.copy_messages import LeftOut, Placed, PlaceJob, PutAside, ReportObjectJob
from leapfrog.reader.image.attributes import text
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.objects.dicom_object import write_file
from leapfrog.reader.objects.encapsulated_pdf import encapsulated_pdf
from leapfrog.reader.objects.finished_object import Purpose
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.originals.wrapping import wrap_picture
from leapfrog.reader.patient_copy.directory_records import listed
from leapfrog.reader.patient_copy.plain_form import add_identifiers, write_as_it_came, write_plain
from leapfrog.spool_file.checked import file_problem

IDENTIFIERS = {0x00080018: "SOPInstanceUID", 0x0020000D: "StudyInstanceUID", 0x0020000E: "SeriesInstanceUID"}
DIFFERENT = "It says in two ways what it is."
NOT_WRITTEN = "It cannot be written in a form that viewers read."
TOO_MUCH = "It needs more room than it is allowed."
# Why an object cannot be written as viewers read it. Their texts may quote a file, and go nowhere.
REFUSALS = (CannotBeRenamed, DatasetMalformed, DatasetTruncated, StorageError, UnreadableImage)


def place(job: PlaceJob) -> Placed | PutAside | LeftOut:
    """Do `job`. Raises OSError when the medium fails."""
    problem = file_problem(job.source, job.byte_count, job.digest)
    if problem is not None:
        return LeftOut(reason=problem)
    try:
        if job.picture is not None:
            _wrap(job)
        else:
            write_plain(job.source, job.byte_count, (job.sop_class_uid, job.sop_instance_uid), job.new_uid, job.place)
        return _placed(job)
    except AsItCame as refusal:
        reason = str(refusal)
    except REFUSALS:
        reason = NOT_WRITTEN
    except MemoryError:
        reason = TOO_MUCH
    except OSError as failure:
        if failure.errno != errno.EFBIG:
            raise
        reason = TOO_MUCH
    job.place.unlink(missing_ok=True)
    uids = (job.sop_class_uid, job.sop_instance_uid)
    write_as_it_came(job.source, job.byte_count, uids, job.aside, dicom=job.picture is None)
    return PutAside(reason=reason)


def _wrap(job: PlaceJob) -> None:
    """Make an object of a picture, without the record that it would have in the spool."""
    if job.picture is None:
        return
    purpose = Purpose(role="wrapped", study_key="")
    made = wrap_picture(job.source, job.picture, job.hints, job.received_at, job.place, purpose, job.byte_count)
    with job.place.open("r+b") as stream:
        stream.truncate(made.byte_count)


def _placed(job: PlaceJob) -> Placed:
    """What the object that was written says of itself. Raises AsItCame where it is not what the journal has it for."""
    dataset = _opened(job.place, job.assumed_character_set)
    lacking = {tag: _identifier(job, tag) for tag, keyword in IDENTIFIERS.items() if not text(dataset, keyword)}
    if lacking:
        add_identifiers(job.place, lacking)
        dataset = _opened(job.place, job.assumed_character_set)
    if any(not is_valid_uid(text(dataset, keyword)) for keyword in IDENTIFIERS.values()):
        raise AsItCame(DIFFERENT)
    syntax = open_dicom_file(job.place).transfer_syntax_uid
    day = job.identity.study_date or job.identity.image_date
    said = listed(dataset, syntax, number=job.number, day=day)
    return Placed(sop_instance_uid=text(dataset, "SOPInstanceUID"), listed=said)


def _opened(path: Path, assumed_character_set: str) -> Dataset:
    file = open_dicom_file(path, assumed_character_set=assumed_character_set)
    if file.damage:
        raise AsItCame(NOT_WRITTEN)
    return file.dataset


def _identifier(job: PlaceJob, tag: int) -> str:
    """One that an object lacks: the same, whenever the exam is copied."""
    study = job.identity.study_instance_uid
    instance = job.new_uid or job.sop_instance_uid
    return {0x00080018: instance, 0x0020000D: study, 0x0020000E: uid_of(study, "series without an identifier")}[tag]


def place_report(job: ReportObjectJob) -> Placed:
    """Write the report. Raises OSError when the medium fails, or when the report is gone."""
    speaker = Speaker(job.report.station.language)
    dataset = encapsulated_pdf(job.report, job.identity, speaker, job.source.read_bytes())
    dataset.SOPInstanceUID = job.sop_instance_uid
    dataset.SeriesInstanceUID = uid_of(job.sop_instance_uid, "series")
    made = datetime.fromisoformat(job.report.made_at)  # not now: each copy of a report is the same object
    for name in ("InstanceCreation", "Content", "Series"):
        setattr(dataset, f"{name}Date", made.strftime("%Y%m%d"))
        setattr(dataset, f"{name}Time", made.strftime("%H%M%S"))
    with job.place.open("w+b") as stream:
        write_file(dataset, stream, ExplicitVRLittleEndian)
    said = listed(dataset, ExplicitVRLittleEndian, number=job.number, day=made.strftime("%Y%m%d"))
    return Placed(sop_instance_uid=job.sop_instance_uid, listed=said)
