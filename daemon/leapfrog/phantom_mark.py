"""How an image says that it is one of Leapfrog's own phantoms. Runs on both sides."""

from pydicom.dataset import Dataset

PHANTOM_COMMENT = "LEAPFROG PHANTOM: made by a program; there is no patient"


def mark_as_phantom(dataset: Dataset) -> None:
    """Say it where DICOM has a place for it: Quality Control Image (PS3.3 C.7.6.1) and the comments."""
    dataset.QualityControlImage = "YES"
    dataset.ImageComments = PHANTOM_COMMENT
    dataset.PatientComments = PHANTOM_COMMENT


def is_phantom(dataset: Dataset) -> bool:
    """Whether the image was made by Leapfrog's own program.

    Quality Control Image alone does not say so: machines set it for test objects that they really exposed.
    """
    comments = dataset.get("ImageComments")
    return isinstance(comments, str) and comments.startswith(PHANTOM_COMMENT[:16])
