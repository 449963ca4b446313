"""Objects that were made to do harm end in a sentence for staff, in little memory and time, whatever their codec.

Others of these are in `frames/test_decoding.py`, `test_damaged_files.py` and `originals/test_wrapping.py`.
"""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import jpeg_ls
import numpy as np
import pytest
from openjpeg.utils import encode_array
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import get_frame
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from leapfrog.errors import LeapfrogError
from leapfrog.exam import PictureHints
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.identity import identity_of
from leapfrog.reader.image.image import open_image
from support.instances import gradient, image_dataset, items, save

MEGABYTE = 1024 * 1024
SIDE = 32  # OpenJPEG encodes nothing smaller
PIXELS = gradient(SIDE, SIDE, top=255, kind="u1")
# Reads each file in little memory, in a process of its own, which dies of an error that is no sentence for staff.
READ = f"""
import os, resource, sys; from pathlib import Path
import leapfrog.reader.image_reader
from leapfrog.errors import LeapfrogError
from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import open_image
from leapfrog.reader.objects.finished_object import Purpose
from leapfrog.reader.originals.wrapping import wrap_picture
in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + {512 * MEGABYTE},) * 2)
identity = PictureIdentity(study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3")
for file in map(Path, sys.argv[1:]):
    if child := os.fork():
        if os.waitpid(child, 0)[1]:
            print("DIED", flush=True)
        continue
    try:
        if file.suffix == ".dcm":
            open_image(open_dicom_file(file)).frame(0)
        else:
            wrap_picture(file, identity, PictureHints(), "", file.with_name("out"), Purpose("wrapped", "s", "i"))
    except LeapfrogError as refusal:
        print(refusal, flush=True)
    else:
        print("READ", flush=True)
    os._exit(0)
"""


def jpeg(pixels: Any = PIXELS) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def jpeg_2000() -> bytes:
    return bytes(encode_array(PIXELS, compression_ratios=[], photometric_interpretation=0))


def rle() -> bytes:
    dataset = image_dataset(PIXELS)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.compress(RLELossless, encoding_plugin="pydicom")
    return get_frame(dataset.PixelData, 0, number_of_frames=1)


CODECS: dict[str, tuple[UID, Callable[[], bytes]]] = {
    "JPEG": (JPEGBaseline8Bit, jpeg),
    "JPEG-LS": (JPEGLSLossless, lambda: bytes(jpeg_ls.encode_array(PIXELS))),
    "JPEG 2000": (JPEG2000Lossless, jpeg_2000),
    "RLE": (RLELossless, rle),
}


def with_size(content: bytes, side: int) -> bytes:
    """A codestream that states another height and width."""
    if content.startswith(b"\xff\x4f\xff\x51"):
        return content[:8] + struct.pack(">LL", side, side) + content[16:]
    for marker in (b"\xff\xc0", b"\xff\xc3", b"\xff\xf7"):
        if (at := content.find(marker)) >= 0:
            return content[: at + 5] + struct.pack(">HH", min(side, 65535), min(side, 65535)) + content[at + 9 :]
    return content


def written(path: Path, content: bytes, syntax: UID, **attributes: Any) -> Path:
    dataset = image_dataset(PIXELS, **attributes)
    dataset.PixelData = items(content)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return save(dataset, path, syntax)


def chunk(kind: bytes, value: bytes) -> bytes:
    return struct.pack(">L", len(value)) + kind + value + struct.pack(">L", zlib.crc32(kind + value))


def bombs(folder: Path) -> dict[str, Path]:
    """Small files that state, or unpack to, more than a reader's memory."""
    made: dict[str, Path] = {}
    for number, (name, (syntax, encode)) in enumerate(CODECS.items()):
        for side in (8000, 60_000):  # one that the box takes, were there so many pixels, and one that it does not
            path = folder / f"{number}-{side}.dcm"
            made[f"{name} of {side}"] = written(path, with_size(encode(), side), syntax, Rows=side, Columns=side)
            path = folder / f"{number}-{side}-inside.dcm"
            if syntax != RLELossless:
                made[f"{name} of {side} inside"] = written(path, with_size(encode(), side), syntax)
    lossless = folder / "lossless.dcm"
    made["lossless JPEG"] = written(lossless, with_size(jpeg(), 8000), JPEGLosslessSV1, Rows=8000, Columns=8000)
    made["HTJ2K"] = written(folder / "ht.dcm", with_size(jpeg_2000(), 8000), HTJ2KLossless, Rows=8000, Columns=8000)
    deflated = save(image_dataset(PIXELS), folder / "deflated.dcm", DeflatedExplicitVRLittleEndian)
    made["deflated"] = deflated
    header = struct.pack(">LLBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    made["PNG"] = folder / "bomb.png"
    made["PNG"].write_bytes(png + chunk(b"IDAT", zlib.compress(bytes(10 * MEGABYTE))) + chunk(b"IEND", b""))
    small = struct.pack(">LLBBBBB", 8, 8, 8, 0, 0, 0, 0)
    made["PNG with text"] = folder / "text.png"
    made["PNG with text"].write_bytes(
        png[:8] + chunk(b"IHDR", small) + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(200 * MEGABYTE)))
        + chunk(b"IDAT", zlib.compress(bytes(72))) + chunk(b"IEND", b"")
    )  # fmt: skip
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        stream = BytesIO()
        Image.fromarray(PIXELS).save(stream, "TIFF", compression=compression)
        content = bytearray(stream.getvalue())
        for tag in (256, 257):
            at = content.index(struct.pack("<H", tag), 8)
            content[at + 2 : at + 12] = struct.pack("<HLL", 4, 1, 30_000)
        made[f"TIFF, {compression}"] = folder / f"{compression}.tif"
        made[f"TIFF, {compression}"].write_bytes(bytes(content))
    return made


def test_a_bomb_of_every_codec_is_refused_in_little_memory(tmp_path: Path) -> None:
    made = bombs(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, made.values())], capture_output=True, text=True, check=False, timeout=150
    )
    assert done.returncode == 0, done.stderr
    said = dict(zip(made, done.stdout.splitlines(), strict=True))
    harmless = {"PNG with text"}  # its pixels are whole, and Pillow leaves long texts packed
    for name, answer in said.items():
        assert answer.endswith(".") or (name in harmless and answer == "READ"), (name, answer)


@pytest.mark.parametrize("codec", [*CODECS, "uncompressed"])
def test_pixels_that_end_anywhere_are_refused_or_whole(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.dcm"
    syntax, encode = CODECS.get(codec, (None, None))
    if syntax is None or encode is None:
        content = save(image_dataset(PIXELS), tmp_path / "whole.dcm").read_bytes()
        begin = len(content) - SIDE * SIDE - 30
    else:
        content = written(tmp_path / "whole.dcm", encode(), syntax).read_bytes()
        begin = content.rindex(b"\xfe\xff\x00\xe0")
    near_the_end = len(content) - 60
    lengths = [*range(begin, near_the_end, max((near_the_end - begin) // 100, 1)), *range(near_the_end, len(content))]
    assert len(lengths) > 100
    path.write_bytes(content)
    whole = open_image(open_dicom_file(path)).frame(0).gray()
    for length in lengths:
        path.write_bytes(content[:length])
        try:
            shown = open_image(open_dicom_file(path)).frame(0).gray()
        except LeapfrogError as refusal:
            assert str(refusal).endswith("."), length
        else:
            assert np.array_equal(shown, whole), f"{length} of {len(content)} bytes show another picture"


WRONG = {
    "Rows": (b"\x28\x00\x10\x00US", [b"LO", b"FD", b"SQ", b"OB", b"UN", b"ZZ", b"\0\0", b"AT"]),
    "pixels": (b"\xe0\x7f\x10\x00OB", [b"OW", b"SQ", b"UI", b"UT", b"ZZ", b"\xff\xff", b"DS"]),
    "photometric": (b"\x28\x00\x04\x00CS", [b"US", b"SQ", b"OB", b"FL", b"ZZ"]),
    "patient": (b"\x10\x00\x10\x00PN", [b"US", b"SQ", b"OB", b"DA", b"ZZ", b"\x1b["]),
}


@pytest.mark.parametrize("place", WRONG)
def test_a_wrong_vr_is_a_sentence_or_no_obstacle(place: str, tmp_path: Path) -> None:
    found, instead = WRONG[place]
    content = save(image_dataset(PIXELS), tmp_path / "whole.dcm").read_bytes()
    path = tmp_path / "wrong.dcm"
    assert content.count(found) == 1
    for vr in instead:
        path.write_bytes(content.replace(found, found[:4] + vr))
        try:
            file = open_dicom_file(path)
            identity_of(file.dataset, PictureHints())
            open_image(file).frame(0).picture()
        except LeapfrogError as refusal:
            assert str(refusal).endswith("."), vr


@pytest.mark.parametrize("ended", [True, False])
def test_empty_sequences_in_each_other_cost_neither_memory_nor_time(ended: bool, tmp_path: Path) -> None:
    content = save(image_dataset(PIXELS), tmp_path / "whole.dcm").read_bytes()
    start, depth = content.index(b"\xe0\x7f\x10\x00"), 200_000
    begins = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    ends = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    path = tmp_path / "nested.dcm"
    path.write_bytes(content[:start] + begins * depth + (ends * depth if ended else b"") + content[start:])
    file = open_dicom_file(path)
    assert identity_of(file.dataset, PictureHints()).patient_id == "P1"


def test_names_that_would_steer_a_terminal_or_lead_elsewhere_stay_text(tmp_path: Path) -> None:
    dataset: Dataset = image_dataset(PIXELS)
    dataset.PatientName = "a\x1b[2J^b\nc"
    dataset.PatientID = "../../etc/passwd"
    identity = identity_of(open_dicom_file(save(dataset, tmp_path / "a.dcm")).dataset, PictureHints())
    assert not {"\x1b", "\n"} & set(identity.patient_name)
