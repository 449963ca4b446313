"""The pictures of a sheet: what is gray and large goes into it as it is, all else smaller and in gray."""

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import segno
import zxingcpp
from PIL import Image

from leapfrog.reader.report.sheet_pictures import Detail, Place, draw_code, picture_svg

WIDE, HIGH = 1600, 1200
CODE = "LEAPFROG 1:EXAM K7-42F V2:DATE 2026-11-03:NOT FLAGGED ATELECTASIS/INFILTRATE:KEY MFRGGZDF:" + "ABCDEFG2" * 30


def drawn(folder: Path, mode: str) -> Path:
    picture = Image.linear_gradient("L").resize((WIDE, HIGH)).convert(mode)
    picture.save(folder / "picture.jpg", "JPEG", quality=88)
    return folder / "picture.jpg"


def jpeg_in(svg: bytes) -> bytes:
    return b64decode(svg.split(b"base64,")[1].split(b'"')[0])


@pytest.mark.parametrize("place", ["finding", "beside"])
def test_a_gray_picture_that_is_shown_large_goes_as_it_lies_there(place: Place, tmp_path: Path) -> None:
    picture = drawn(tmp_path, "L")
    svg = picture_svg(picture, place, "paper")
    assert jpeg_in(svg) == picture.read_bytes()
    assert f'width="{WIDE}" height="{HIGH}"'.encode() in svg


@pytest.mark.parametrize(
    ("mode", "place", "detail", "longest"),
    [("RGB", "finding", "paper", 1100), ("L", "small", "paper", 720), ("L", "finding", "line", 880)],
)
def test_all_else_is_made_gray_and_smaller(
    mode: str, place: Place, detail: Detail, longest: int, tmp_path: Path
) -> None:
    with Image.open(BytesIO(jpeg_in(picture_svg(drawn(tmp_path, mode), place, detail)))) as made:
        assert (made.mode, made.size) == ("L", (longest, round(longest * HIGH / WIDE)))


@pytest.mark.parametrize("kept", [0, 100, 20_000])
def test_a_damaged_picture_is_blank_wherever_it_ends(kept: int, tmp_path: Path) -> None:
    picture = drawn(tmp_path, "L")
    assert picture.stat().st_size > kept
    picture.write_bytes(picture.read_bytes()[:kept])
    with Image.open(BytesIO(jpeg_in(picture_svg(picture, "finding", "paper")))) as made:
        assert np.asarray(made).min() > 250


def test_the_code_is_the_one_that_the_standard_lays_down() -> None:
    """Another program draws the same modules, under one of the eight masks that a code may have."""
    svg = draw_code(CODE).svg.decode()
    modules = np.zeros((int(svg.split('height="')[1].split('"')[0]),) * 2, bool)
    for run in svg.split('d="')[1].split('"')[0].split("M")[1:]:
        start, rest = run.split("h", 1)
        (column, row), width = map(int, start.split()), int(rest.split("v")[0])
        assert not modules[row, column : column + width].any()
        modules[row, column : column + width] = True
    masks = (segno.make(CODE, error="m", boost_error=False, micro=False, mask=mask) for mask in range(8))
    assert any(np.array_equal(modules, np.array([list(row) for row in one.matrix], bool)) for one in masks)
    paper = np.pad(np.where(modules, 0, 255).astype(np.uint8).repeat(4, 0).repeat(4, 1), 16, constant_values=255)
    assert [one.text for one in zxingcpp.read_barcodes(paper)] == [CODE]
