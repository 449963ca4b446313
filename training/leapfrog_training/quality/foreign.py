"""Pictures from DICOM files that show something else, as the kiosk shows them."""

from pathlib import Path

from leapfrog.errors import LeapfrogError
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import open_image
from leapfrog_training.errors import DatasetError
from leapfrog_training.quality.strangers import Gray


def foreign_pictures(folder: Path) -> list[Gray]:
    """The middle frame of each image in `folder` and below, cut to the region of the body, without duplicates.

    Files that the kiosk would not read are left out, since no model would see them. Raises DatasetError if there are no
    others.
    """
    pictures: dict[tuple[tuple[int, ...], bytes], Gray] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            image = open_image(open_dicom_file(path))
            gray = image.frame(image.frame_count // 2).gray()
        except LeapfrogError:
            continue
        left, top, right, bottom = image.area
        picture = gray[top:bottom, left:right].copy()
        pictures[picture.shape, picture.tobytes()] = picture
    if not pictures:
        raise DatasetError(f"{folder} has no readable DICOM image")
    return list(pictures.values())
