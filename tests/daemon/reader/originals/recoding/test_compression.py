"""An original in JPEG-LS is the same object: its pixels bit by bit, as others decode them, and all that it says."""

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
)

from leapfrog.dicom.part10 import find_dataset
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.frames.decoding import FrameDecoder
from leapfrog.reader.originals.recoding.compression import compress
from leapfrog.reader.originals.recoding.refusal import AsItCame
from support.dcmtk import dcmtk_program
from support.owed import part10_bytes, secondary_capture, without_padding

BIG_ENDIAN = ("1.2.840.10008.1.2.2", "1.2.840.113619.5.2")  # the second only in its pixels
SMALLEST = 20  # of the files of ../shared/data that are uncompressed, at least so many get smaller


def compressed(content: bytes) -> bytes:
    out = io.BytesIO()
    compress(io.BytesIO(content), out)
    return out.getvalue()


def reason(content: bytes) -> str:
    """Why it goes as it came."""
    with pytest.raises(AsItCame) as refusal:
        compressed(content)
    return str(refusal.value)


def smooth(rows: int, columns: int, samples: int = 1, dtype: str = "u1", top: int = 256) -> np.ndarray:
    """A picture that is easily made smaller."""
    ramp = (np.arange(columns) + np.arange(rows)[:, None]) % top
    picture = ramp if samples == 1 else np.stack([ramp, ramp[::-1], ramp // 2], axis=-1)
    return picture.astype(dtype)


def image(picture: np.ndarray, **attributes: object) -> Dataset:
    """A secondary capture of `picture`, (rows, columns) or (rows, columns, 3)."""
    bits = 8 * picture.itemsize
    described = {
        "Rows": picture.shape[0], "Columns": picture.shape[1], "BitsAllocated": bits, "BitsStored": bits,
        "HighBit": bits - 1, "PixelData": picture.tobytes() + b"\0" * (picture.nbytes % 2),
    }  # fmt: skip
    if picture.ndim == 3:
        described |= {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    dataset = secondary_capture(**(described | attributes))
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    return dataset


def written(dataset: Dataset, syntax: str = str(ExplicitVRLittleEndian)) -> bytes:
    if syntax == ExplicitVRLittleEndian:
        return part10_bytes(dataset)
    dataset.file_meta = dcmread(io.BytesIO(part10_bytes(dataset))).file_meta
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    out = io.BytesIO()
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    dcmwrite(out, dataset, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return out.getvalue()


def stated(dataset: Dataset, *, big_endian: bool = False) -> dict[str, object]:
    """All that it states besides its pixels, with values as they are understood; of unknown ones only that they are
    there. pydicom leaves words in the order of the file.
    """
    found: dict[str, object] = {}
    for element in dataset:
        if element.tag == 0x7FE00010 or element.tag.element == 0:
            continue
        value = element.value
        if element.VR == "OW" and big_endian:
            value = np.frombuffer(value, "u2").byteswap().tobytes()
        if isinstance(value, Sequence):
            value = [stated(item, big_endian=big_endian) for item in value]
        found[str(element.tag)] = None if element.VR == "UN" else value
    return found


def native_pixels(file: Dataset, syntax: str) -> bytes:
    """The bytes of the uncompressed pixels as they are in little endian, pixel by pixel."""
    content = bytes(file.PixelData)
    if syntax in BIG_ENDIAN and (file["PixelData"].VR == "OW" or syntax == BIG_ENDIAN[1]):
        content = np.frombuffer(content, "u2").byteswap().tobytes()
    if file.SamplesPerPixel == 3 and file.PlanarConfiguration == 1:
        planes = np.frombuffer(content[: file.Rows * file.Columns * 3], "u1").reshape(3, -1)
        content = np.ascontiguousarray(planes.T).tobytes()
    return content


def decoded(file: FileDataset, plugin: str) -> bytes:
    pixels, _ = get_decoder(file.file_meta.TransferSyntaxUID).as_buffer(file, decoding_plugin=plugin, raw=True)
    return bytes(pixels)


def uncompressed_files(shared_data: Path) -> Iterator[tuple[Path, bytes]]:
    """The files of ../shared/data that are DICOM."""
    for folder in ("dicom", "cases"):
        for path in sorted((shared_data / folder).rglob("*")):
            if path.is_file() and path.suffix not in {".md", ".txt", ".json", ".png", ".gz", ".icc", ".dump"}:
                yield path, path.read_bytes()


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, of old files
def test_every_shared_file_that_is_compressed_is_the_same_object(shared_data: Path, tmp_path: Path) -> None:
    """DCMTK, GDCM and CharLS decode the very bits; pydicom reads the same from every element."""
    smaller = 0
    for path, content in uncompressed_files(shared_data):
        try:
            made = compressed(content)
        except AsItCame:
            continue
        smaller += 1
        assert len(made) < len(content), path
        syntax = find_dataset(io.BytesIO(content)).transfer_syntax_uid
        before, after = dcmread(path, force=True), dcmread(io.BytesIO(made))
        native = native_pixels(before, syntax)
        expected = stated(before, big_endian=syntax == ExplicitVRBigEndian)
        if before.get("PlanarConfiguration") == 1 and before.SamplesPerPixel == 3:
            expected["(0028,0006)"] = 0
        found = stated(after)
        assert found.keys() == expected.keys(), path
        assert [tag for tag in found if found[tag] is not None and found[tag] != expected[tag]] == [], path
        for plugin in ("pyjpegls", "gdcm"):
            pixels = decoded(after, plugin)
            assert pixels == native[: len(pixels)], (path, plugin)
        (tmp_path / "made.dcm").write_bytes(made)
        by_dcmtk = tmp_path / "dcmtk.dcm"
        subprocess.run([dcmtk_program("dcmdjpls"), tmp_path / "made.dcm", by_dcmtk], check=True)
        assert dcmread(by_dcmtk).PixelData[: len(pixels)] == native[: len(pixels)], path
    assert smaller >= SMALLEST


PIXELS = st.fixed_dictionaries(
    {
        "rows": st.integers(1, 60),
        "columns": st.integers(1, 60),
        "samples": st.sampled_from((1, 1, 3)),
        "frames": st.integers(1, 3),
        "allocated": st.sampled_from((8, 16)),
        "stored": st.integers(1, 16),
        "shift": st.integers(0, 4),
        "signed": st.booleans(),
        "planar": st.booleans(),
        "noise_above": st.booleans(),
        "syntax": st.sampled_from((ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)),
        "seed": st.integers(0, 2**32 - 1),
    }
)


@settings(max_examples=60, deadline=None)
@given(PIXELS)
def test_whatever_the_pixels_are_they_come_back_or_go_as_they_came(one: dict[str, Any]) -> None:
    stored = min(one["stored"], one["allocated"])
    shift = min(one["shift"], one["allocated"] - stored)
    random = np.random.default_rng(one["seed"])
    shape = (one["frames"], one["rows"], one["columns"], one["samples"])
    values = random.integers(0, max(2, 2 ** min(stored, 3)), shape, dtype=np.uint32) << shift
    if one["noise_above"]:
        values |= random.integers(0, 2, shape, dtype=np.uint32) << (one["allocated"] - 1)
    picture = values.astype(f"<u{one['allocated'] // 8}")
    dataset = image(
        picture[0, ..., 0] if one["samples"] == 1 else picture[0],
        NumberOfFrames=one["frames"], BitsStored=stored, HighBit=stored + shift - 1,
        PixelRepresentation=int(one["signed"]), PixelData=picture.tobytes() + b"\0" * (picture.nbytes % 2),
    )  # fmt: skip
    if one["samples"] == 3 and one["planar"]:
        dataset.PlanarConfiguration = 1
        planes = np.ascontiguousarray(picture.transpose(0, 3, 1, 2))
        dataset.PixelData = planes.tobytes() + b"\0" * (planes.nbytes % 2)
    if one["syntax"] == ExplicitVRBigEndian:
        dataset["PixelData"].VR = "OB" if one["allocated"] == 8 else "OW"
        if one["allocated"] == 16:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()
    try:
        made = compressed(written(dataset, one["syntax"]))
    except AsItCame as refusal:
        assert "smaller" in str(refusal)
        return
    after = dcmread(io.BytesIO(made))
    assert decoded(after, "pyjpegls") == picture.tobytes()
    assert len(list(generate_frames(after.PixelData, number_of_frames=one["frames"]))) == one["frames"]


# ------------------------------------------------------------ everything else is kept


def odd_elements() -> Dataset:
    """What a data set may have besides: private elements, sequences of both kinds, unknown tags, text in Greek."""
    dataset = image(smooth(64, 64, dtype="<u2"), BitsStored=12, HighBit=11, PixelRepresentation=1)
    dataset.SpecificCharacterSet = "ISO_IR 126"
    dataset.PatientName = "Διονυσιος"
    dataset.SmallestImagePixelValue = -5
    dataset.add_new(0x00281052, "DS", "-1024")
    private = dataset.private_block(0x0019, "A VENDOR", create=True)
    private.add_new(0x10, "LO", "kept")
    private.add_new(0x11, "OB", bytes(range(100)))
    item = Dataset()
    item.CodeValue = "1"
    inner = Dataset()
    inner.PatientComments = "nested"
    item.add_new(0x00081199, "SQ", Sequence([inner]))
    dataset.ReferencedImageSequence = Sequence([item, Dataset()])
    private.add_new(0x20, "SQ", Sequence([inner]))
    icon = image(smooth(8, 8))
    for keyword in ("PatientName", "PatientID", "SOPInstanceUID", "SOPClassUID", "StudyInstanceUID"):
        delattr(icon, keyword)
    dataset.IconImageSequence = Sequence([icon])
    dataset.add_new(0x7FE10010, "LO", "BEHIND THE PIXELS")
    dataset.add_new(0xFFFCFFFC, "OB", b"\0" * 20)
    return dataset


def test_of_explicit_vr_every_byte_before_and_after_the_pixels_is_kept() -> None:
    content = written(odd_elements())
    made = compressed(content)
    before, after = find_dataset(io.BytesIO(content)).offset, find_dataset(io.BytesIO(made)).offset
    pixels = b"\xe0\x7f\x10\x00OW"
    head = content[before : content.rindex(pixels)]
    tail = content[content.index(b"\xe1\x7f\x10\x00") :]
    assert made[after:].startswith(head)
    assert made.endswith(tail)


def test_of_implicit_vr_every_value_is_kept_and_private_ones_stay_as_they_were() -> None:
    dataset = odd_elements()
    content = written(dataset, ImplicitVRLittleEndian)
    after = dcmread(io.BytesIO(compressed(content)))
    assert after.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert after.PatientName == "Διονυσιος"
    assert after.SmallestImagePixelValue == -5
    assert after["SmallestImagePixelValue"].VR == "SS"
    assert after[0x00191010].value in ("kept", b"kept")
    assert after.ReferencedImageSequence[0][0x00081199][0].PatientComments == "nested"
    assert after.IconImageSequence[0].PixelData == dataset.IconImageSequence[0].PixelData
    assert after[0xFFFCFFFC].value == b"\0" * 20
    assert after.SOPInstanceUID == dataset.SOPInstanceUID


def test_of_big_endian_every_number_is_kept() -> None:
    dataset = image(smooth(64, 64, dtype="<u2"))
    dataset.add_new(0x00280106, "US", 258)
    dataset.add_new(0x00186020, "SL", -70000)
    dataset.add_new(0x00221463, "FL", 1.5)
    native = dataset.PixelData
    dataset.PixelData = np.frombuffer(native, "<u2").byteswap().tobytes()
    after = dcmread(io.BytesIO(compressed(written(dataset, ExplicitVRBigEndian))))
    assert (after[0x00280106].value, after[0x00186020].value, after[0x00221463].value) == (258, -70000, 1.5)
    assert decoded(after, "gdcm") == native


def test_a_file_without_meta_information_gets_one() -> None:
    content = written(image(smooth(64, 64)))
    bare = content[find_dataset(io.BytesIO(content)).offset :]
    after = dcmread(io.BytesIO(compressed(bare)))
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    assert after.file_meta.TransferSyntaxUID == JPEGLSLossless


def test_an_overlay_in_the_pixels_is_kept() -> None:
    picture = smooth(64, 64, dtype="<u2", top=4096)
    picture[10:20, 10:20] |= 1 << 15
    made = compressed(written(image(picture, BitsStored=12, HighBit=11)))
    assert decoded(dcmread(io.BytesIO(made)), "gdcm") == picture.tobytes()


def test_values_that_stand_in_the_higher_bits_stay_there(tmp_path: Path) -> None:
    path, picture = tmp_path / "made.dcm", smooth(64, 64, dtype="<u2", top=16) << 4
    path.write_bytes(compressed(written(image(picture, BitsStored=12, HighBit=15))))
    stored = FrameDecoder(open_dicom_file(path)).stored(0)
    assert stored.bits is not None
    assert (stored.bits.values(stored.samples) == picture >> 4).all()


def test_a_preamble_that_makes_the_file_a_tiff_too_is_blanked() -> None:
    content = b"II*\0" + written(image(smooth(64, 64)))[4:]
    assert compressed(content)[:128] == bytes(128)


# ------------------------------------------------------------ what goes as it came


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"PhotometricInterpretation": "YBR_FULL_422"}, "does not hold"),
        ({"PhotometricInterpretation": "MONOCHROME 2"}, "does not hold"),
        ({"Rows": 63}, "more, or fewer"),
        ({"Rows": 65}, "more, or fewer"),
        ({"BitsStored": 9}, "laid out"),
        ({"NumberOfFrames": 2}, "more, or fewer"),
        ({"Columns": None}, "laid out"),
        ({"PixelData": None}, "no pixels"),
    ],
)
def test_what_is_not_described_as_dicom_has_it_goes_as_it_came(attributes: dict[str, object], said: str) -> None:
    dataset = image(smooth(64, 64))
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    assert said in reason(written(dataset))


def test_a_number_that_others_would_read_as_text_goes_as_it_came() -> None:
    content = written(image(smooth(64, 64)))
    bits_allocated = b"\x28\x00\x00\x01"
    assert "not written as DICOM" in reason(content.replace(bits_allocated + b"US", bits_allocated + b"DS"))


def test_a_file_that_is_cut_off_goes_as_it_came() -> None:
    content = written(image(smooth(64, 64)))
    for length in (len(content) - 1, len(content) // 2, 200, 140, 10, 0):
        assert reason(content[:length])


def test_a_signed_object_is_not_touched() -> None:
    dataset = image(smooth(64, 64))
    item = Dataset()
    item.MACIDNumber = 1
    dataset.DigitalSignaturesSequence = Sequence([item])
    assert "digital signature" in reason(written(dataset))


def test_noise_goes_as_it_came() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    assert "smaller" in reason(written(image(noise)))


def test_what_is_compressed_already_or_deflated_goes_as_it_came() -> None:
    once = compressed(written(image(smooth(64, 64))))
    assert reason(once) == "It is not uncompressed."
    assert reason(written(image(smooth(64, 64)), DeflatedExplicitVRLittleEndian)) == "It is not uncompressed."


def test_pixels_behind_their_end_are_not_thrown_away() -> None:
    dataset = image(smooth(65, 65))
    dataset.PixelData = dataset.PixelData[:-1] + b"\x07"  # the byte of padding says something
    assert "more, or fewer" in reason(written(dataset))


def test_pixels_that_a_machine_did_not_pad_are_compressed_too() -> None:
    padded = written(image(smooth(65, 65)))
    assert compressed(without_padding(padded)) == compressed(padded)
