"""How an image says that it is one of Leapfrog's own phantoms."""

from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import text

MARK = "LEAPFROG PHANTOM"
PHANTOM_COMMENT = f"{MARK}: made by a program; there is no patient"


def mark_as_phantom(dataset: Dataset) -> None:
    """Say it where DICOM has a place for it: Quality Control Image (PS3.3 C.7.6.1) and the comments."""
    dataset.QualityControlImage = "YES"
    dataset.ImageComments = PHANTOM_COMMENT
    dataset.PatientComments = PHANTOM_COMMENT


def is_phantom(dataset: Dataset) -> bool:
    """Whether the image was made by Leapfrog's own program.

    Quality Control Image alone does not say so: machines set it for test objects that they really exposed.
    """
    return is_phantom_comment(text(dataset, "ImageComments"))


def is_phantom_comment(comment: object) -> bool:
    """Whether a comment, in a DICOM object or a PNG file, says so."""
    return isinstance(comment, str) and comment.startswith(MARK)
