"""Damaged, hostile and unusual files are refused before a decoder runs, in words for staff."""

import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    MPEG2MPML,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from leapfrog.dicom.part10 import find_dataset
from leapfrog.errors import NothingToRead, UnreadableImage
from leapfrog.exam import PictureHints
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.identity import identity_of
from leapfrog.reader.image.image import DecodedImage, open_image
from support.instances import gradient, image_dataset, items, save


def opened(path: Path) -> DecodedImage:
    return open_image(open_dicom_file(path))


def compressed(path: Path, value: bytes, syntax: UID = JPEGBaseline8Bit, **attributes: Any) -> Path:
    dataset = image_dataset(gradient(top=255, kind="u1"), **attributes)
    dataset.PixelData = value
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return save(dataset, path, syntax)


def jpeg(rows: int = 64, columns: int = 96, value: int = 120) -> bytes:
    from io import BytesIO

    from PIL import Image

    content = BytesIO()
    Image.fromarray(np.full((rows, columns), value, np.uint8)).save(content, "JPEG")
    return content.getvalue()


def test_a_file_cut_anywhere_in_its_pixels_ends_early(tmp_path: Path) -> None:
    whole = save(image_dataset(gradient()), tmp_path / "whole.dcm").read_bytes()
    cut = tmp_path / "cut.dcm"
    for missing in (1, 100, len(gradient().tobytes()) - 1):
        cut.write_bytes(whole[:-missing])
        file = open_dicom_file(cut)
        assert identity_of(file.dataset, PictureHints()).patient_name == "Test^Patient"
        with pytest.raises(UnreadableImage, match="the picture ends early"):
            open_image(file)


def test_a_header_that_promises_more_pixels_than_there_are_ends_early(tmp_path: Path) -> None:
    path = save(image_dataset(gradient(), Rows=65), tmp_path / "a.dcm")
    with pytest.raises(UnreadableImage, match="ends early"):
        opened(path)


def test_a_jpeg_cut_inside_its_item_ends_early(tmp_path: Path) -> None:
    content = jpeg()
    path = compressed(tmp_path / "a.dcm", items(content[: len(content) // 2]))
    with pytest.raises(UnreadableImage, match="ends early"):
        opened(path).frame(0)


def test_a_compressed_file_cut_between_its_items_ends_early(tmp_path: Path) -> None:
    path = compressed(tmp_path / "a.dcm", items(jpeg(), jpeg(), jpeg()), NumberOfFrames=3)
    assert opened(path).frame_count == 3
    whole = path.read_bytes()
    end_marker = 8
    path.write_bytes(whole[:-end_marker])
    assert opened(path).frame(2).gray().mean() == pytest.approx(120, abs=1)
    path.write_bytes(whole[: -end_marker - 10])
    cut = opened(path)
    assert (cut.frame_count, tuple(cut.present)) == (3, (0, 1))
    assert "only 2 of its 3 frames are there" in cut.notes[0]
    assert cut.frame(1).gray().mean() == pytest.approx(120, abs=1)
    single = compressed(tmp_path / "b.dcm", items(jpeg()))
    single.write_bytes(single.read_bytes()[: -end_marker - 10])
    with pytest.raises(UnreadableImage, match="ends early"):
        opened(single)


def test_of_a_loop_that_ends_early_the_frames_that_are_there_are_read(tmp_path: Path) -> None:
    frames = np.arange(4, dtype=np.uint8).repeat(64 * 96).reshape(4, 64, 96)
    path = save(image_dataset(frames, NumberOfFrames=4), tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-100])
    image = opened(path)
    assert tuple(image.present) == (0, 1, 2)
    assert "only 3 of its 4 frames are there" in image.notes[0]
    assert image.frame(2).gray().mean() == 2
    path.write_bytes(path.read_bytes()[: -3 * 64 * 96])
    with pytest.raises(UnreadableImage, match="ends early"):
        opened(path)


def test_frames_of_rle_that_are_missing_leave_the_others(tmp_path: Path) -> None:
    frames = np.arange(3, dtype=np.uint8).repeat(64 * 96).reshape(3, 64, 96)
    dataset = image_dataset(frames, NumberOfFrames=3)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.compress(RLELossless, encoding_plugin="pydicom")
    dataset.NumberOfFrames = 4
    image = opened(save(dataset, tmp_path / "a.dcm", RLELossless))
    assert tuple(image.present) == (0, 1, 2)
    assert image.frame(2).gray().mean() == 2


def test_frames_in_several_fragments_are_put_together_with_and_without_an_offset_table(tmp_path: Path) -> None:
    first, second = (content + b"\0" * (len(content) % 2) for content in (jpeg(value=40), jpeg(value=200)))
    cut = len(first) // 4 * 2
    fragments = (first[:cut], first[cut:], second[:cut], second[cut:])
    table = (0).to_bytes(4, "little") + (len(first) + 16).to_bytes(4, "little")
    for offset_table in (b"", table, b"\xff" * 8):
        path = compressed(tmp_path / "a.dcm", items(*fragments, offset_table=offset_table), NumberOfFrames=2)
        image = opened(path)
        assert image.frame(0).gray().mean() == pytest.approx(40, abs=1)
        assert image.frame(1).gray().mean() == pytest.approx(200, abs=1)


def test_a_picture_inside_with_another_size_is_refused(tmp_path: Path) -> None:
    path = compressed(tmp_path / "a.dcm", items(jpeg(96, 64)))
    with pytest.raises(UnreadableImage, match="not the size"):
        opened(path).frame(0)


@pytest.mark.parametrize("side", [20_000, 65_535])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused_at_once(side: int, tmp_path: Path) -> None:
    path = compressed(tmp_path / "a.dcm", items(b"\0" * 1000), RLELossless, Rows=side, Columns=side)
    tracemalloc.start()
    with pytest.raises(UnreadableImage, match=f"{side:,} x {side:,} pixels.*too large"):
        opened(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_deflated_bomb_is_refused_without_inflating(tmp_path: Path) -> None:
    packer = zlib.compressobj(1, wbits=-15)
    bomb = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(64)) + packer.flush()
    path = save(image_dataset(gradient()), tmp_path / "a.dcm", DeflatedExplicitVRLittleEndian)
    with path.open("r+b") as stream:
        stream.seek(find_dataset(stream).offset)
        stream.write(bomb)
    began = time.monotonic()
    with pytest.raises(UnreadableImage, match="Deflated"):
        opened(path)
    assert time.monotonic() - began < 1


def test_sequences_nested_beyond_reason_are_damage_and_the_patient_is_still_known(tmp_path: Path) -> None:
    dataset = image_dataset(gradient())
    innermost = Dataset()
    for _ in range(250):
        outer = Dataset()
        outer.ContentSequence = [innermost]
        innermost = outer
    path = save(dataset, tmp_path / "a.dcm")
    nested = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 5000
    content = path.read_bytes()
    start = content.index(b"\xe0\x7f\x10\x00")
    path.write_bytes(content[:start] + nested + content[start:])
    file = open_dicom_file(path)
    assert identity_of(file.dataset, PictureHints()).patient_id == "P1"
    with pytest.raises(UnreadableImage, match="damaged"):
        open_image(file)


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"Rows": 0}, "how large"),
        ({"Columns": None}, "how large"),
        ({"PhotometricInterpretation": "ARGB", "SamplesPerPixel": 4}, "ARGB"),
        ({"BitsAllocated": 12}, "12 bits each"),
        ({"BitsAllocated": None}, "0 bits each"),
        ({"NumberOfFrames": 2_000_000_000}, "too many"),
        ({"SamplesPerPixel": 3}, "3 per pixel"),
    ],
)
def test_a_header_without_sense_is_refused_in_words(attributes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    path = save(image_dataset(gradient(), **attributes), tmp_path / "a.dcm")
    with pytest.raises(UnreadableImage, match=sentence):
        opened(path)


@pytest.mark.parametrize(("syntax", "name"), [("1.2.840.10008.1.2.4.110", "JPEG XL"), ("1.2.840.1", "does not know")])
def test_unknown_compressions_are_named_with_a_remedy(syntax: str, name: str, tmp_path: Path) -> None:
    path = compressed(tmp_path / "a.dcm", items(b"\0" * 100), MPEG2MPML)
    path.write_bytes(path.read_bytes().replace(MPEG2MPML.encode(), syntax.encode().ljust(len(MPEG2MPML), b"\0"), 1))
    with pytest.raises(UnreadableImage, match=f"{name}.*Set the machine"):
        opened(path)


def test_videos_are_only_passed_on(tmp_path: Path) -> None:
    path = compressed(tmp_path / "a.dcm", items(b"\0" * 100), MPEG2MPML)
    with pytest.raises(NothingToRead, match="a video"):
        opened(path)


def test_what_a_decoder_chokes_on_is_set_aside(tmp_path: Path) -> None:
    content = bytearray(jpeg())
    start = content.index(b"\xff\xda")
    content[start:-2] = b"\xff\xc4\x00\x05abc"
    path = compressed(tmp_path / "a.dcm", items(bytes(content)), JPEGLosslessSV1)
    with pytest.raises(UnreadableImage, match="could not be decoded"):
        opened(path).frame(0)


def test_of_a_long_loop_only_one_frame_is_in_memory(tmp_path: Path) -> None:
    frames = np.zeros((40, 500, 1000), np.uint8)
    frames[:] = np.arange(40)[:, np.newaxis, np.newaxis]
    path = save(image_dataset(frames, NumberOfFrames=40), tmp_path / "a.dcm")
    del frames
    tracemalloc.start()
    image = opened(path)
    means = [image.frame(index).gray().mean() for index in range(40)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert means == list(range(40))
    assert peak < 5_000_000  # a frame is half a megabyte, the loop twenty
