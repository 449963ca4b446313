"""Overlays are drawn on what people see, where they belong, and never on what a model sees."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from leapfrog.dicom.uids import EXPLICIT_BIG_ENDIAN, IMPLICIT_LITTLE_ENDIAN
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import open_image
from leapfrog.reader.image.pixels import DisplayedFrame
from support.instances import image_dataset, save

ROWS, COLUMNS = 60, 90
FILM = np.full((ROWS, COLUMNS), 100, np.uint8)


def mark(rows: int = 11, columns: int = 9) -> NDArray[np.bool_]:
    """Lines that no shift or mirror image is equal to."""
    bits = np.zeros((rows, columns), np.bool_)
    bits[0, :] = bits[:, 0] = bits[rows // 2, : columns // 2] = True
    return bits


def packed(bits: NDArray[np.bool_]) -> bytes:
    content = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    return content + b"\0" * (len(content) % 2)


def add_plane(dataset: Dataset, bits: NDArray[np.bool_], group: int = 0x6000, **elements: Any) -> Dataset:
    """Add an overlay of `bits`, (rows, columns) or (frames, rows, columns)."""
    values: dict[int, tuple[str, Any]] = {
        0x0010: ("US", bits.shape[-2]),
        0x0011: ("US", bits.shape[-1]),
        0x0040: ("CS", "G"),
        0x0050: ("SS", elements.get("origin", [1, 1])),
        0x0100: ("US", 1),
        0x0102: ("US", 0),
        0x3000: (elements.get("vr", "OW"), packed(bits)),
    }
    if bits.ndim == 3:
        values[0x0015] = ("IS", bits.shape[0])
        values[0x0051] = ("US", elements.get("first_frame", 1))
    for element, (vr, value) in values.items():
        dataset.add_new(group << 16 | element, vr, value)
    return dataset


def shown(dataset: Dataset, folder: Path, index: int = 0, syntax: str = "1.2.840.10008.1.2.1") -> DisplayedFrame:
    return open_image(open_dicom_file(save(dataset, folder / "a.dcm", syntax))).frame(index)


def drawn(frame: DisplayedFrame) -> NDArray[np.bool_]:
    picture: NDArray[np.bool_] = frame.picture() == 255
    return picture


def placed(bits: NDArray[np.bool_], top: int, left: int) -> NDArray[np.bool_]:
    canvas = np.zeros((3 * ROWS, 3 * COLUMNS), np.bool_)
    canvas[ROWS + top : ROWS + top + bits.shape[0], COLUMNS + left : COLUMNS + left + bits.shape[1]] = bits
    return canvas[ROWS : 2 * ROWS, COLUMNS : 2 * COLUMNS]


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", IMPLICIT_LITTLE_ENDIAN])
@pytest.mark.parametrize("vr", ["OW", "OB"])
def test_a_mark_is_drawn_for_people_and_not_for_the_model(syntax: str, vr: str, tmp_path: Path) -> None:
    frame = shown(add_plane(image_dataset(FILM), mark(), origin=[5, 7], vr=vr), tmp_path, syntax=syntax)
    assert np.array_equal(drawn(frame), placed(mark(), 4, 6))
    assert np.array_equal(frame.gray(), FILM)
    assert frame.notes == ()


def test_big_endian_words_are_swapped(tmp_path: Path) -> None:
    dataset = image_dataset(FILM.astype(np.uint16), BitsStored=8)
    dataset.PixelData = FILM.astype(">u2").tobytes()
    add_plane(dataset, mark())
    dataset[0x60003000].value = np.frombuffer(packed(mark()), "<u2").astype(">u2").tobytes()
    frame = shown(dataset, tmp_path, syntax=EXPLICIT_BIG_ENDIAN)
    assert np.array_equal(drawn(frame), placed(mark(), 0, 0))


@pytest.mark.parametrize("origin", [(-3, -2), (55, 86), (1, 88), (-20, 1), (200, 300)])
def test_of_a_mark_that_begins_outside_the_picture_the_part_within_is_drawn(
    origin: tuple[int, int], tmp_path: Path
) -> None:
    frame = shown(add_plane(image_dataset(FILM), mark(), origin=list(origin)), tmp_path)
    top, left = origin[0] - 1, origin[1] - 1
    expected = placed(mark(), top, left) if top < ROWS else np.zeros_like(drawn(frame))
    assert np.array_equal(drawn(frame), expected)


def test_each_frame_has_its_own_plane_from_the_first_that_has_one(tmp_path: Path) -> None:
    planes = np.stack([mark(), mark()[::-1], mark()[:, ::-1]])
    dataset = add_plane(image_dataset(np.stack([FILM] * 5), NumberOfFrames=5), planes, first_frame=2)
    path = save(dataset, tmp_path / "a.dcm")
    image = open_image(open_dicom_file(path))
    for index, expected in enumerate([None, *planes, None]):
        picture = drawn(image.frame(index))
        assert np.array_equal(picture, np.zeros_like(picture) if expected is None else placed(expected, 0, 0)), index


def test_a_single_plane_belongs_to_all_frames(tmp_path: Path) -> None:
    dataset = add_plane(image_dataset(np.stack([FILM] * 3), NumberOfFrames=3), mark())
    image = open_image(open_dicom_file(save(dataset, tmp_path / "a.dcm")))
    for index in range(3):
        assert np.array_equal(drawn(image.frame(index)), placed(mark(), 0, 0))


def test_several_planes_are_drawn_together_also_in_colour(tmp_path: Path) -> None:
    colours = np.stack([FILM, FILM // 2, FILM // 3], axis=-1)
    dataset = add_plane(image_dataset(colours), mark())
    add_plane(dataset, mark(), 0x6002, origin=[31, 41])
    frame = shown(dataset, tmp_path)
    expected = placed(mark(), 0, 0) | placed(mark(), 30, 40)
    assert np.array_equal((frame.picture() == 255).all(axis=-1), expected)
    assert np.array_equal(frame.shown, colours)


def test_a_plane_in_an_unused_bit_of_the_pixels_is_drawn(tmp_path: Path) -> None:
    pixels = np.full((ROWS, COLUMNS), 1000, np.uint16)
    pixels[placed(mark(), 20, 30)] |= 0x8000
    dataset = image_dataset(pixels, BitsStored=12, WindowCenter=2048, WindowWidth=4096)
    for element, vr, value in ((0x10, "US", ROWS), (0x11, "US", COLUMNS), (0x100, "US", 16), (0x102, "US", 15)):
        dataset.add_new(0x60000000 | element, vr, value)
    frame = shown(dataset, tmp_path)
    assert np.array_equal(drawn(frame), placed(mark(), 20, 30))
    assert len(np.unique(frame.gray())) == 1
    dataset[0x60000102].value = 11  # a stored bit is no overlay
    assert not drawn(shown(dataset, tmp_path)).any()


def test_what_would_hide_the_picture_is_not_drawn_and_the_report_says_so(tmp_path: Path) -> None:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    mask[20:50] = True
    dataset = add_plane(image_dataset(FILM), mask)
    add_plane(dataset, mark(), 0x6002)
    frame = shown(dataset, tmp_path)
    assert np.array_equal(drawn(frame), placed(mark(), 0, 0))
    assert "would cover too much" in frame.notes[0]


@pytest.mark.parametrize(
    ("element", "vr", "value"),
    [
        (0x0010, "US", 0),
        (0x0010, "US", 60000),
        (0x0011, "US", 65535),
        (0x3000, "OW", b"\1\0"),
        (0x3000, "OW", b""),
        (0x0050, "SS", [-32768, 32767]),
        (0x0100, "US", 40),
    ],
)
def test_a_plane_without_sense_draws_nothing(element: int, vr: str, value: Any, tmp_path: Path) -> None:
    dataset = add_plane(image_dataset(FILM), mark())
    dataset.add_new(0x60000000 | element, vr, value)
    if element == 0x0100:
        del dataset[0x60003000]
        dataset.add_new(0x60000102, "US", 39)
    frame = shown(dataset, tmp_path)
    assert not drawn(frame).any()
    assert frame.notes == ()
