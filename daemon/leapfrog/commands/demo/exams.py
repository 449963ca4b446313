"""The exams that the demonstration sends, in what form, and the result that each should have."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from leapfrog.phantoms.exams import as_file, chest_exam, chest_picture, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead

Expected = Literal["assessed", "measured", "not_assessed", "set_aside"]

HEAD = FetalHead()
BROKEN_SHARE = 0.6  # the part of the broken film's pixels that is sent
PICTURE_NAME = "PHANTOM-PICTURE_PHANTOM^CHEST PICTURE.png"
PICTURE_PATTERN = r"(?P<patient_id>[^_]+)_(?P<patient_name>[^.]+)\.png"
PICTURE_FOLDER = "x-ray room"


@dataclass(frozen=True)
class SentFile:
    """A file for a watched folder; `folder` is "" for the default one, `sop_instance_uid` is "" for a picture."""

    name: str
    folder: str
    content: bytes
    sop_instance_uid: str = ""


@dataclass(frozen=True)
class DemoExam:
    """One made-up exam. `make` creates it, as an object to send over DICOM or as a file for a folder.

    `true_circumference_mm` is the circumference that the head was drawn with.
    """

    label: str
    form: str
    make: Callable[[], Dataset | SentFile]
    expected: Expected
    true_circumference_mm: float | None = None


def demo_exams() -> tuple[DemoExam, ...]:
    """Chest films in several forms, a cine of a head, an upside-down film, a broken one, and files for folders."""
    return (
        DemoExam("Chest, clear", "DICOM, uncompressed", lambda: chest_exam("clear", 1), "assessed"),
        DemoExam(
            "Chest, fluid and patches",
            "DICOM, JPEG-LS",
            lambda: chest_exam("opaque", 9, transfer_syntax=JPEGLSLossless),
            "assessed",
        ),
        DemoExam(
            "Chest, fluid and patches",
            "DICOM, RLE, MONOCHROME1",
            lambda: chest_exam("opaque", 3, transfer_syntax=RLELossless, photometric="MONOCHROME1"),
            "assessed",
        ),
        DemoExam(
            "Chest, clear",
            "DICOM, JPEG 2000",
            lambda: chest_exam("clear", 4, transfer_syntax=JPEG2000Lossless),
            "assessed",
        ),
        DemoExam("Fetal head, 20 frames", "DICOM", lambda: fetal_head_exam(HEAD, 5), "measured", HEAD.circumference_mm),
        DemoExam("Chest, upside down", "DICOM", lambda: chest_exam("clear", 6, upside_down=True), "not_assessed"),
        DemoExam("Chest, data cut short", "DICOM", _broken_film, "set_aside"),
        DemoExam(
            "Chest, fluid and patches",
            "PNG in a folder",
            lambda: SentFile(PICTURE_NAME, PICTURE_FOLDER, chest_picture("opaque", 8)),
            "assessed",
        ),
        DemoExam("Chest, clear", "DICOM file in a folder", _film_as_file, "assessed"),
    )


def _broken_film() -> Dataset:
    dataset = chest_exam("opaque", 7)
    pixels = dataset.PixelData
    dataset.PixelData = pixels[: int(len(pixels) * BROKEN_SHARE) // 2 * 2]
    return dataset


def _film_as_file() -> SentFile:
    dataset = chest_exam("clear", 9, transfer_syntax=ImplicitVRLittleEndian)
    return SentFile("PHANTOM film.dcm", "", as_file(dataset), str(dataset.SOPInstanceUID))
