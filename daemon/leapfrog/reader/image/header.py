"""What a data set says of the patient, the exam and the image, besides its pixels."""

from pydicom.dataset import Dataset

from leapfrog.exam import Identity, ImageHeader, PictureHints
from leapfrog.reader.assess.routing import Exam
from leapfrog.reader.image.attributes import integer, items, text

# What describes one image or its series; and what describes the whole study, whose other images show other views.
IMAGE_TEXTS = (
    "SeriesDescription",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
    "ProcessingFunction",  # an ultrasound machine's preset, such as NERVE_0TO4CM
    "ImageComments",
)
STUDY_TEXTS = ("StudyDescription", "RequestedProcedureDescription", "PerformedProcedureStepDescription")


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


def exam_of(dataset: Dataset, header: ImageHeader, *, is_picture: bool) -> Exam:
    """What routing goes by. `is_picture` when the instance came as a picture that says nothing of itself."""
    return Exam(
        sop_class_uid=header.sop_class_uid,
        modality=header.modality,
        body_part=header.body_part,
        view=header.view,
        image_type=text(dataset, "ImageType"),
        patient_orientation=text(dataset, "PatientOrientation"),
        regions=_meanings(dataset, "AnatomicRegionSequence"),
        view_codes=_meanings(dataset, "ViewCodeSequence"),
        image_texts=" / ".join(filter(None, (text(dataset, keyword) for keyword in IMAGE_TEXTS))),
        study_texts=" / ".join(
            filter(
                None,
                (*(text(dataset, keyword) for keyword in STUDY_TEXTS), _meanings(dataset, "ProcedureCodeSequence")),
            )
        ),
        is_picture=is_picture,
    )


def _meanings(dataset: Dataset, keyword: str) -> str:
    return " / ".join(filter(None, (text(item, "CodeMeaning") for item in items(dataset, keyword))))
