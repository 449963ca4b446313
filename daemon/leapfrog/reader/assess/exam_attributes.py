"""The attributes of an instance that decide which model reads it."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from leapfrog.exam import ImageHeader
from leapfrog.patient_age import PatientAge
from leapfrog.reader.image.attributes import items, text

# Attributes that describe one image or its series, and attributes of the whole study, whose other images show other
# views.
IMAGE_TEXTS = (
    "SeriesDescription",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
    "ProcessingFunction",  # an ultrasound machine's preset, such as NERVE_0TO4CM
    "ImageComments",
)
STUDY_TEXTS = ("StudyDescription", "RequestedProcedureDescription", "PerformedProcedureStepDescription")

NO_AGE = PatientAge()


@dataclass(frozen=True)
class Exam:
    """The attributes of an instance that decide which model reads it. Empty means not given."""

    sop_class_uid: str = ""
    modality: str = ""
    body_part: str = ""
    view: str = ""
    image_type: str = ""
    patient_orientation: str = ""
    regions: str = ""
    view_codes: str = ""
    image_texts: str = ""
    study_texts: str = ""
    age: PatientAge = NO_AGE
    is_picture: bool = False


def exam_of(dataset: Dataset, header: ImageHeader, age: PatientAge, *, is_picture: bool) -> Exam:
    """The attributes that routing uses. `is_picture`: the instance was made from a picture file without attributes."""
    return Exam(
        sop_class_uid=header.sop_class_uid,
        modality=header.modality,
        body_part=header.body_part,
        view=header.view,
        image_type=text(dataset, "ImageType"),
        patient_orientation=text(dataset, "PatientOrientation"),
        regions=_meanings(dataset, "AnatomicRegionSequence"),
        view_codes=_meanings(dataset, "ViewCodeSequence"),
        image_texts=_joined(text(dataset, keyword) for keyword in IMAGE_TEXTS),
        study_texts=_joined(
            [*(text(dataset, keyword) for keyword in STUDY_TEXTS), _meanings(dataset, "ProcedureCodeSequence")]
        ),
        age=age,
        is_picture=is_picture,
    )


def _meanings(dataset: Dataset, keyword: str) -> str:
    return _joined(text(item, "CodeMeaning") for item in items(dataset, keyword))


def _joined(texts: Iterable[str]) -> str:
    return " / ".join(filter(None, texts))
