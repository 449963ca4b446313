"""Made-up exams: as many instances of one kind as a test wants, quickly, each with UIDs of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGLosslessSV1,
    UltrasoundImageStorage,
    generate_uid,
)

from leapfrog.phantoms.exams import chest_exam, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead
from support.dcmtk import run_program

# The place of the UID in the made bytes; same length as what takes its place, so that lengths stay right.
PLACEHOLDER = "2.25.1" + "0" * 38


@dataclass(frozen=True)
class Instance:
    """One made file."""

    path: Path
    sop_instance_uid: str


def chest_radiograph(rows: int = 2048, columns: int = 2500, *, lossless_jpeg: bool = False) -> Dataset:
    """A 12-bit CR that a model assesses and flags; 2048 x 2500 is 10 MB, what a CR plate gives."""
    image = chest_exam("opaque", seed=7)
    if (rows, columns) != (image.Rows, image.Columns):
        plate = Image.fromarray(image.pixel_array.astype(np.float32))
        smaller = np.asarray(plate.resize((columns, rows), Image.Resampling.BILINEAR))
        image.Rows, image.Columns = rows, columns
        image.PixelData = smaller.astype(np.uint16).tobytes()
    image.SOPInstanceUID = PLACEHOLDER
    return _lossless_jpeg(image) if lossless_jpeg else image


def fetal_head_cine(frames: int = 1) -> Dataset:
    """An ultrasound loop that a model assesses, 0.7 MB a frame."""
    image = fetal_head_exam(FetalHead(), seed=7, frames=frames)
    image.SOPInstanceUID = PLACEHOLDER
    return image


def fetal_head_loop(frames: int, *, lossless_jpeg: bool = False) -> Dataset:
    """The same, of one frame over and over, which is made at once however long it is."""
    image = fetal_head_cine()
    if lossless_jpeg:
        image = _lossless_jpeg(image)
        (frame,) = generate_frames(image.PixelData, number_of_frames=1)
        image.PixelData = encapsulate([frame] * frames)
    else:
        image.PixelData *= frames
    image.NumberOfFrames = frames
    return image


def ultrasound(rows: int = 768, columns: int = 1024, frames: int = 1) -> Dataset:
    """An 8-bit ultrasound picture or loop of mere noise, which no model takes; 768 x 1024 is 0.8 MB a frame."""
    shape = (rows, columns) if frames == 1 else (frames, rows, columns)
    image = _image(np.random.default_rng(11).integers(0, 120, shape, dtype=np.uint8))
    image.SOPClassUID = UltrasoundImageStorage
    image.Modality = "US"
    return image


def _image(pixels: NDArray[np.unsignedinteger]) -> Dataset:
    bits = pixels.dtype.itemsize * 8
    image = Dataset()
    image.SOPInstanceUID = PLACEHOLDER
    image.StudyInstanceUID = generate_uid()
    image.SeriesInstanceUID = generate_uid()
    image.PatientName = "Made^Up"
    image.PatientID = "MADE-UP"
    image.StudyDate = image.StudyTime = image.AccessionNumber = image.StudyID = ""
    image.PatientBirthDate = image.PatientSex = image.ReferringPhysicianName = ""
    image.SeriesNumber = image.InstanceNumber = 1
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        image.NumberOfFrames = pixels.shape[0]
    image.BitsAllocated = image.BitsStored = bits
    image.HighBit = bits - 1
    image.PixelRepresentation = 0
    image.add_new("PixelData", "OW" if bits == 16 else "OB", pixels.tobytes() + b"\0" * (pixels.nbytes % 2))
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def _lossless_jpeg(image: Dataset) -> Dataset:
    """The same picture in JPEG Lossless, first-order prediction, which modalities send; DCMTK has the encoder."""
    with TemporaryDirectory() as folder:
        plain, packed = Path(folder, "plain.dcm"), Path(folder, "packed.dcm")
        _write(image, plain)
        outcome = run_program("dcmcjpeg", "+e1", "+un", str(plain), str(packed))
        if not outcome.succeeded:
            raise RuntimeError(outcome.text)
        made = pydicom.dcmread(packed)
    if made.file_meta.TransferSyntaxUID != JPEGLosslessSV1:
        raise RuntimeError("dcmcjpeg made another transfer syntax than JPEG Lossless SV1")
    made.SOPInstanceUID = PLACEHOLDER
    return made


def _write(image: Dataset, path: Path) -> None:
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    pydicom.dcmwrite(path, image, enforce_file_format=True)


def write_instances(image: Dataset, directory: Path, count: int, *, studies: int = 1) -> list[Instance]:
    """`count` files like `image`, each with a SOP Instance UID of its own, spread evenly over so many studies."""
    return list(iterate_instances(image, directory, count, studies=studies))


def iterate_instances(image: Dataset, directory: Path, count: int, *, studies: int = 1) -> Iterator[Instance]:
    """Like `write_instances`, one at a time, for whoever shows progress."""
    directory.mkdir(parents=True, exist_ok=True)
    template = directory / "template.dcm"
    study_templates = []
    for _ in range(studies):
        image.StudyInstanceUID = generate_uid()
        image.SeriesInstanceUID = generate_uid()
        _write(image, template)
        study_templates.append(template.read_bytes())
    template.unlink()
    for number in range(count):
        uid = _uid_like_placeholder()
        path = directory / f"{number:04d}.dcm"
        path.write_bytes(study_templates[number * studies // count].replace(PLACEHOLDER.encode(), uid.encode()))
        yield Instance(path, uid)


def _uid_like_placeholder() -> str:
    while len(uid := generate_uid(prefix=None)) != len(PLACEHOLDER):
        continue
    return str(uid)
