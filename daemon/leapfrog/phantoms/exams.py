"""Phantoms as DICOM objects, in the forms that machines send."""

from datetime import datetime
from hashlib import sha256
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    UltrasoundMultiFrameImageStorage,
)

from leapfrog.phantoms import chest, fetal_head
from leapfrog.phantoms.fetal_head import FetalHead, draw_fetal_head
from leapfrog.reader.image.phantom_mark import PHANTOM_COMMENT, mark_as_phantom
from leapfrog.reader.objects.dicom_object import describe_pixels

MANUFACTURER = "Leapfrog phantom"
WHEN = datetime(2026, 1, 1, 8, 0)
GROWN, MOTHER = "046Y", "027Y"  # Patient's Age on the films, and on the ultrasound loops
PLATE_BITS = 12
PLATE_SPACING_MM = 0.168
FRAME_MILLISECONDS = 66.0
SCREEN_ROWS, SCREEN_COLUMNS = 720, 1024
AREA_LEFT, AREA_TOP = 112, 96  # of the ultrasound image on the machine's screen
SCREEN_TEXT = "PHANTOM    made by a program    no patient"


def chest_exam(
    lungs: chest.Lungs,
    seed: int,
    *,
    transfer_syntax: UID = ExplicitVRLittleEndian,
    photometric: str = "MONOCHROME2",
    upside_down: bool = False,
) -> Dataset:
    """A made-up frontal chest film as a CR image, 2048 x 2500, 12 bits.

    With photometric "MONOCHROME1" the stored values are inverted, so that the picture looks the same. Equal arguments
    give equal objects, including their UIDs.
    """
    plate = chest.draw_chest(lungs, seed)
    if upside_down:
        plate = np.ascontiguousarray(np.rot90(plate, 2))
    kind = f"{lungs} turned" if upside_down else lungs
    form = f"{photometric} {transfer_syntax}"
    patient = ("M", GROWN)
    dataset = _exam(ComputedRadiographyImageStorage, f"CHEST {kind} {seed}", f"C{seed}-{kind}", form, patient)
    dataset.Modality = "CR"
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = "PA"
    dataset.PatientOrientation = ["L", "F"]
    dataset.StudyDescription = "PHANTOM chest"
    dataset.SeriesDescription = "PHANTOM chest PA"
    dataset.ImagerPixelSpacing = [PLATE_SPACING_MM, PLATE_SPACING_MM]
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    largest = 2**PLATE_BITS - 1
    stored = largest - plate if photometric == "MONOCHROME1" else plate
    _set_pixels(dataset, stored.astype(np.uint16), photometric, PLATE_BITS)
    return _encoded(dataset, transfer_syntax)


def chest_picture(lungs: chest.Lungs, seed: int) -> bytes:
    """The same film as a machine without DICOM would export it: an 8-bit PNG."""
    gray = (chest.draw_chest(lungs, seed) >> (PLATE_BITS - 8)).astype(np.uint8)
    stream = BytesIO()
    comment = PngInfo()
    comment.add_text("Comment", PHANTOM_COMMENT)
    small = Image.fromarray(gray).resize((chest.COLUMNS // 2, chest.ROWS // 2))
    small.save(stream, format="PNG", compress_level=1, pnginfo=comment)
    return stream.getvalue()


def fetal_head_exam(head: FetalHead, seed: int, *, frames: int = 20) -> Dataset:
    """A made-up cine of a fetal head on an ultrasound machine's screen; a region gives the image's area and spacing."""
    form = f"{head} {ExplicitVRLittleEndian}"
    dataset = _exam(UltrasoundMultiFrameImageStorage, f"HEAD {seed}", f"H{seed}", form, ("F", MOTHER))
    dataset.Modality = "US"
    dataset.BodyPartExamined = "FETUS"
    dataset.StudyDescription = "PHANTOM obstetric ultrasound"
    dataset.SeriesDescription = "PHANTOM fetal head"
    dataset.NumberOfFrames = frames
    dataset.FrameTime = FRAME_MILLISECONDS
    dataset.FrameIncrementPointer = 0x00181063
    dataset.SequenceOfUltrasoundRegions = [_region(head.pixel_spacing_mm)]
    _set_pixels(dataset, _screens(draw_fetal_head(head, frames, seed)), "MONOCHROME2", 8)
    return _encoded(dataset, ExplicitVRLittleEndian)


def as_file(dataset: Dataset) -> bytes:
    """The object as a DICOM file (PS3.10)."""
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _exam(sop_class: UID, name: str, number: str, form: str, patient: tuple[str, str]) -> Dataset:
    """What all phantoms have in common; `patient` is Patient's Sex and Patient's Age. `form` is whatever else
    distinguishes this one: a UID must never have different content.
    """
    sex, age = patient
    form = f"{form} {sex} {age}"
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = _uid(number, form, "instance")
    dataset.StudyInstanceUID = _uid(number, form, "study")
    dataset.SeriesInstanceUID = _uid(number, form, "series")
    dataset.PatientName = f"PHANTOM^{name.upper()}"
    dataset.PatientID = f"PHANTOM-{number.upper().replace(' ', '-')}"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = sex
    dataset.PatientAge = age
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyID = number[:16]
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = f"{WHEN:%Y%m%d}"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = f"{WHEN:%H%M%S}"
    dataset.Manufacturer = MANUFACTURER
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.BurnedInAnnotation = "NO"
    mark_as_phantom(dataset)
    return dataset


def _uid(*parts: str) -> UID:
    """A UUID-derived UID (PS3.5 B.2), always the same for the same parts."""
    return UID(f"2.25.{int.from_bytes(sha256(' '.join(('leapfrog phantom', *parts)).encode()).digest()[:16])}")


def _set_pixels(dataset: Dataset, stored: NDArray[np.uint8] | NDArray[np.uint16], photometric: str, bits: int) -> None:
    describe_pixels(dataset, stored.shape[-2:], 8 * stored.itemsize, photometric)
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OB" if stored.dtype.itemsize == 1 else "OW"


def _encoded(dataset: Dataset, transfer_syntax: UID) -> Dataset:
    dataset.file_meta = FileMetaDataset()
    if transfer_syntax.is_compressed:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.compress(transfer_syntax, generate_instance_uid=False)
    else:
        dataset.file_meta.TransferSyntaxUID = transfer_syntax
    return dataset


def _screens(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The cine on a machine's screen: text above, a gray bar and a scale at the sides, "PHANTOM" also in the image."""
    screen = Image.new("L", (SCREEN_COLUMNS, SCREEN_ROWS), 0)
    pen = ImageDraw.Draw(screen)
    pen.text((AREA_LEFT, 54), SCREEN_TEXT, fill=220, font=ImageFont.load_default(28))
    for step in range(256):
        pen.line((40, AREA_TOP + 300 - step, 60, AREA_TOP + 300 - step), fill=step)
    for tick in range(11):
        top = AREA_TOP + tick * (fetal_head.ROWS - 1) // 10
        pen.line((SCREEN_COLUMNS - 80, top, SCREEN_COLUMNS - (56 if tick % 5 == 0 else 68), top), fill=180)
    screens = np.repeat(np.asarray(screen)[None], len(pictures), axis=0)
    bottom, right = AREA_TOP + fetal_head.ROWS, AREA_LEFT + fetal_head.COLUMNS
    screens[:, AREA_TOP:bottom, AREA_LEFT:right] = pictures
    label = Image.new("L", (120, 24), 0)
    ImageDraw.Draw(label).text((60, 12), "PHANTOM", fill=200, font=ImageFont.load_default(20), anchor="mm")
    corner = screens[:, bottom - 32 : bottom - 8, right - 128 : right - 8]
    np.maximum(corner, np.asarray(label), out=corner)
    return screens


def _region(pixel_spacing_mm: float) -> Dataset:
    """The image area on the screen as tissue in two dimensions, in centimetres (PS3.3 C.8.5.5)."""
    region = Dataset()
    region.RegionSpatialFormat = 1
    region.RegionDataType = 1
    region.RegionFlags = 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = AREA_LEFT, AREA_TOP
    region.RegionLocationMaxX1 = AREA_LEFT + fetal_head.COLUMNS - 1
    region.RegionLocationMaxY1 = AREA_TOP + fetal_head.ROWS - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = pixel_spacing_mm / 10
    return region
