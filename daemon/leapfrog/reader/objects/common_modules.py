"""What every object that carries results says of the patient, the study, the box and the models, whatever it is.

The modules Patient, General Study, General Series, General Equipment and SOP Common (PS3.3 C.7 and C.12). Attributes
that are not given are empty (type 2), or missing (type 3).
"""

from collections.abc import Sequence
from datetime import datetime

from pydicom import Dataset
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    VLEndoscopicImageStorage,
    VLMicroscopicImageStorage,
    VLPhotographicImageStorage,
)

from leapfrog.dicom.uids import is_valid_uid, mint_uid, uid_of
from leapfrog.exam import Code, Finding, Identity, ImageReading, ModelUsed
from leapfrog.processes.messages import Station
from leapfrog.reader.image.identity import IDENTITY_KEYWORDS
from leapfrog.reader.objects.dicom_object import one_value, shortened
from leapfrog.reader.objects.valid_values import valid_value

MANUFACTURER = "Leapfrog"
OPTIONAL_KEYWORDS = ("IssuerOfPatientID", "PatientAge", "StudyDescription")  # type 3: left out when not given
# Classes of images with one frame: a reference to one must not name a frame (PS3.3 Table 10-3), even where a machine
# put several into it.
ONE_FRAME = frozenset(
    (
        ComputedRadiographyImageStorage,
        CTImageStorage,
        DigitalMammographyXRayImageStorageForPresentation,
        DigitalMammographyXRayImageStorageForProcessing,
        DigitalXRayImageStorageForPresentation,
        DigitalXRayImageStorageForProcessing,
        MRImageStorage,
        PositronEmissionTomographyImageStorage,
        SecondaryCaptureImageStorage,
        UltrasoundImageStorage,
        VLEndoscopicImageStorage,
        VLMicroscopicImageStorage,
        VLPhotographicImageStorage,
    )
)
LONGEST_CODE, LONGEST_SHORT_CODE, LONGEST_SCHEME, LONGEST_MEANING = 64, 16, 16, 64  # bytes, of UC, SH, SH and LO
LONGEST_STATION_NAME = 16  # bytes (SH)
ALGORITHM_PURPOSE = Code(value="1630", scheme="99IHE", meaning="Processing Algorithm")  # IHE AI Results


def common_modules(station: Station, identity: Identity, readings: Sequence[ImageReading]) -> Dataset:
    """A data set with what is known of the exam `identity` and of those who read `readings`, under UIDs of its own."""
    now = datetime.now()
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPInstanceUID = mint_uid()
    dataset.InstanceCreationDate = dataset.ContentDate = now.strftime("%Y%m%d")
    dataset.InstanceCreationTime = dataset.ContentTime = now.strftime("%H%M%S")
    _set_identity(dataset, identity, station)
    dataset.SeriesInstanceUID = mint_uid()
    dataset.SeriesDate, dataset.SeriesTime = dataset.ContentDate, dataset.ContentTime
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = "Leapfrog kiosk"
    dataset.SoftwareVersions = station.software_version
    set_value(dataset, "StationName", shortened(station.name, LONGEST_STATION_NAME))
    models = dict.fromkeys(reading.model for reading in readings if reading.model is not None)
    if models:
        dataset.ContributingEquipmentSequence = [_algorithm(model) for model in models]
    return dataset


def set_value(dataset: Dataset, keyword: str, value: str) -> None:
    """Set what an original says; empty (type 2) where that is not valid."""
    vr = dictionary_VR(keyword)
    dataset.add_new(keyword, vr, valid_value(keyword, vr, one_value(value)) or None)


def set_if_valid(dataset: Dataset, keyword: str, value: str) -> None:
    """The same of an attribute that is left out where nothing is given (type 3)."""
    set_value(dataset, keyword, value)
    if not dataset[keyword].value:
        del dataset[keyword]


def coded(code: Code) -> Dataset:
    """An item of a code sequence (PS3.3 Section 8.8); what is too long for it, as packages may have it, is cut."""
    item = Dataset()
    value = shortened(code.value, LONGEST_CODE) or "UNKNOWN"
    if len(value) > LONGEST_SHORT_CODE:
        item.LongCodeValue = value
    else:
        item.CodeValue = value
    item.CodingSchemeDesignator = shortened(code.scheme, LONGEST_SCHEME) or "99LEAPFROG"
    item.CodeMeaning = shortened(code.meaning, LONGEST_MEANING) or "Unknown"
    return item


def can_be_referenced(reading: ImageReading) -> bool:
    """Whether another object can name the image that was read: it has both UIDs."""
    return is_valid_uid(reading.sop_instance_uid) and is_valid_uid(reading.header.sop_class_uid)


def reference_to(reading: ImageReading) -> Dataset:
    """An item that names the image that was read."""
    item = Dataset()
    item.ReferencedSOPClassUID = reading.header.sop_class_uid
    item.ReferencedSOPInstanceUID = reading.sop_instance_uid
    return item


def tracking_uid(reading: ImageReading, finding: Finding, part: int = 0) -> str:
    """By which a finding is known wherever it stands, in each version of the report, so that nobody counts it twice;
    `part` counts its outlines.
    """
    image = reading.sop_instance_uid or reading.instance_id
    return uid_of(reading.identity.study_instance_uid, image, finding.name, str(part))


def reported_frame(reading: ImageReading) -> int | None:
    """The frame that was reported, counted from 1, where a reference to the image names one."""
    has_several = reading.header.frames > 1 and reading.header.sop_class_uid not in ONE_FRAME
    return reading.frame if has_several else None


def _set_identity(dataset: Dataset, identity: Identity, station: Station) -> None:
    """Whose exam it is. The two values that an archive files by stay as received, whatever they are: else the object
    would lie beside the exam, not in it.
    """
    for field, keyword in IDENTITY_KEYWORDS.items():
        setter = set_if_valid if keyword in OPTIONAL_KEYWORDS else set_value
        setter(dataset, keyword, getattr(identity, field))
    for keyword, value in (("PatientID", identity.patient_id), ("StudyInstanceUID", identity.study_instance_uid)):
        vr = dictionary_VR(keyword)
        dataset.add(DataElement(keyword, vr, one_value(value) or None, validation_mode=IGNORE))
    if identity.patient_id and not identity.issuer_of_patient_id:
        set_if_valid(dataset, "IssuerOfPatientID", station.issuer_of_patient_id)


def _algorithm(model: ModelUsed) -> Dataset:
    item = Dataset()
    item.Manufacturer = MANUFACTURER
    item.ManufacturerModelName = model.name
    item.SoftwareVersions = model.version
    item.ContributionDescription = "Demonstration model, not a diagnosis" if model.demonstration else "Model"
    item.PurposeOfReferenceCodeSequence = [coded(ALGORITHM_PURPOSE)]
    return item
