"""Phantoms as DICOM objects: they say what they are, and every form shows the same."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from leapfrog.phantoms.chest import draw_chest
from leapfrog.phantoms.exams import as_file, chest_exam, chest_picture, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead
from leapfrog.reader.image.phantom_mark import is_phantom
from leapfrog.reader.originals.picture_file import read_picture_file

TRANSFER_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless)


def _reread(dataset: Dataset) -> Dataset:
    return dcmread(BytesIO(as_file(dataset)))


@pytest.mark.parametrize("transfer_syntax", TRANSFER_SYNTAXES, ids=lambda uid: uid.name)
def test_every_transfer_syntax_holds_the_drawn_film(transfer_syntax: UID) -> None:
    dataset = _reread(chest_exam("clear", 1, transfer_syntax=transfer_syntax))
    assert dataset.file_meta.TransferSyntaxUID == transfer_syntax
    assert np.array_equal(dataset.pixel_array, draw_chest("clear", 1))


def test_monochrome1_stores_the_film_inverted() -> None:
    dataset = _reread(chest_exam("opaque", 2, photometric="MONOCHROME1", transfer_syntax=RLELossless))
    assert dataset.PhotometricInterpretation == "MONOCHROME1"
    assert np.array_equal(4095 - dataset.pixel_array, draw_chest("opaque", 2))


def test_a_film_upside_down_is_turned_by_180_degrees() -> None:
    dataset = chest_exam("clear", 1, upside_down=True)
    assert np.array_equal(np.rot90(dataset.pixel_array, 2), draw_chest("clear", 1))


def test_different_content_never_has_the_same_uid_and_equal_arguments_have() -> None:
    forms = [
        chest_exam("clear", 1),
        chest_exam("clear", 1, upside_down=True),
        chest_exam("clear", 1, photometric="MONOCHROME1"),
        chest_exam("clear", 1, transfer_syntax=RLELossless),
        chest_exam("opaque", 1),
        fetal_head_exam(FetalHead(), 1, frames=2),
        fetal_head_exam(FetalHead(tilt_degrees=20), 1, frames=2),
    ]
    uids = {dataset.SOPInstanceUID for dataset in forms}
    assert len(uids) == len(forms)
    assert all(uid.is_valid for uid in uids)
    assert chest_exam("clear", 1).SOPInstanceUID == forms[0].SOPInstanceUID


def test_a_phantom_says_so_in_its_tags_and_in_its_pixels() -> None:
    for dataset in (chest_exam("clear", 1), fetal_head_exam(FetalHead(), 1, frames=1)):
        assert is_phantom(_reread(dataset))
        assert str(dataset.PatientName).startswith("PHANTOM^")
        assert dataset.PatientID.startswith("PHANTOM-")
    plain, lettered = draw_chest("clear", 1), chest_exam("clear", 1).pixel_array
    assert np.array_equal(plain, lettered)  # the letters are drawn into the film itself
    corner = lettered[180:270, 180:580]
    assert (corner > 3500).mean() > 0.05


def test_a_test_object_of_a_real_machine_is_not_called_ours() -> None:
    dataset = Dataset()
    dataset.QualityControlImage = "YES"
    dataset.ImageComments = "water phantom"
    assert not is_phantom(dataset)
    assert not is_phantom(Dataset())


def test_the_cine_gives_its_area_and_spacing() -> None:
    head = FetalHead()
    dataset = _reread(fetal_head_exam(head, 1, frames=3))
    assert dataset.NumberOfFrames == 3
    region = dataset.SequenceOfUltrasoundRegions[0]
    assert region.PhysicalDeltaX * 10 == pytest.approx(head.pixel_spacing_mm)
    area = dataset.pixel_array[
        0,
        region.RegionLocationMinY0 : region.RegionLocationMaxY1 + 1,
        region.RegionLocationMinX0 : region.RegionLocationMaxX1 + 1,
    ]
    assert area.shape == (540, 800)
    assert area.mean() > 20


def test_the_picture_is_the_film_in_eight_bits_and_says_that_it_is_a_phantom(tmp_path: Path) -> None:
    file = tmp_path / "film.png"
    file.write_bytes(chest_picture("clear", 1))
    assert read_picture_file(file).phantom
    gray = np.asarray(Image.open(file), dtype=float)
    shrunk = np.asarray(Image.fromarray((draw_chest("clear", 1) >> 4).astype(np.uint8)).resize(gray.shape[::-1]))
    assert np.abs(gray - shrunk).mean() < 1
