"""An uncompressed copy shows the very image, and states what follows from being uncompressed."""

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from leapfrog.errors import UnreadableImage
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.frames.decoding import FrameDecoder
from leapfrog.reader.originals.recoding.compression import compress
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.originals.recoding.uncompression import uncompress
from support.owed import part10_bytes, secondary_capture, without_padding

FEWEST = 40  # of the files of ../shared/data that are not in explicit VR little endian


def uncompressed(path: Path, out: Path) -> None:
    with path.open("rb") as source, out.open("w+b") as target:
        uncompress(path, path.stat().st_size, source, target)


def values(path: Path) -> list[np.ndarray]:
    """The values of every frame, as a reader sees them."""
    decoder = FrameDecoder(open_dicom_file(path))
    frames = [decoder.stored(index) for index in range(decoder.layout.frames)]
    return [one.samples if one.bits is None else one.bits.values(one.samples) for one in frames]


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, of old files
def test_every_shared_file_shows_the_same_values_uncompressed(shared_data: Path, tmp_path: Path) -> None:
    made, out = 0, tmp_path / "out.dcm"
    for path in sorted((shared_data / "dicom").rglob("*")):
        if not path.is_file() or path.suffix == ".gz" or path.stat().st_size > 2_000_000:
            continue
        try:
            uncompressed(path, out)
        except AsItCame:
            continue
        made += 1
        before, after = dcmread(path, force=True, stop_before_pixels=True), dcmread(out)
        assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert after.get("SOPInstanceUID") == before.get("SOPInstanceUID")
        assert after.get("PhotometricInterpretation") not in ("YBR_FULL_422", "YBR_RCT", "YBR_ICT")
        with suppress(UnreadableImage):  # bits that no reader shows
            assert all(np.array_equal(one, other) for one, other in zip(values(path), values(out), strict=True)), path
        lost = {element.tag for element in before if element.tag.element} - {element.tag for element in after}
        assert not lost, path
    assert made >= FEWEST


def test_what_was_compressed_here_is_the_original_again(tmp_path: Path) -> None:
    content = part10_bytes(secondary_capture(50_000, PatientComments="kept"))
    smaller, back = tmp_path / "smaller.dcm", tmp_path / "back.dcm"
    with smaller.open("w+b") as out:
        compress(io.BytesIO(content), out)
    uncompressed(smaller, back)
    assert dcmread(back) == dcmread(io.BytesIO(content))


def test_a_loop_that_lacks_a_frame_goes_as_it_came(shared_data: Path, tmp_path: Path) -> None:
    with pytest.raises(AsItCame, match="cannot all be decoded"):
        uncompressed(shared_data / "cases" / "one-bad-frame" / "one-frame-cut.dcm", tmp_path / "out.dcm")


def test_what_is_uncompressed_already_or_unknown_goes_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "original.dcm"
    content = part10_bytes(secondary_capture())
    path.write_bytes(content)
    with pytest.raises(AsItCame, match="already"):
        uncompressed(path, tmp_path / "out.dcm")
    path.write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
    with pytest.raises(AsItCame, match="cannot decode"):
        uncompressed(path, tmp_path / "out.dcm")


def test_pixels_that_a_machine_did_not_pad_are_padded(tmp_path: Path) -> None:
    dataset = secondary_capture(Rows=1, Columns=999, PixelData=bytes(998) + b"\7\0")
    dataset["PixelData"].VR = "OB"
    padded = part10_bytes(dataset)
    path, out = tmp_path / "original.dcm", tmp_path / "out.dcm"
    path.write_bytes(without_padding(padded))
    uncompressed(path, out)
    assert dcmread(out) == dcmread(io.BytesIO(padded))
