"""Pictures become DICOM objects that show the same and say only what is known."""

import struct
import subprocess
import time
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile
from pydicom.dataset import Dataset

from leapfrog.errors import UnreadableImage
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import open_image
from leapfrog.reader.image.pixels import DisplayedFrame
from leapfrog.reader.objects.finished_object import Purpose
from leapfrog.reader.originals.picture_file import MOST_PAGES, read_picture_file
from leapfrog.reader.originals.wrapping import wrap_picture
from support.dicom3tools import errors_of, needs_dicom3tools
from support.spooled import without_record

IDENTITY = PictureIdentity(
    patient_id="KL-0042",
    patient_name="Traoré^Aïcha",
    accession_number="A77",
    study_instance_uid="2.25.1",
    series_instance_uid="2.25.2",
    sop_instance_uid="2.25.3",
)
HINTS = PictureHints(modality="US", body_part="HEAD", view="PA", pixel_spacing_mm=0.21)
PURPOSE = Purpose("wrapped", "study", "instance")
RECEIVED_AT = "2026-11-22T23:05:10+00:00"
RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (40, 60), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)


def wrapped(path: Path, **changes: Any) -> Path:
    out = path.with_name("wrapped.dcm")
    wrap_picture(path, IDENTITY, changes.get("hints", HINTS), RECEIVED_AT, out, PURPOSE)
    return without_record(out)


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def frame_of(path: Path, index: int = 0) -> DisplayedFrame:
    return open_image(open_dicom_file(path)).frame(index)


def checked(path: Path) -> Dataset:
    """The object, once DCMTK and pydicom have accepted it."""
    dumped = subprocess.run(["dcmdump", str(path)], capture_output=True, text=True, check=True)
    assert dumped.stderr == ""
    return pydicom.dcmread(path)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("pixels", [GRAY, COLOUR, GRAY // 128 * 255], ids=["gray", "colour", "one bit"])
def test_lossless_pictures_keep_every_pixel(name: str, pixels: NDArray[np.uint8], tmp_path: Path) -> None:
    image = Image.fromarray(pixels)
    if pixels.max() == 255 and len(np.unique(pixels)) == 2:
        image = image.convert("1")
    frame = frame_of(wrapped(saved(image, tmp_path / name)))
    assert np.array_equal(frame.picture(), pixels)


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 65536, (40, 60), dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        dataset = checked(wrapped(saved(Image.fromarray(pixels), tmp_path / name)))
        assert (dataset.BitsStored, dataset.PhotometricInterpretation) == (16, "MONOCHROME2")
        assert np.array_equal(dataset.pixel_array, pixels)


def test_a_tiff_of_sixteen_bits_whose_zero_is_white_is_shown_inverted(tmp_path: Path) -> None:
    pixels = np.linspace(0, 65535, 2400).reshape(40, 60).astype(np.uint16)
    path = saved(Image.fromarray(pixels), tmp_path / "a.tif", tiffinfo={262: 0})
    with Image.open(path) as image:
        assert isinstance(image, TiffImageFile)
        assert image.tag_v2[262] == 0
    dataset = checked(wrapped(path))
    assert dataset.PhotometricInterpretation == "MONOCHROME1"
    shown = frame_of(tmp_path / "wrapped.dcm").gray()
    assert shown[0, 0] > 250
    assert shown[-1, -1] < 5


def test_a_tiff_of_eight_bits_whose_zero_is_white_is_shown_inverted(tmp_path: Path) -> None:
    path = saved(Image.fromarray(GRAY), tmp_path / "a.tif", tiffinfo={262: 0})
    shown = frame_of(wrapped(path)).gray()
    assert np.array_equal(shown, np.asarray(Image.open(path)))


def test_palettes_transparency_and_print_colours_become_what_a_viewer_shows(tmp_path: Path) -> None:
    palette = Image.fromarray(COLOUR).quantize(16)
    assert np.array_equal(
        frame_of(wrapped(saved(palette, tmp_path / "a.png"))).shown, np.asarray(palette.convert("RGB"))
    )
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[:20] = 0
    see_through = Image.fromarray(np.dstack([COLOUR, alpha]))
    shown = frame_of(wrapped(saved(see_through, tmp_path / "b.png"))).shown
    assert np.array_equal(shown[20:], COLOUR[20:])
    assert not shown[:20].any()
    cmyk = Image.fromarray(COLOUR).convert("CMYK")
    shown = frame_of(wrapped(saved(cmyk, tmp_path / "c.tif"))).shown
    assert np.array_equal(shown, np.asarray(cmyk.convert("RGB")))


def test_gray_pictures_saved_in_colour_take_a_third_of_the_bytes(tmp_path: Path) -> None:
    path = saved(Image.fromarray(GRAY).convert("RGB"), tmp_path / "a.png")
    dataset = checked(wrapped(path))
    assert dataset.SamplesPerPixel == 1
    assert np.array_equal(dataset.pixel_array, GRAY)


def test_a_jpeg_says_that_it_lost_something_and_is_turned_upright(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # Orientation: the camera was held on its side
    path = saved(Image.fromarray(GRAY), tmp_path / "a.jpg", exif=turned, quality=95)
    dataset = checked(wrapped(path))
    assert (dataset.Rows, dataset.Columns) == (60, 40)
    assert dataset.LossyImageCompression == "01"
    assert dataset.LossyImageCompressionMethod == "ISO_10918_1"
    upright = np.asarray(Image.open(path).transpose(Image.Transpose.ROTATE_270))
    assert np.array_equal(frame_of(tmp_path / "wrapped.dcm").gray(), upright)


def test_pages_of_one_kind_become_frames(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.roll(GRAY, step)) for step in range(3)]
    path = saved(pages[0], tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    dataset = checked(wrapped(path))
    assert dataset.NumberOfFrames == 3
    assert dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7.2"
    assert np.array_equal(frame_of(tmp_path / "wrapped.dcm", 2).gray(), np.asarray(pages[2]))


def test_of_pages_of_several_kinds_the_first_is_kept_and_the_object_says_so(tmp_path: Path) -> None:
    other = Image.fromarray(GRAY[:20])
    path = saved(Image.fromarray(GRAY), tmp_path / "a.tif", save_all=True, append_images=[other])
    dataset = checked(wrapped(path))
    assert "NumberOfFrames" not in dataset
    assert "first of 2 pages" in dataset.DerivationDescription


def test_the_object_says_what_folder_and_file_name_say_and_leaves_the_rest_empty(tmp_path: Path) -> None:
    dataset = checked(wrapped(saved(Image.fromarray(GRAY), tmp_path / "a.png")))
    assert str(dataset.PatientName) == "Traoré^Aïcha"
    assert (dataset.PatientID, dataset.AccessionNumber) == ("KL-0042", "A77")
    assert (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID) == (
        "2.25.1",
        "2.25.2",
        "2.25.3",
    )
    assert (dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition) == ("US", "HEAD", "PA")
    assert dataset.SpecificCharacterSet == "ISO_IR 192"
    assert dataset.ConversionType == "WSD"
    assert (dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture) == ("20261122", "230510")
    for unknown in ("StudyDate", "StudyTime", "PatientBirthDate", "PatientSex", "ReferringPhysicianName", "StudyID"):
        assert dataset[unknown].is_empty, unknown
    assert "BurnedInAnnotation" not in dataset
    assert open_image(open_dicom_file(tmp_path / "wrapped.dcm")).spacing_mm == (0.21, 0.21)


def test_without_hints_the_modality_is_other_and_no_size_is_claimed(tmp_path: Path) -> None:
    path = wrapped(saved(Image.fromarray(GRAY), tmp_path / "a.png"), hints=PictureHints())
    dataset = checked(path)
    assert dataset.Modality == "OT"
    assert open_image(open_dicom_file(path)).spacing_mm is None


@needs_dicom3tools
@pytest.mark.parametrize("body_part", ["", "CHEST", "FETUS", "left knee"])
def test_a_wrapped_picture_is_valid(body_part: str, tmp_path: Path) -> None:
    picture = saved(Image.new("L", (30, 20), 7), tmp_path / "one.png")
    assert errors_of(wrapped(picture, hints=PictureHints(modality="CR", body_part=body_part))) == []


def test_the_same_job_makes_the_same_bytes(tmp_path: Path) -> None:
    path = saved(Image.fromarray(COLOUR), tmp_path / "a.png")
    first = wrapped(path).read_bytes()
    assert wrapped(path).read_bytes() == first


def test_hostile_names_cannot_split_a_value(tmp_path: Path) -> None:
    path = saved(Image.fromarray(GRAY), tmp_path / "a.png")
    identity = IDENTITY.model_copy(update={"patient_name": "A\\B\nC\0", "patient_id": "1\\2"})
    wrap_picture(path, identity, HINTS, RECEIVED_AT, tmp_path / "wrapped.dcm", PURPOSE)
    dataset = checked(without_record(tmp_path / "wrapped.dcm"))
    assert str(dataset.PatientName) == "A B C"
    assert dataset.PatientID == "1 2"


def content(image: Image.Image, kind: str) -> bytes:
    stream = BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_cut_anywhere_is_refused_in_words_or_was_complete(kind: str, tmp_path: Path) -> None:
    whole = content(Image.fromarray(COLOUR), kind)
    path = tmp_path / "a"
    refused = 0
    for length in range(0, len(whole) - 40, max(len(whole) // 60, 1)):
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadableImage, match=r"damaged|not a PNG"):
            wrapped(path)
        refused += 1
    assert refused > 50
    assert not (tmp_path / "wrapped.dcm").exists()


def test_what_is_no_picture_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for other in (b"", b"hello", b"%PDF-1.7", content(Image.fromarray(GRAY), "GIF")):
        path.write_bytes(other)
        with pytest.raises(UnreadableImage, match="not a PNG, JPEG or TIFF"):
            wrapped(path)


def chunk(kind: bytes, value: bytes) -> bytes:
    return struct.pack(">L", len(value)) + kind + value + struct.pack(">L", zlib.crc32(kind + value))


def test_a_small_file_that_would_unpack_to_gigabytes_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    header = struct.pack(">LLBBBBB", 40_000, 40_000, 16, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 10_000_000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    with pytest.raises(UnreadableImage, match="too large"):
        wrapped(path)


def tiff_of(pages: int) -> bytes:
    """A TIFF whose pages all show the same 8 x 8 pixels: 94 bytes each (TIFF 6.0, Section 2)."""
    entries = ((256, 8), (257, 8), (258, 8), (259, 1), (262, 1), (273, 8), (279, 64))
    directory = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in entries)
    start, size = 8 + 64, 2 + len(directory) + 4
    found = [struct.pack("<2sHL", b"II", 42, start), bytes(range(64))]
    for page in range(pages):
        after = start + (page + 1) * size if page + 1 < pages else 0
        found.append(struct.pack("<H", len(entries)) + directory + struct.pack("<L", after))
    return b"".join(found)


def test_of_thousands_of_pages_the_first_are_kept_and_the_object_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.reader.originals.picture_file.MOST_PAGES", 20)
    path = tmp_path / "a.tiff"
    path.write_bytes(tiff_of(20_000))
    begun = time.process_time()
    picture = read_picture_file(path)
    assert time.process_time() - begun < 2, "it looked at each page"
    assert len(picture.pages) == 20
    assert picture.note == "Only the first 20 pages are kept: the file has more than this box takes."
    path.write_bytes(tiff_of(20))
    picture = read_picture_file(path)
    assert (len(picture.pages), picture.note) == (20, "")


def test_pages_that_go_round_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    path.write_bytes(tiff_of(3)[:-4] + struct.pack("<L", 8 + 64))
    assert len(read_picture_file(path).pages) <= MOST_PAGES
