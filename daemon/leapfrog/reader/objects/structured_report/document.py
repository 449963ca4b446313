"""The structured report as a DICOM object (Comprehensive SR Storage, PS3.3 A.35.3).

Comprehensive SR and not Comprehensive 3D SR, since older archives do not take the latter; nothing here needs it.
"""

from collections.abc import Sequence

from highdicom.sr import MeasurementReport
from highdicom.sr.utils import collect_evidence
from pydicom import Dataset
from pydicom.uid import ComprehensiveSRStorage

from leapfrog.dicom.uids import is_valid_uid
from leapfrog.exam import Identity, ImageReading
from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ReplacedObject, ReportJob
from leapfrog.reader.objects.common_modules import common_modules
from leapfrog.reader.objects.series import STRUCTURED_REPORT
from leapfrog.reader.objects.structured_report.codes import concept
from leapfrog.reader.objects.structured_report.images import groups_of
from leapfrog.reader.objects.structured_report.regions import can_be_evidence
from leapfrog.reader.objects.structured_report.statements import language, observer, procedures, statements
from leapfrog.wording.report_words import ReportWords


def structured_report(job: ReportJob, identity: Identity, words: ReportWords, speaker: Speaker) -> Dataset:
    """The report `words` of the exam `identity` as data."""
    content = _content(job, words)
    dataset = common_modules(job.station, identity, job.readings)
    dataset.SOPClassUID = ComprehensiveSRStorage
    dataset.Modality = "SR"
    STRUCTURED_REPORT.describe(dataset, job, speaker)
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.InstanceNumber = job.version
    # Nothing follows it unless another image comes: then a new version takes its place.
    dataset.CompletionFlag = "COMPLETE"
    dataset.VerificationFlag = "UNVERIFIED"
    dataset.PreliminaryFlag = "PRELIMINARY"
    dataset.PerformedProcedureCodeSequence = [concept(one) for one in procedures(job.readings)]
    study_uid = identity.study_instance_uid
    evidence = [_as_evidence(reading, study_uid) for reading in job.readings if can_be_evidence(reading)]
    same_study, other_study = collect_evidence(evidence, content, study_uid)
    if same_study:
        dataset.CurrentRequestedProcedureEvidenceSequence = same_study
    if other_study:
        dataset.PertinentOtherEvidenceSequence = other_study
    replaced = [one for one in job.replaces if one.role == "structured_report"]
    if replaced:
        dataset.PredecessorDocumentsSequence = [_predecessors(replaced, study_uid)]
    dataset.update(content)
    return dataset


def _content(job: ReportJob, words: ReportWords) -> Dataset:
    """The root of the content tree."""
    report = MeasurementReport(
        observation_context=observer(job.station),
        procedure_reported=[concept(one) for one in procedures(job.readings)],
        imaging_measurements=list(groups_of(job.readings, words)),
        language_of_content_item_and_descendants=language(),
    )
    [root] = report
    *context, measurements = root.ContentSequence
    root.ContentSequence = [*context, *statements(job.readings, words), measurements]
    # Else a viewer may run all statements together as one text, without their names (PS3.3 C.18.8).
    for container in (root, measurements, *measurements.ContentSequence):
        container.ContinuityOfContent = "SEPARATE"
    return root


def _as_evidence(reading: ImageReading, study_uid: str) -> Dataset:
    """What a reference to the image needs."""
    own = reading.identity.study_instance_uid
    item = Dataset()
    item.StudyInstanceUID = own if is_valid_uid(own) else study_uid
    item.SeriesInstanceUID = reading.header.series_instance_uid
    item.SOPClassUID = reading.header.sop_class_uid
    item.SOPInstanceUID = reading.sop_instance_uid
    return item


def _predecessors(replaced: Sequence[ReplacedObject], study_uid: str) -> Dataset:
    """The documents that this one takes the place of (PS3.3 Table C.17-2), by their series."""
    study = Dataset()
    study.StudyInstanceUID = study_uid
    study.ReferencedSeriesSequence = []
    for series_uid in dict.fromkeys(one.series_instance_uid for one in replaced):
        series = Dataset()
        series.SeriesInstanceUID = series_uid
        series.ReferencedSOPSequence = []
        for one in replaced:
            if one.series_instance_uid == series_uid:
                item = Dataset()
                item.ReferencedSOPClassUID = one.sop_class_uid
                item.ReferencedSOPInstanceUID = one.sop_instance_uid
                series.ReferencedSOPSequence.append(item)
        study.ReferencedSeriesSequence.append(series)
    return study
