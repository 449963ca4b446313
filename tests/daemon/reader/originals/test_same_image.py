"""The pixels decide whether an instance under a known UID is the same image in another transfer syntax."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.originals.same_image import is_same_image
from support.instances import gradient, image_dataset, save

PLENTY_OF_SECONDS = 60.0


def colours() -> NDArray[Any]:
    return np.random.default_rng(7).integers(0, 255, (48, 64, 3), dtype=np.uint8)


def same(one: Path, other: Path, limit_seconds: float = PLENTY_OF_SECONDS) -> bool:
    return is_same_image(open_dicom_file(one), open_dicom_file(other), limit_seconds)


def saved_as(dataset: Dataset, path: Path, syntax: str, **options: Any) -> Path:
    """`dataset`, which is uncompressed, in another transfer syntax."""
    if syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        return save(dataset, path, syntax)
    if syntax == ExplicitVRBigEndian:
        if dataset.BitsAllocated == 16:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()
        return save(dataset, path, syntax)
    whole = dcmread(save(dataset, path))
    whole.compress(syntax, generate_instance_uid=False, **options)
    whole.save_as(path)
    return path


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=str
)
@pytest.mark.parametrize("pixels", [gradient(), gradient(top=255, kind="u1"), colours()], ids=["16", "8", "colour"])
def test_without_loss_it_is_the_same_image(syntax: str, pixels: NDArray[Any], tmp_path: Path) -> None:
    first = save(image_dataset(pixels), tmp_path / "a.dcm")
    again = saved_as(image_dataset(pixels), tmp_path / "b.dcm", syntax)
    assert same(first, again)
    assert same(again, first)


def test_12_bits_are_the_same_however_they_are_stored(tmp_path: Path) -> None:
    first = save(image_dataset(gradient(), BitsStored=12), tmp_path / "a.dcm")
    assert same(first, saved_as(image_dataset(gradient(), BitsStored=12), tmp_path / "b.dcm", JPEGLSLossless))


def test_one_pixel_makes_another_image(tmp_path: Path) -> None:
    changed = gradient()
    changed[63, 95] -= 1
    first = save(image_dataset(gradient()), tmp_path / "a.dcm")
    assert not same(first, saved_as(image_dataset(changed), tmp_path / "b.dcm", JPEGLSLossless))


def test_what_lost_something_is_another_image(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (48, 64), dtype=np.uint8)
    first = save(image_dataset(noise), tmp_path / "a.dcm")
    assert not same(first, saved_as(image_dataset(noise), tmp_path / "b.dcm", JPEGLSNearLossless, jls_error=5))


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientName": "Other^Patient"},
        {"PatientBirthDate": "19700101"},
        {"AccessionNumber": "A7"},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"ImageLaterality": "L"},
        {"WindowCenter": "40", "WindowWidth": "400"},
        {"PixelSpacing": ["0.2", "0.2"]},
    ],
    ids=str,
)
def test_pixels_that_mean_another_thing_are_another_image(changes: dict[str, Any], tmp_path: Path) -> None:
    first = save(image_dataset(gradient()), tmp_path / "a.dcm")
    corrected = saved_as(image_dataset(gradient(), **changes), tmp_path / "b.dcm", JPEGLSLossless)
    assert not same(first, corrected)


def test_a_last_frame_that_differs_makes_another_cine(tmp_path: Path) -> None:
    frames = np.stack([gradient(top=255, kind="u1")] * 5)
    other = frames.copy()
    other[4, 0, 0] ^= 1
    first = save(image_dataset(frames, NumberOfFrames=5), tmp_path / "a.dcm")
    same_cine = saved_as(image_dataset(frames, NumberOfFrames=5), tmp_path / "b.dcm", RLELossless)
    other_cine = saved_as(image_dataset(other, NumberOfFrames=5), tmp_path / "c.dcm", RLELossless)
    assert (same(first, same_cine), same(first, other_cine)) == (True, False)


def test_in_doubt_it_is_another_image(tmp_path: Path) -> None:
    first = save(image_dataset(gradient()), tmp_path / "a.dcm")
    again = saved_as(image_dataset(gradient()), tmp_path / "b.dcm", JPEGLSLossless)
    assert not same(first, again, limit_seconds=-1.0), "no time to compare"
    content = bytearray(again.read_bytes())
    content[-200:-100] = bytes(100)
    again.write_bytes(content)
    assert not same(first, again), "pixels that cannot be decoded"
