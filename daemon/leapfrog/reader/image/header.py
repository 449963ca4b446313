"""What a data set says of the patient, the exam and the image, besides its pixels."""

from pydicom.dataset import Dataset

from leapfrog.exam import Identity, ImageHeader, PictureHints
from leapfrog.reader.image.attributes import integer, text


def identity_of(dataset: Dataset) -> Identity:
    """Who and what the exam is, as received."""
    return Identity(
        patient_name=text(dataset, "PatientName"),
        patient_id=text(dataset, "PatientID"),
        issuer_of_patient_id=text(dataset, "IssuerOfPatientID"),
        birth_date=text(dataset, "PatientBirthDate"),
        sex=text(dataset, "PatientSex"),
        accession_number=text(dataset, "AccessionNumber"),
        study_instance_uid=text(dataset, "StudyInstanceUID"),
        study_id=text(dataset, "StudyID"),
        study_date=text(dataset, "StudyDate"),
        study_time=text(dataset, "StudyTime"),
        study_description=text(dataset, "StudyDescription"),
        referring_physician=text(dataset, "ReferringPhysicianName"),
    )


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
