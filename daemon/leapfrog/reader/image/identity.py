"""What a data set says of the patient, the exam and the image, besides its pixels."""

from pydicom.dataset import Dataset

from leapfrog.exam import Identity, ImageHeader, PictureHints
from leapfrog.reader.image.attributes import integer, text

# Where each field of an Identity stands in a data set.
IDENTITY_KEYWORDS = {
    "patient_name": "PatientName",
    "patient_id": "PatientID",
    "issuer_of_patient_id": "IssuerOfPatientID",
    "birth_date": "PatientBirthDate",
    "sex": "PatientSex",
    "accession_number": "AccessionNumber",
    "study_instance_uid": "StudyInstanceUID",
    "study_id": "StudyID",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "study_description": "StudyDescription",
    "referring_physician": "ReferringPhysicianName",
}


def identity_of(dataset: Dataset) -> Identity:
    """Who and what the exam is, as received."""
    return Identity(**{field: text(dataset, keyword) for field, keyword in IDENTITY_KEYWORDS.items()})


def header_of(dataset: Dataset, transfer_syntax_uid: str, hints: PictureHints) -> ImageHeader:
    """What the instance says of its image; `hints` fill in where it is silent."""
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
    )
