"""What a data set says about the patient, the exam and the image."""

from pydicom.dataset import Dataset

from leapfrog.exam import Identity, ImageHeader, PictureHints
from leapfrog.patient_age import patient_age
from leapfrog.reader.image.attributes import integer, text
from leapfrog.reader.image.overlay_planes import GROUPS as OVERLAY_GROUPS
from leapfrog.reader.image.overlay_planes import ROWS as OVERLAY_ROWS

# The DICOM keyword of each field of an Identity.
IDENTITY_KEYWORDS = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "issuer_of_patient_id": "IssuerOfPatientID",
    "birth_date": "PatientBirthDate",
    "patient_age": "PatientAge",
    "sex": "PatientSex",
    "accession_number": "AccessionNumber",
    "study_instance_uid": "StudyInstanceUID",
    "study_id": "StudyID",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "study_description": "StudyDescription",
    "referring_physician": "ReferringPhysicianName",
}
# Where an image says when it was made, besides Study Date, which some machines leave empty.
IMAGE_DATES = ("AcquisitionDate", "SeriesDate", "ContentDate")


def identity_of(dataset: Dataset, hints: PictureHints) -> Identity:
    """The patient and the exam, as received; `hints` say the age where the image says none."""
    received = {field: text(dataset, keyword) for field, keyword in IDENTITY_KEYWORDS.items()}
    received["image_date"] = next(filter(None, (text(dataset, keyword) for keyword in IMAGE_DATES)), "")
    identity = Identity.model_validate(received)
    if hints.age_years is None or patient_age(identity).age is not None:
        return identity
    return identity.model_copy(update={"age_set_here": hints.age_years})


def header_of(dataset: Dataset, transfer_syntax_uid: str, hints: PictureHints, byte_count: int = 0) -> ImageHeader:
    """What the instance, a file of `byte_count`, says about its image; `hints` fill in what it leaves out."""
    return ImageHeader(
        sop_class_uid=text(dataset, "SOPClassUID"),
        series_instance_uid=text(dataset, "SeriesInstanceUID"),
        transfer_syntax_uid=transfer_syntax_uid,
        modality=text(dataset, "Modality") or hints.modality,
        body_part=text(dataset, "BodyPartExamined") or hints.body_part,
        view=text(dataset, "ViewPosition") or hints.view,
        laterality=text(dataset, "ImageLaterality") or text(dataset, "Laterality"),
        instance_number=text(dataset, "InstanceNumber"),
        rows=integer(dataset, "Rows") or 0,
        columns=integer(dataset, "Columns") or 0,
        frames=max(1, integer(dataset, "NumberOfFrames") or 1),
        burned_in_annotation=text(dataset, "BurnedInAnnotation"),
        has_graphics=any((group, OVERLAY_ROWS) in dataset for group in OVERLAY_GROUPS),
        byte_count=byte_count,
    )
