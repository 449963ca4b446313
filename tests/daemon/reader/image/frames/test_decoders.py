"""A picture is decoded if any decoder can, whatever the first says, and only what is there is shown."""

import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import jpeg_ls
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from openjpeg.utils import encode_array
from PIL import Image
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from leapfrog.errors import UnreadableImage
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.frames import decoders
from leapfrog.reader.image.frames.decoders import Decompressed
from leapfrog.reader.image.image import DecodedImage, open_image
from support.instances import gradient, image_dataset, items, save

ROWS, COLUMNS = 64, 96
NOISE = np.random.default_rng(7).integers(0, 256, (ROWS, COLUMNS), dtype=np.uint8)


def opened(path: Path) -> DecodedImage:
    return open_image(open_dicom_file(path))


def compressed(pixels: NDArray[Any], content: bytes, syntax: UID, path: Path, **attributes: Any) -> DecodedImage:
    """The image of `content`, a compressed form of `pixels`."""
    dataset = image_dataset(pixels, **attributes)
    dataset.PixelData = items(content)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return opened(save(dataset, path, syntax))


def jpeg(pixels: NDArray[np.uint8], **options: Any) -> bytes:
    content = BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=95, **options)
    return content.getvalue()


def jpeg_2000(pixels: NDArray[Any]) -> bytes:
    return bytes(encode_array(pixels, compression_ratios=[], photometric_interpretation=0))


def jpeg_ls_of(pixels: NDArray[Any]) -> bytes:
    return bytes(jpeg_ls.encode_array(pixels))


def unended(content: bytes) -> bytes:
    assert content[-2:] == b"\xff\xd9"
    return content[:-2]


# ---------------------------------------------------------------- which decoder


def in_a_reader(program: str) -> subprocess.CompletedProcess[str]:
    """What becomes of `program` where `startup.py` kept gdcm away."""
    begun = (
        "import sys\n"
        "from pathlib import Path\n"
        "from leapfrog.reader.startup import KEPT_AWAY\n"
        "sys.modules.update(dict.fromkeys(KEPT_AWAY))\n"
        "from leapfrog.reader.image.dicom_file import open_dicom_file\n"
        "from leapfrog.reader.image.image import open_image\n"
    )
    return subprocess.run([sys.executable, "-c", begun + program], capture_output=True, text=True, check=False)


def test_gdcm_is_loaded_by_the_first_picture_that_no_other_decodes(tmp_path: Path) -> None:
    compressed(NOISE, jpeg(NOISE), JPEGBaseline8Bit, tmp_path / "a.dcm")
    source = save(image_dataset(gradient()), tmp_path / "native.dcm")
    subprocess.run(["dcmcjpeg", "-q", source, tmp_path / "b.dcm"], check=True)
    done = in_a_reader(
        "for name, is_loaded in (('a', False), ('b', True)):\n"
        f"    open_image(open_dicom_file(Path({str(tmp_path)!r}) / f'{{name}}.dcm')).frame(0)\n"
        "    assert (sys.modules['gdcm'] is not None) is is_loaded, name\n"
    )
    assert done.returncode == 0, done.stderr


def test_where_gdcm_cannot_be_loaded_the_log_says_so_and_the_next_picture_tries_again(tmp_path: Path) -> None:
    source = save(image_dataset(gradient()), tmp_path / "native.dcm")
    subprocess.run(["dcmcjpeg", "-q", source, tmp_path / "a.dcm"], check=True)
    done = in_a_reader(
        "class Refusing:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'gdcm':\n"
        "            raise self.problem\n"
        "refusing = Refusing()\n"
        "def shown():\n"
        "    try:\n"
        f"        return open_image(open_dicom_file(Path({str(tmp_path / 'a.dcm')!r}))).frame(0) is not None\n"
        "    except Exception as problem:\n"
        "        return str(problem)\n"
        "sys.meta_path.insert(0, refusing)\n"
        "for refusing.problem in (ImportError('no segment'), MemoryError()):\n"
        "    print(shown())\n"
        "sys.meta_path.remove(refusing)\n"
        "print(shown())\n"
    )
    assert done.stderr == "leapfrog-reader: gdcm cannot be imported: no segment\n"
    undecoded, too_large, at_last = done.stdout.splitlines()
    assert "could not be decoded" in undecoded
    assert "too large for this box" in too_large
    assert at_last == "True"


def test_colours_whose_components_are_called_r_g_and_b_are_shown(tmp_path: Path) -> None:
    pixels = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    pixels[:, :32, 0], pixels[:, 32:64, 1], pixels[:, 64:, 2] = 200, 150, 100
    content = jpeg(pixels, keep_rgb=True)
    without_adobe = content.replace(b"Adobe", b"Xdobe")
    image = compressed(pixels, without_adobe, JPEGBaseline8Bit, tmp_path / "a.dcm", PhotometricInterpretation="RGB")
    assert np.abs(image.frame(0).shown.astype(int) - pixels).max() <= 3


@pytest.mark.parametrize("options", [["+ee"], ["+ee", "+q", "60"]])
def test_jpeg_of_12_bits_is_decoded_as_dcmtk_does(options: list[str], tmp_path: Path) -> None:
    source = save(image_dataset(gradient(), BitsStored=12), tmp_path / "native.dcm")
    packed, unpacked = tmp_path / "packed.dcm", tmp_path / "unpacked.dcm"
    subprocess.run(["dcmcjpeg", "-q", *options, source, packed], check=True)
    subprocess.run(["dcmdjpeg", "-q", packed, unpacked], check=True)
    assert pydicom.dcmread(packed).file_meta.TransferSyntaxUID == JPEGExtended12Bit
    ours, theirs = opened(packed).frame(0).gray(), opened(unpacked).frame(0).gray()
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1
    assert int(ours.max()) - int(ours.min()) > 200


@pytest.mark.parametrize(
    "named", [JPEGBaseline8Bit, JPEGLosslessSV1, JPEG2000Lossless, JPEGLSLossless, JPEGExtended12Bit]
)
@pytest.mark.parametrize("made", ["jpeg", "jpeg 2000", "jpeg-ls"])
def test_a_picture_under_the_wrong_transfer_syntax_is_decoded_as_what_it_is(
    named: UID, made: str, tmp_path: Path
) -> None:
    smooth = gradient(ROWS, COLUMNS, top=255, kind="u1")
    content = {"jpeg": jpeg, "jpeg 2000": jpeg_2000, "jpeg-ls": jpeg_ls_of}[made](smooth)
    shown = compressed(smooth, content, named, tmp_path / "a.dcm").frame(0).gray()
    assert np.abs(shown.astype(int) - smooth.astype(int)).max() <= 4


def test_pixels_in_rle_may_look_like_the_beginning_of_another_picture(tmp_path: Path) -> None:
    pixels = NOISE.copy()
    pixels[0, 10:14] = (0xFF, 0x4F, 0xFF, 0x51)  # JPEG 2000's first marker segment
    dataset = image_dataset(pixels)
    save(dataset, tmp_path / "a.dcm")
    dataset.compress(RLELossless, encoding_plugin="pydicom")
    assert b"\xff\x4f\xff\x51" in dataset.PixelData
    assert np.array_equal(opened(save(dataset, tmp_path / "a.dcm", RLELossless)).frame(0).gray(), pixels)


def test_what_no_decoder_takes_is_set_aside(tmp_path: Path) -> None:
    content = jpeg(NOISE)
    start = content.index(b"\xff\xda")
    damaged = content[:start] + b"\xff\xc4\x00\x05abc" * 20 + b"\xff\xd9"
    with pytest.raises(UnreadableImage, match="could not be decoded"):
        compressed(NOISE, damaged, JPEGBaseline8Bit, tmp_path / "a.dcm").frame(0)


@pytest.mark.parametrize("precision", [0, 1, 12, 16, 188, 255])
@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1])
def test_samples_that_do_not_fit_are_refused_before_a_decoder_writes_them(
    precision: int, syntax: UID, tmp_path: Path
) -> None:
    content = bytearray(jpeg(NOISE))
    content[content.index(b"\xff\xc0") + 4] = precision
    with pytest.raises(UnreadableImage, match="could not be decoded"):
        compressed(NOISE, bytes(content), syntax, tmp_path / "a.dcm").frame(0)


# ---------------------------------------------------------------- an end marker that is missing


@pytest.mark.parametrize(
    ("encode", "syntax"),
    [(jpeg, JPEGBaseline8Bit), (jpeg_2000, JPEG2000Lossless), (jpeg_ls_of, JPEGLSLossless)],
    ids=["JPEG", "JPEG 2000", "JPEG-LS"],
)
def test_only_a_picture_that_misses_nothing_but_its_end_marker_is_shown(
    encode: Any, syntax: UID, tmp_path: Path
) -> None:
    whole = encode(NOISE)
    expected = compressed(NOISE, whole, syntax, tmp_path / "whole.dcm").frame(0)
    assert expected.notes == ()
    shown = compressed(NOISE, unended(whole), syntax, tmp_path / "unended.dcm").frame(0)
    assert np.array_equal(shown.shown, expected.shown)
    assert "end marker is missing" in shown.notes[0]
    for missing in (8, 40, 400, len(whole) // 2):
        cut = compressed(NOISE, unended(whole)[:-missing], syntax, tmp_path / "cut.dcm")
        with pytest.raises(UnreadableImage, match="ends early"):
            cut.frame(0)


def test_half_an_end_marker_is_none(tmp_path: Path) -> None:
    whole = jpeg(NOISE)
    shown = compressed(NOISE, whole[:-1], JPEGBaseline8Bit, tmp_path / "a.dcm").frame(0)
    assert "end marker is missing" in shown.notes[0]


def test_lossless_jpeg_without_its_end_marker_is_shown(tmp_path: Path) -> None:
    source = save(image_dataset(gradient(), BitsStored=12), tmp_path / "native.dcm")
    packed = tmp_path / "packed.dcm"
    subprocess.run(["dcmcjpeg", "-q", source, packed], check=True)
    content = next(pydicom.encaps.generate_frames(pydicom.dcmread(packed).PixelData, number_of_frames=1))
    end = content.rindex(b"\xff\xd9")
    native = opened(source).frame(0).gray()
    shown = compressed(gradient(), content[:end], JPEGLosslessSV1, tmp_path / "a.dcm", BitsStored=12).frame(0)
    assert np.array_equal(shown.gray(), native)
    assert shown.notes
    with pytest.raises(UnreadableImage, match="ends early"):
        compressed(gradient(), content[: end - 30], JPEGLosslessSV1, tmp_path / "b.dcm", BitsStored=12).frame(0)


# ---------------------------------------------------------------- which bits are pixels


def with_overlay_bit() -> NDArray[np.uint16]:
    pixels = gradient(ROWS, COLUMNS)
    pixels[10:50, 20:70] |= 0x8000
    return pixels


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless, JPEGLosslessSV1])
def test_only_the_stored_bits_are_pixels_in_every_transfer_syntax(syntax: UID, tmp_path: Path) -> None:
    native = opened(save(image_dataset(gradient(), BitsStored=12), tmp_path / "native.dcm")).frame(0)
    pixels = with_overlay_bit()
    packed = tmp_path / "packed.dcm"
    if syntax == JPEGLosslessSV1:
        source = save(image_dataset(pixels, BitsStored=16), tmp_path / "source.dcm")
        subprocess.run(["dcmcjpeg", "-q", source, packed], check=True)
        lossless = pydicom.dcmread(packed)
        lossless.BitsStored, lossless.HighBit = 12, 11
        lossless.save_as(packed)
        shown = opened(packed).frame(0)
    elif syntax == RLELossless:
        dataset = image_dataset(pixels, BitsStored=16)
        save(dataset, packed)
        dataset.compress(RLELossless, encoding_plugin="pydicom")
        dataset.BitsStored, dataset.HighBit = 12, 11
        shown = opened(save(dataset, packed, RLELossless)).frame(0)
    else:
        encode = jpeg_2000 if syntax == JPEG2000Lossless else jpeg_ls_of
        shown = compressed(pixels, encode(pixels), syntax, packed, BitsStored=12).frame(0)
    assert np.array_equal(shown.gray(), native.gray())


def box(kind: bytes, content: bytes) -> bytes:
    """A box of a JP2 file (ISO 15444-1 Annex I)."""
    return struct.pack(">L", 8 + len(content)) + kind + content


def jp2_file(codestream: bytes) -> bytes:
    size = box(b"ihdr", struct.pack(">LLHBBBB", ROWS, COLUMNS, 1, 15, 7, 0, 0))
    colours = box(b"colr", b"\x01\0\0" + struct.pack(">L", 17))
    kind = box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return box(b"jP  ", b"\r\n\x87\n") + kind + box(b"jp2h", size + colours) + box(b"jp2c", codestream)


def test_no_decoder_sees_the_boxes_of_a_jp2_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = gradient(ROWS, COLUMNS)
    whole = jpeg_2000(pixels)
    shown = compressed(pixels, whole, JPEG2000Lossless, tmp_path / "bare.dcm").frame(0).gray()
    seen: list[bytes] = []

    def decompress(content: bytes, *options: Any) -> Decompressed:
        seen.append(content)
        return decoders.decompress(content, *options)

    monkeypatch.setattr("leapfrog.reader.image.frames.decoding.decompress", decompress)
    damaged = jp2_file(whole).replace(b"ihdr", b"ihdx").replace(b"ftypjp2 ", b"ftyp\0\0\0\0")
    for number, content in enumerate((jp2_file(whole), damaged)):
        file = compressed(pixels, content, JPEG2000Lossless, tmp_path / f"{number}.dcm")
        assert np.array_equal(file.frame(0).gray(), shown)
    assert all(content.startswith(b"\xff\x4f\xff\x51") for content in seen)
    assert len(seen) == 2


@pytest.mark.parametrize("signed_header", [False, True])
def test_a_signed_jpeg_2000_stream_is_signed_whatever_the_header_says(signed_header: bool, tmp_path: Path) -> None:
    pixels = (gradient(ROWS, COLUMNS).astype(np.int32) - 2048).astype(np.int16)
    window = {"WindowCenter": 0, "WindowWidth": 4096}
    native = opened(save(image_dataset(pixels, **window), tmp_path / "native.dcm")).frame(0).gray()
    attributes = {**window, "PixelRepresentation": int(signed_header)}
    shown = compressed(pixels, jpeg_2000(pixels), JPEG2000, tmp_path / "a.dcm", **attributes).frame(0).gray()
    assert np.array_equal(shown, native)


def test_the_inverse_gray_of_jpeg_2000_is_inverted_once(tmp_path: Path) -> None:
    pixels = gradient(ROWS, COLUMNS, top=255, kind="u1")
    inverse = {"PhotometricInterpretation": "MONOCHROME1"}
    shown = compressed(pixels, jpeg_2000(pixels), JPEG2000Lossless, tmp_path / "a.dcm", **inverse).frame(0).gray()
    assert np.array_equal(shown, 255 - pixels)


# ---------------------------------------------------------------- uncompressed pixels


def test_ges_private_transfer_syntax_has_big_endian_pixels(tmp_path: Path) -> None:
    dataset = image_dataset(gradient(), BitsStored=12, WindowCenter=2048, WindowWidth=4096)
    native = opened(save(dataset, tmp_path / "native.dcm")).frame(0).gray()
    dataset.PixelData = gradient().byteswap().tobytes()
    path = save(dataset, tmp_path / "ge.dcm", "1.2.840.10008.1.2")
    rename_syntax(path, b"1.2.840.10008.1.2\0", b"1.2.840.113619.5.2")
    assert np.array_equal(opened(path).frame(0).gray(), native)


@pytest.mark.parametrize("private", [b"1.2.840.113619.5.3", b"1.3.46.670589.33.1"])
def test_no_other_private_transfer_syntax_is_guessed(private: bytes, tmp_path: Path) -> None:
    path = save(image_dataset(gradient()), tmp_path / "a.dcm", "1.2.840.10008.1.2")
    rename_syntax(path, b"1.2.840.10008.1.2\0", private)
    with pytest.raises(UnreadableImage, match=r"does not know.*Set the machine"):
        opened(path)


def rename_syntax(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert len(old) == len(new)
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


@pytest.mark.parametrize("planar", [0, 1])
def test_pixels_of_full_length_are_not_subsampled_whatever_they_are_called(planar: int, tmp_path: Path) -> None:
    colours = np.stack([gradient(ROWS, COLUMNS, top=255, kind="u1"), NOISE // 4 + 90, NOISE // 4 + 100], axis=-1)
    stored = np.ascontiguousarray(np.moveaxis(colours, -1, 0)) if planar else colours
    attributes = {"PlanarConfiguration": planar, "PixelData": stored.tobytes()}
    right = image_dataset(colours, PhotometricInterpretation="YBR_FULL", **attributes)
    named = image_dataset(colours, PhotometricInterpretation="YBR_FULL_422", **attributes)
    expected = opened(save(right, tmp_path / "right.dcm")).frame(0).shown
    assert np.array_equal(opened(save(named, tmp_path / "named.dcm")).frame(0).shown, expected)


@pytest.mark.parametrize("spelling", ["MONOCHROME 2", "Monochrome2", "MONOCHROME_2", "MONOCHROME2\\MONOCHROME2"])
def test_gray_is_gray_however_it_is_spelt(spelling: str, tmp_path: Path) -> None:
    dataset = image_dataset(gradient(top=255, kind="u1"))
    dataset.add_new(0x00280004, "LO", spelling.split("\\") if "\\" in spelling else spelling)
    assert np.array_equal(opened(save(dataset, tmp_path / "a.dcm")).frame(0).gray(), gradient(top=255, kind="u1"))


def test_colours_are_colours_however_they_are_spelt(tmp_path: Path) -> None:
    colours = np.stack([NOISE, NOISE // 2, NOISE // 3], axis=-1)
    for right, other in (("YBR_FULL", "YBR FULL"), ("RGB", "rgb ")):
        dataset = image_dataset(colours, PhotometricInterpretation=right)
        expected = opened(save(dataset, tmp_path / "a.dcm", ExplicitVRLittleEndian)).frame(0).shown
        dataset.add_new(0x00280004, "LO", other)
        assert np.array_equal(opened(save(dataset, tmp_path / "b.dcm")).frame(0).shown, expected)
