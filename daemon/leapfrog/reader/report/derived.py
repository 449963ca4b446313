"""The DICOM objects that carry a report to the district: the PDF (Encapsulated PDF Storage) and each overlay (Secondary
Capture).

Both are for people and complete in themselves, since few viewers show structured reports well. They keep the patient
and study as received, in a new series and under a SOP Instance UID made once.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pydicom import Dataset
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate
from pydicom.uid import (
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
)

from leapfrog.dicom.uids import is_valid_uid, mint_uid
from leapfrog.exam import Code, Identity, ImageReading, ModelUsed
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ProducedObject, ReportJob
from leapfrog.reader.image.identity import IDENTITY_KEYWORDS
from leapfrog.reader.objects.dicom_object import describe_pixels, one_value, write_object
from leapfrog.reader.objects.finished_object import Purpose
from leapfrog.reader.report.caption import Line, captioned_jpeg
from leapfrog.reader.report.pdf import render_pdf
from leapfrog.wording.report_words import FindingRow, ImageWords, ReportWords

MANUFACTURER = "Leapfrog"
OPTIONAL_KEYWORDS = ("IssuerOfPatientID", "PatientAge", "StudyDescription")  # type 3: left out when not given
PDF_SERIES_NUMBER = 9001
OVERLAY_SERIES_NUMBER = 9002
DRAWN = sentence("What the model flagged or outlined, drawn on the displayed picture")
WRITTEN_BELOW = sentence("What the model flagged, written under the displayed picture")
REPORT_SERIES = sentence("Leapfrog report, not a diagnosis")
OVERLAY_SERIES = sentence("Leapfrog overlay, not a diagnosis")
REPORT_TITLE = sentence("Leapfrog report")
LONGEST_LO = 64  # characters: PS3.5 Section 6.2
# A finding on the band below a picture, where nothing else tells its score.
SCORED = sentence("{finding}: {result} (score {score}, threshold {threshold})")
SCORED_URGENT = sentence("{finding}: {result} (score {score}, threshold {threshold}, urgent from {urgent})")

ALGORITHM_PURPOSE = Code(value="1630", scheme="99IHE", meaning="Processing Algorithm")  # IHE AI Results
SOURCE_PURPOSE = Code(value="121322", scheme="DCM", meaning="Source image for image processing operation")
XRAY_REPORT = Code(value="43468-8", scheme="LN", meaning="X-Ray Report")
ULTRASOUND_REPORT = Code(value="25061-3", scheme="LN", meaning="Ultrasound Report")
IMAGING_REPORT = Code(value="18748-4", scheme="LN", meaning="Diagnostic Imaging Report")
REPORT_TITLES = {"CR": XRAY_REPORT, "DX": XRAY_REPORT, "DR": XRAY_REPORT, "US": ULTRASOUND_REPORT}  # CID 7000


def make_derived(
    job: ReportJob, identity: Identity, words: ReportWords, speaker: Speaker
) -> tuple[tuple[ProducedObject, ...], tuple[str, ...]]:
    """Write the objects that `job.derived` names into `job.work_dir`, synced. Returns those that were made, and a
    sentence for each one that could not be.

    `identity` says whose exam it is. Without a usable Study Instance UID none can be made, because no archive could
    file them.
    """
    if not is_valid_uid(identity.study_instance_uid):
        reason = "The images have no Study Instance UID, so the report cannot be filed with them at the district."
        return (), (reason,)
    produced = []
    if "report_pdf" in job.derived:
        pdf = render_pdf(words, speaker, job.picture_dir, job.page_size, detail="line")
        dataset = _encapsulated_pdf(job, identity, speaker, pdf)
        purpose = Purpose("report_pdf", job.study_key, version=job.version)
        produced.append(write_object(dataset, purpose, job.work_dir / "report_pdf.dcm", ExplicitVRLittleEndian))
    if "overlay" in job.derived:
        series_uid = mint_uid()
        for reading, image in zip(job.readings, words.images, strict=True):
            # Where the model does not tell the place, what it flagged stands under the picture as it is.
            picture = image.overlay or (image.plain if image.no_place else None)
            if picture is not None:
                dataset = _overlay(job, reading, image, job.picture_dir / picture.file, words.disclaimer, speaker)
                if not is_valid_uid(reading.identity.study_instance_uid):
                    dataset.StudyInstanceUID = identity.study_instance_uid
                dataset.SeriesInstanceUID = series_uid
                out = job.work_dir / f"overlay-{image.number}.dcm"
                produced.append(
                    write_object(dataset, Purpose("overlay", job.study_key, version=job.version), out, JPEGBaseline8Bit)
                )
    return tuple(produced), ()


def _encapsulated_pdf(job: ReportJob, identity: Identity, speaker: Speaker, pdf: bytes) -> Dataset:
    """The report's PDF as an object (PS3.3 A.45.1)."""
    dataset = _common(job, identity, job.readings)
    dataset.SOPClassUID = EncapsulatedPDFStorage
    dataset.Modality = "DOC"
    dataset.SeriesNumber = PDF_SERIES_NUMBER
    dataset.SeriesDescription = _short(speaker, REPORT_SERIES)
    dataset.InstanceNumber = job.version
    dataset.AcquisitionDateTime = ""
    dataset.DocumentTitle = speaker.say(REPORT_TITLE)
    titles = {REPORT_TITLES.get(reading.header.modality, IMAGING_REPORT) for reading in job.readings}
    dataset.ConceptNameCodeSequence = [_code(titles.pop() if len(titles) == 1 else IMAGING_REPORT)]
    dataset.VerificationFlag = "UNVERIFIED"
    dataset.SourceInstanceSequence = [_reference(reading) for reading in job.readings if _can_be_referenced(reading)]
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = len(pdf)
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return dataset


def _overlay(
    job: ReportJob, reading: ImageReading, image: ImageWords, picture: Path, disclaimer: Sentence, speaker: Speaker
) -> Dataset:
    """An overlay as an object (PS3.3 A.8.1), with the findings written under the picture."""
    jpeg = captioned_jpeg(picture, list(_said_below(_caption(image, disclaimer), speaker)))
    dataset = _common(job, reading.identity, [reading])
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.Modality = "OT"
    dataset.SeriesNumber = OVERLAY_SERIES_NUMBER
    dataset.SeriesDescription = _short(speaker, OVERLAY_SERIES)
    dataset.InstanceNumber = image.number
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.DerivationDescription = speaker.say(DRAWN if image.overlay is not None else WRITTEN_BELOW)
    dataset.PatientOrientation = None
    if _can_be_referenced(reading):
        source = _reference(reading)
        if reading.header.frames > 1:
            source.ReferencedFrameNumber = reading.frame
        source.PurposeOfReferenceCodeSequence = [_code(SOURCE_PURPOSE)]
        dataset.SourceImageSequence = [source]
    _set(dataset, "BodyPartExamined", reading.header.body_part)
    describe_pixels(dataset, (jpeg.height, jpeg.width, 3), 8, "YBR_FULL_422")
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"
    dataset.LossyImageCompressionRatio = round(jpeg.height * jpeg.width * 3 / len(jpeg.content), 1)
    dataset.PixelData = encapsulate([jpeg.content])
    dataset["PixelData"].is_undefined_length = True
    return dataset


def _caption(image: ImageWords, disclaimer: Sentence) -> list[Sentence]:
    """Everything that the report says about the image, for viewers that show only pixels."""
    notable = [row for row in image.rows if row.kind != "nothing_flagged"]
    lines = [line for line in (image.headline.caution, image.headline.text, image.headline.detail) if line]
    lines += [_finding(row) for row in notable]
    if image.overlay is not None:
        lines.append(image.overlay.caption)
    lines += [line for line in (image.no_place, image.view, image.frames) if line]
    said = (*lines, image.not_covered, image.made_for, image.image_check, image.model, disclaimer)
    return [line for line in said if line]


def _said_below(lines: Sequence[Sentence], speaker: Speaker) -> Iterator[Line]:
    """The lines in the language of the station, and below each its English, where no native reader has reviewed it."""
    for said in lines:
        yield Line(speaker.say(said), speaker.language)
        if english := speaker.english(said):
            yield Line(english)


def _short(speaker: Speaker, said: Sentence) -> str:
    """A sentence for an attribute of VR LO; in English if it would be too long."""
    text = speaker.say(said)
    return text if len(text) <= LONGEST_LO else str(said)


def _finding(row: FindingRow) -> Sentence:
    """`Nodule: FLAGGED, above the threshold (score 0.87, threshold 0.41)`."""
    values = {
        "finding": row.name,
        "result": row.graded,
        "score": row.score,
        "threshold": row.threshold,
    }
    if row.urgent_threshold:
        return SCORED_URGENT.format(**values, urgent=row.urgent_threshold)
    return SCORED.format(**values)


def _common(job: ReportJob, identity: Identity, readings: Sequence[ImageReading]) -> Dataset:
    """Patient, study, series, equipment and SOP common modules; attributes not given are empty (type 2)."""
    now = datetime.now()
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPInstanceUID = mint_uid()
    dataset.InstanceCreationDate = dataset.ContentDate = now.strftime("%Y%m%d")
    dataset.InstanceCreationTime = dataset.ContentTime = now.strftime("%H%M%S")
    for field, keyword in IDENTITY_KEYWORDS.items():
        value = getattr(identity, field)
        if value or keyword not in OPTIONAL_KEYWORDS:
            _set(dataset, keyword, value)
    dataset.SeriesInstanceUID = mint_uid()
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = "Leapfrog kiosk"
    dataset.SoftwareVersions = job.station.software_version
    _set(dataset, "StationName", job.station.name[:16])
    dataset.ConversionType = "WSD"
    dataset.BurnedInAnnotation = "YES"
    models = dict.fromkeys(reading.model for reading in readings if reading.model is not None)
    if models:
        dataset.ContributingEquipmentSequence = [_algorithm(model) for model in models]
    return dataset


def _set(dataset: Dataset, keyword: str, value: str) -> None:
    """Set a value as received, even if it breaks the rules of its VR."""
    element = Dataset()
    setattr(element, keyword, None)
    template = element[keyword]
    dataset.add(DataElement(template.tag, template.VR, one_value(value) or None, validation_mode=IGNORE))


def _algorithm(model: ModelUsed) -> Dataset:
    item = Dataset()
    item.Manufacturer = MANUFACTURER
    item.ManufacturerModelName = model.name
    item.SoftwareVersions = model.version
    item.ContributionDescription = "Demonstration model, not a diagnosis" if model.demonstration else "Model"
    item.PurposeOfReferenceCodeSequence = [_code(ALGORITHM_PURPOSE)]
    return item


def _code(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning
    return item


def _can_be_referenced(reading: ImageReading) -> bool:
    return is_valid_uid(reading.sop_instance_uid) and is_valid_uid(reading.header.sop_class_uid)


def _reference(reading: ImageReading) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reading.header.sop_class_uid
    item.ReferencedSOPInstanceUID = reading.sop_instance_uid
    return item
