"""A window, or a table, that shows next to nothing of the picture is not used; one that is right is, as it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.grayscale import LOOKED_UP_PIXELS
from leapfrog.reader.image.image import open_image
from support.instances import gradient, image_dataset, save

BODY = gradient(top=3800) + 100


def shown(pixels: NDArray[Any], folder: Path, **attributes: Any) -> NDArray[np.uint8]:
    dataset = image_dataset(pixels, **attributes)
    return open_image(open_dicom_file(save(dataset, folder / "a.dcm"))).frame(0).gray()


def grays(picture: NDArray[np.uint8]) -> int:
    return int(picture.max()) - int(picture.min())


@pytest.mark.parametrize(
    ("center", "width"),
    [(32768, 65536), (32768, 65535), (128, 256), (127.5, 255), (40, 80), (100_000, 10)],
    ids=["16 bits", "16 bits less one", "8 bits", "8 bits less one", "8 bits narrow", "beyond"],
)
@pytest.mark.parametrize("stored", [12, 16])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_window_of_another_depth_is_not_used(
    center: float, width: float, stored: int, photometric: str, tmp_path: Path
) -> None:
    attributes = {"BitsStored": stored, "PhotometricInterpretation": photometric}
    windowed = shown(BODY, tmp_path, WindowCenter=center, WindowWidth=width, **attributes)
    without = shown(BODY, tmp_path, **attributes)
    assert np.array_equal(windowed, without)
    assert grays(windowed) > 250


def test_eight_bits_under_a_window_of_twelve_are_shown_as_they_are(tmp_path: Path) -> None:
    pixels = gradient(top=240, kind="u1")
    assert np.array_equal(shown(pixels, tmp_path, WindowCenter=2048, WindowWidth=4096), pixels)
    assert np.array_equal(shown(pixels, tmp_path, WindowCenter=3000, WindowWidth=100), pixels)


def test_a_usable_window_after_one_that_is_not_is_used(tmp_path: Path) -> None:
    one = shown(BODY, tmp_path, BitsStored=12, WindowCenter=900, WindowWidth=700)
    second = shown(BODY, tmp_path, BitsStored=12, WindowCenter=[32768, 900], WindowWidth=[65536, 700])
    assert np.array_equal(one, second)


@pytest.mark.parametrize("width", [4096, 1000, 300, 120])
def test_a_narrow_window_on_a_part_of_the_body_stays(width: int, tmp_path: Path) -> None:
    got = shown(BODY, tmp_path, BitsStored=12, WindowCenter=2000, WindowWidth=width)
    expected = np.clip((BODY - 1999.5) / (width - 1) + 0.5, 0, 1) * 255
    assert np.abs(got - expected).max() <= 0.51


def test_a_blank_picture_stays_blank_under_its_own_window(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(2000, 2020, (64, 96)).astype(np.uint16)
    assert grays(shown(noise, tmp_path, BitsStored=12, WindowCenter=2048, WindowWidth=4096)) <= 2


def table(entries: NDArray[Any], bits: int, first: int = 0) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "US", [len(entries), first, bits])
    item.add_new(0x00283006, "OW", entries.astype("<u2").tobytes())
    return item


def test_a_table_that_makes_a_few_grays_of_the_picture_is_not_used(tmp_path: Path) -> None:
    for_16_bits = table(np.linspace(0, 65535, 65536).astype(np.uint16)[::16][:4096] // 16, 16)
    flat = table(np.full(4096, 3000), 12)
    for item in (for_16_bits, flat):
        assert grays(shown(BODY, tmp_path, BitsStored=12, VOILUTSequence=[item])) > 200


def test_a_table_that_falls_is_used(tmp_path: Path) -> None:
    falling = table(np.arange(4095, -1, -1), 12)
    got = shown(BODY, tmp_path, BitsStored=12, VOILUTSequence=[falling])
    assert np.abs(got - (4095 - BODY) / 4095 * 255).max() <= 0.51


# ---------------------------------------------------------------- the modality table of fluoroscopy


@pytest.mark.parametrize(
    ("attributes", "used"),
    [
        ({"Modality": "RF", "PixelIntensityRelationship": "DISP"}, False),
        ({"Modality": "XA", "PixelIntensityRelationship": "LOG"}, False),
        ({"Modality": "OT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1", "PixelIntensityRelationship": "LOG"}, False),
        ({"Modality": "XA", "PixelIntensityRelationship": "LIN"}, True),
        ({"Modality": "XA"}, True),
        ({"Modality": "CR", "PixelIntensityRelationship": "LOG"}, True),
    ],
)
def test_the_modality_table_of_fluoroscopy_is_not_for_display_if_it_leads_back_to_intensities(
    attributes: dict[str, Any], used: bool, tmp_path: Path
) -> None:
    pixels = gradient(top=255, kind="u1")
    item = table(np.linspace(4095, 0, 256), 12)
    item.ModalityLUTType = "US"
    got = shown(pixels, tmp_path, ModalityLUTSequence=[item], **attributes)
    plain = shown(pixels, tmp_path)
    assert np.array_equal(got, plain) is not used


def test_a_table_from_a_negative_first_value_maps_negative_values(tmp_path: Path) -> None:
    pixels = gradient(top=4000).astype(np.int16) - 2000
    item = Dataset()
    item.add_new(0x00283002, "SS", [4096, -2048, 12])
    item.add_new(0x00283006, "OW", np.arange(4096).astype("<u2").tobytes())
    got = shown(pixels, tmp_path, VOILUTSequence=[item])
    assert np.abs(got - (pixels + 2048.0) / 4095 * 255).max() <= 0.51


def test_a_picture_of_many_pixels_is_shown_as_its_parts_are(tmp_path: Path) -> None:
    """The look-up goes block by block, of which the last is not full."""
    window = {"BitsStored": 12, "WindowCenter": 2000, "WindowWidth": 3000}
    times = LOOKED_UP_PIXELS // BODY.size + 2
    whole = shown(np.tile(BODY, (times, 1)), tmp_path, **window)
    assert whole.size % LOOKED_UP_PIXELS
    assert np.array_equal(whole, np.tile(shown(BODY, tmp_path, **window), (times, 1)))
