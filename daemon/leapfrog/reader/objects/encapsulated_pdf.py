"""The report's PDF as a DICOM object (Encapsulated PDF Storage, PS3.3 A.45.1)."""

from pydicom import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from leapfrog.exam import Code, Identity
from leapfrog.language.sentence import sentence
from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ReportJob
from leapfrog.reader.objects.common_modules import can_be_referenced, coded, common_modules, reference_to
from leapfrog.reader.objects.series import REPORT

REPORT_TITLE = sentence("Leapfrog report")
XRAY_REPORT = Code(value="43468-8", scheme="LN", meaning="X-Ray Report")
ULTRASOUND_REPORT = Code(value="25061-3", scheme="LN", meaning="Ultrasound Report")
IMAGING_REPORT = Code(value="18748-4", scheme="LN", meaning="Diagnostic Imaging Report")
REPORT_TITLES = {"CR": XRAY_REPORT, "DX": XRAY_REPORT, "DR": XRAY_REPORT, "US": ULTRASOUND_REPORT}  # CID 7000


def encapsulated_pdf(job: ReportJob, identity: Identity, speaker: Speaker, pdf: bytes) -> Dataset:
    """The report `pdf` of the exam `identity`."""
    dataset = common_modules(job.station, identity, job.readings)
    dataset.SOPClassUID = EncapsulatedPDFStorage
    dataset.Modality = "DOC"
    dataset.ConversionType = "WSD"
    dataset.BurnedInAnnotation = "YES"
    REPORT.describe(dataset, job, speaker)
    dataset.InstanceNumber = job.version
    dataset.AcquisitionDateTime = ""
    dataset.DocumentTitle = speaker.say(REPORT_TITLE)
    titles = {REPORT_TITLES.get(reading.header.modality, IMAGING_REPORT) for reading in job.readings}
    dataset.ConceptNameCodeSequence = [coded(titles.pop() if len(titles) == 1 else IMAGING_REPORT)]
    dataset.VerificationFlag = "UNVERIFIED"
    if sources := [reference_to(reading) for reading in job.readings if can_be_referenced(reading)]:
        dataset.SourceInstanceSequence = sources
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = len(pdf)
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return dataset
