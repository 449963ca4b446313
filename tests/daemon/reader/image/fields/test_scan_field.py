"""The scanned part of ultrasound pictures: found without the machine's screen around it, and found again."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from leapfrog.reader.assess.shown_picture import scan_seen
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.fields.scan_field import find_scan, scan_field
from leapfrog.reader.image.image import open_image

Gray = NDArray[np.uint8]
SECTOR = ((150, 20), (250, 20), (390, 280), (10, 280))
SCANS = {"linear": ((0, 0), (400, 0), (400, 300), (0, 300)), "sector": SECTOR}


def echoes(shape: str = "linear", rows: int = 300, columns: int = 400) -> Gray:
    """Speckled tissue with a dark cyst, inside the outline of a scan, black beside it."""
    speckle = np.random.default_rng(0).rayleigh(30, (rows // 3, columns // 3))
    tissue = np.asarray(Image.fromarray(speckle.astype(np.float32)).resize((columns, rows)))
    y, x = np.mgrid[0:rows, 0:columns]
    tissue = np.where((x - 180) ** 2 + (y - 160) ** 2 < 50**2, tissue / 12, tissue).clip(2, 255)
    inside = Image.new("1", (columns, rows))
    ImageDraw.Draw(inside).polygon(SCANS[shape], fill=1)
    return np.where(np.asarray(inside), tissue, 0).astype(np.uint8)


def on_screen(scan: Gray, panel: int) -> tuple[Gray, tuple[int, int, int, int]]:
    """The scan on a machine's whole screen with letters, a bar of grays, a ruler, an orientation mark and keys."""
    screen = Image.new("L", (800, 600), panel)
    draw, font = ImageDraw.Draw(screen), ImageFont.load_default(size=12)
    left, top = 200, 120
    right, bottom = left + scan.shape[1], top + scan.shape[0]
    draw.rectangle((left - 20, top - 30, right + 60, bottom + 20), fill=0)
    screen.paste(Image.fromarray(scan), (left, top))
    draw.text((10, 5), "DISTRICT HOSPITAL  DOE JANE  4711-22  10:42:11", font=font, fill=220)
    for line, text in enumerate(("OB", "C5-2", "28 Hz", "14.0 cm", "HGen", "Gn 60", "C 61", "3/3/4")):
        draw.text((8, 100 + 18 * line), text, font=font, fill=220)
    draw.ellipse((left - 10, top - 28, left + 8, top - 10), fill=200)
    for step in range(150):
        draw.line((right + 15, top + step, right + 24, top + step), fill=255 - step)
    for step in range(11):
        draw.line((right + 35, top + step * 28, right + 42, top + step * 28), fill=220)
    for key in range(6):
        draw.rectangle((key * 133 + 4, 572, key * 133 + 125, 596), fill=panel + 25, outline=120)
        draw.text((key * 133 + 20, 576), "Measure", font=font, fill=220)
    return np.asarray(screen), (left, top, right, bottom)


def as_jpeg(gray: Gray) -> Gray:
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream))


@pytest.mark.parametrize("panel", [0, 45])
@pytest.mark.parametrize("shape", SCANS)
def test_a_scan_is_found_on_the_machines_whole_screen(shape: str, panel: int) -> None:
    alone = echoes(shape)
    screen, (left, top, _, _) = on_screen(alone, panel)
    expected = np.array(scan_field(alone)) + np.array([left, top, left, top])
    assert np.allclose(scan_field(screen), expected, atol=8)


@pytest.mark.parametrize("gray", [0, 40, 255])
@pytest.mark.parametrize("share", [0.05, 0.1])
@pytest.mark.parametrize("shape", SCANS)
def test_a_border_does_not_move_it(shape: str, share: float, gray: int) -> None:
    rows, columns = round(300 * share), round(400 * share)
    bordered = np.pad(echoes(shape), ((rows, rows), (columns, columns)), constant_values=gray)
    expected = np.array(scan_field(echoes(shape))) + np.array([columns, rows, columns, rows])
    assert np.allclose(scan_field(bordered), expected, atol=6)


@pytest.mark.parametrize(
    "change",
    [
        lambda gray: (gray * 0.7).astype(np.uint8),
        lambda gray: (gray * 1.3).clip(0, 255).astype(np.uint8),
        lambda gray: (gray.astype(int) + 20).clip(0, 255).astype(np.uint8),
        as_jpeg,
    ],
    ids=["darker", "brighter", "lifted", "jpeg"],
)
@pytest.mark.parametrize("shape", SCANS)
def test_brightness_and_compression_do_not_move_it(shape: str, change: Callable[[Gray], Gray]) -> None:
    assert np.allclose(scan_field(change(echoes(shape))), scan_field(echoes(shape)), atol=6)


def test_what_lies_beside_a_sector_is_blanked_and_what_lies_in_it_is_not() -> None:
    scan = echoes("sector").copy()
    scan[25:40, 20:35] = 200
    alone = find_scan(scan).alone(scan)
    assert not alone[25:40, 20:35].any()
    assert np.array_equal(alone[60:260, 160:240], scan[60:260, 160:240])


@pytest.mark.parametrize("gray", [0, 128, 255])
def test_a_blank_picture_is_whole(gray: int) -> None:
    assert scan_field(np.full((200, 100), gray, np.uint8)) == (0, 0, 100, 200)


def test_a_small_speckled_spot_is_no_scan() -> None:
    spot = np.zeros((300, 400), np.uint8)
    spot[100:160, 100:180] = echoes()[:60, :80]
    assert scan_field(spot) == (0, 0, 400, 300)


def test_a_picture_of_a_few_pixels_is_whole() -> None:
    assert scan_field(echoes()[:12, :9]) == (0, 0, 9, 12)


def test_within_an_area_in_which_nothing_is_found_the_area_is_the_field() -> None:
    empty = np.zeros((300, 400), np.uint8)
    assert scan_seen(empty, (100, 50, 300, 250)).box == (100, 50, 300, 250)


def test_the_orientation_mark_of_real_scans_is_blanked_and_the_tissue_is_not(shared_data: Path) -> None:
    paths = sorted((shared_data / "dicom" / "us_brachial_GPL3").glob("*.dcm"))
    assert len(paths) == 8
    for path in paths:
        image = open_image(open_dicom_file(path, path.stat().st_size))
        gray = image.frame(0).gray()
        scan = scan_seen(gray, image.area)
        left, top, right, bottom = scan.box
        shown = scan.alone(gray)
        mark = shown[66:92, 128:152]  # a disc of 21 pixels with a letter, over the corner of the scan
        assert (mark > 150).sum() < 20, path.name
        assert left > 135, path.name
        assert (right - left) * (bottom - top) > 0.7 * 680 * 459, path.name
