"""Of a cine of 300 frames, only those are decoded that are looked at, however its pixels are encoded."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from leapfrog.packages.catalogue import find_packages
from leapfrog.packages.package import ANY_SIGNATURE
from leapfrog.processes.messages import ReadJob
from leapfrog.reader.image.frames.decoding import FrameDecoder, StoredFrame
from leapfrog.reader.image.pixels import chosen_frames
from leapfrog.reader.image_reader import ImageReader
from support.dcmtk import run_program
from support.films import nerve_frame, write_cine
from support.instances import items
from support.models_here import ModelsHere
from support.tiny_models import write_nerve_and_vessel

FRAMES = 300
FRAMES_PER_CINE = 16


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames that are decoded, in order."""
    indices, stored = list[int](), FrameDecoder.stored

    def noting(decoder: FrameDecoder, index: int) -> StoredFrame:
        indices.append(index)
        return stored(decoder, index)

    monkeypatch.setattr(FrameDecoder, "stored", noting)
    return indices


def frame_of(rows: int, columns: int) -> NDArray[np.uint8]:
    small = nerve_frame()
    return np.tile(small, (-(-rows // small.shape[0]), -(-columns // small.shape[1])))[:rows, :columns]


def encoded_once(directory: Path, syntax: str, frame: NDArray[np.uint8]) -> Dataset:
    """An ultrasound picture of this one frame, encoded so."""
    plain = write_cine(directory / "one.dcm", [frame])
    if syntax == JPEGLosslessSV1:
        outcome = run_program("dcmcjpeg", "+e1", "+un", str(plain), str(directory / "jpeg.dcm"))
        assert outcome.succeeded, outcome.text
        return pydicom.dcmread(directory / "jpeg.dcm")
    if syntax == JPEGBaseline8Bit:
        outcome = run_program("dcmcjpeg", "+eb", "+un", str(plain), str(directory / "jpeg.dcm"))
        assert outcome.succeeded, outcome.text
        return pydicom.dcmread(directory / "jpeg.dcm")
    dataset = pydicom.dcmread(plain)
    dataset.compress(syntax, encoding_plugin="pydicom" if syntax == RLELossless else "")
    return dataset


def cine(
    directory: Path, syntax: str, *, with_table: bool, fragments_per_frame: int = 1, body_part: str = "NERVE"
) -> Path:
    """A file of 300 such frames of 768 x 1024."""
    dataset = encoded_once(directory, syntax, frame_of(768, 1024))
    _table, *encoded = generate_fragments(dataset.PixelData)
    frame = b"".join(encoded)
    length = -(-len(frame) // fragments_per_frame) + 1 & ~1
    pieces = [frame[start : start + length] for start in range(0, len(frame), length)]
    each = sum(8 + len(piece) + len(piece) % 2 for piece in pieces)
    table = b"".join((number * each).to_bytes(4, "little") for number in range(FRAMES)) if with_table else b""
    dataset.NumberOfFrames = FRAMES
    dataset.PixelData = items(*pieces * FRAMES, offset_table=table)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.BodyPartExamined = body_part
    dataset.save_as(directory / "cine.dcm", enforce_file_format=True)
    return directory / "cine.dcm"


def read(directory: Path, path: Path, packages: Path) -> tuple[str, int]:
    """What came of the cine, and how many frames were read."""
    for name in ("report", "work"):
        (directory / name).mkdir()
    job = ReadJob(
        instance_id="abc",
        study_key="study",
        attempt=1,
        source_path=path,
        source_byte_count=path.stat().st_size,
        source="test",
        received_at="2026-11-05T10:00:00+00:00",
        unknown_age="adult",
        assumed_character_set="",
        report_dir=directory / "report",
        work_dir=directory / "work",
    )
    reader = ImageReader(find_packages((packages,), ANY_SIGNATURE), ModelsHere(), FRAMES_PER_CINE, 60.0, 240.0)
    reading = reader.read(job, lambda _stage: None).reading
    return reading.outcome, reading.frames_read


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    write_nerve_and_vessel(tmp_path / "packages")
    return tmp_path / "packages"


SYNTAXES = (JPEGLosslessSV1, JPEGBaseline8Bit, JPEGLSLossless, JPEG2000Lossless, RLELossless)


@pytest.mark.parametrize("with_table", [True, False], ids=["with an offset table", "without one"])
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: str(syntax.name))
def test_of_a_compressed_cine_the_frames_that_are_looked_at_are_decoded(
    syntax: str, with_table: bool, tmp_path: Path, packages: Path, decoded: list[int]
) -> None:
    outcome = read(tmp_path, cine(tmp_path, syntax, with_table=with_table), packages)
    assert outcome == ("nothing_found", FRAMES_PER_CINE)
    first, again = decoded[:FRAMES_PER_CINE], decoded[FRAMES_PER_CINE:]
    assert first == list(chosen_frames(FRAMES, FRAMES_PER_CINE))
    assert len(again) <= 1, "the one that is reported may be decoded once more, to be drawn"


def test_the_same_of_frames_in_several_fragments(tmp_path: Path, packages: Path, decoded: list[int]) -> None:
    path = cine(tmp_path, JPEGLosslessSV1, with_table=False, fragments_per_frame=3)
    assert read(tmp_path, path, packages) == ("nothing_found", FRAMES_PER_CINE)
    assert set(decoded) == set(chosen_frames(FRAMES, FRAMES_PER_CINE))


@pytest.mark.parametrize(("photometric", "samples"), [("MONOCHROME2", 1), ("RGB", 3), ("YBR_FULL", 3)])
def test_the_same_of_uncompressed_ones(
    photometric: str, samples: int, tmp_path: Path, packages: Path, decoded: list[int]
) -> None:
    dataset = pydicom.dcmread(write_cine(tmp_path / "one.dcm", [frame_of(192, 256)], BodyPartExamined="NERVE"))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = photometric, samples
    dataset.PlanarConfiguration = 0
    dataset.NumberOfFrames = FRAMES
    dataset.PixelData = frame_of(192, 256).repeat(samples).tobytes() * FRAMES
    dataset.save_as(tmp_path / "cine.dcm", enforce_file_format=True)
    assert read(tmp_path, tmp_path / "cine.dcm", packages)[1] == FRAMES_PER_CINE
    assert set(decoded) == set(chosen_frames(FRAMES, FRAMES_PER_CINE))


def test_of_a_cine_that_no_model_is_for_one_frame_is_decoded(
    tmp_path: Path, packages: Path, decoded: list[int]
) -> None:
    path = cine(tmp_path, JPEGLosslessSV1, with_table=True, body_part="ANKLE")
    assert read(tmp_path, path, packages)[0] == "not_assessed"
    assert decoded == [FRAMES // 2]
