"""DICOM files made from arrays, for tests that need to know every pixel."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ComputedRadiographyImageStorage, ExplicitVRLittleEndian

SOP_INSTANCE_UID = "2.25.1001"
STUDY_INSTANCE_UID = "2.25.1002"


def image_dataset(pixels: NDArray[Any], **attributes: Any) -> Dataset:
    """A CR image of `pixels`, (H, W) or (H, W, 3) or with `NumberOfFrames` (N, H, W); `attributes` by keyword."""
    colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    dataset = Dataset()
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = SOP_INSTANCE_UID
    dataset.StudyInstanceUID = STUDY_INSTANCE_UID
    dataset.SeriesInstanceUID = "2.25.1003"
    dataset.PatientName = "Test^Patient"
    dataset.PatientID = "P1"
    dataset.Modality = "CR"
    shape = pixels.shape[:-1] if colour else pixels.shape
    dataset.Rows, dataset.Columns = shape[-2:]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    content = pixels.tobytes()
    dataset.PixelData = content + b"\0" * (len(content) % 2)
    dataset["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    if "HighBit" not in attributes:
        dataset.HighBit = dataset.BitsStored - 1
    return dataset


def save(dataset: Dataset, path: Path, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> Path:
    """Write `dataset` as a DICOM file, encoded as `transfer_syntax_uid` says; the pixels are written as they are."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    dataset.save_as(path, enforce_file_format=True)
    return path


def items(*fragments: bytes, offset_table: bytes = b"") -> bytes:
    """The value of compressed Pixel Data: an offset table and `fragments`, each as an item, and the end marker."""
    parts = []
    for content in (offset_table, *fragments):
        padded = content + b"\0" * (len(content) % 2)
        parts.append(b"\xfe\xff\x00\xe0" + len(padded).to_bytes(4, "little") + padded)
    return b"".join(parts) + b"\xfe\xff\xdd\xe0\0\0\0\0"


def gradient(rows: int = 64, columns: int = 96, top: int = 4095, kind: str = "u2") -> NDArray[Any]:
    """A picture whose every row and column differs, from 0 to `top`."""
    across = np.linspace(0, top, rows * columns)
    return across.reshape(rows, columns).astype(kind)
