"""The mark by which Leapfrog's own phantoms are recognised."""

from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import text

MARK = "LEAPFROG PHANTOM"
PHANTOM_COMMENT = f"{MARK}: made by a program; there is no patient"


def mark_as_phantom(dataset: Dataset) -> None:
    """Mark the object as a phantom, in Quality Control Image (PS3.3 C.7.6.1) and in the comments."""
    dataset.QualityControlImage = "YES"
    dataset.ImageComments = PHANTOM_COMMENT
    dataset.PatientComments = PHANTOM_COMMENT


def is_phantom(dataset: Dataset) -> bool:
    """Whether the image is one of Leapfrog's phantoms.

    Quality Control Image alone does not tell: machines set it for test objects that were really X-rayed.
    """
    return is_phantom_comment(text(dataset, "ImageComments"))


def is_phantom_comment(comment: object) -> bool:
    """Whether a comment, from a DICOM object or a PNG file, is a phantom's."""
    return isinstance(comment, str) and comment.startswith(MARK)
