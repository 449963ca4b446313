"""Small DICOM files with pictures that the tiny models have a clear opinion of."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)


def bright_film() -> NDArray[np.uint8]:
    """A chest film of 400 x 300 that is bright in its upper left quarter and not black elsewhere."""
    film = np.full((400, 300), 150, np.uint8)
    film[:200, :150] = 250
    return film


def head_frame(semi_major: float = 70.0, semi_minor: float = 55.0) -> NDArray[np.uint8]:
    """An ultrasound frame of 200 x 300 with a bright head, half-axes in pixels, on black."""
    y, x = np.mgrid[:200, :300]
    inside = ((x - 150) / semi_major) ** 2 + ((y - 100) / semi_minor) ** 2 <= 1
    return np.where(inside, 230, 10).astype(np.uint8)


def nerve_frame(background: int = 60, *, nerve: bool = True, vessel: bool = True) -> NDArray[np.uint8]:
    """An ultrasound frame of 200 x 300 for the tiny segmenter of nerves: to it, what is bright is a nerve, and what is
    nearly black a vessel.
    """
    frame = np.full((200, 300), background, np.uint8)
    if nerve:
        frame[60:100, 60:120] = 240
    if vessel:
        frame[100:150, 180:240] = 5
    return frame


def _dataset(sop_class_uid: str, modality: str, pixels: NDArray[np.uint8]) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientName = "Zwiebel^Zoe"
    dataset.PatientID = "PID-4711"
    dataset.Modality = modality
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.tobytes()
    return dataset


def write_film(path: Path, pixels: NDArray[np.uint8] | None = None, **attributes: object) -> Path:
    """A CR chest film; `attributes` are set by keyword, None removes one."""
    dataset = _dataset(ComputedRadiographyImageStorage, "CR", bright_film() if pixels is None else pixels)
    dataset.BodyPartExamined, dataset.ViewPosition = "CHEST", "PA"
    return _write(path, dataset, attributes)


def write_cine(path: Path, frames: list[NDArray[np.uint8]], **attributes: object) -> Path:
    """An obstetric ultrasound cine with square pixels of 0.5 mm."""
    dataset = _dataset(UltrasoundMultiFrameImageStorage, "US", np.stack(frames))
    dataset.NumberOfFrames = len(frames)
    dataset.BodyPartExamined = "FETUS"
    dataset.PixelSpacing = [0.5, 0.5]
    return _write(path, dataset, attributes)


def _write(path: Path, dataset: Dataset, attributes: dict[str, object]) -> Path:
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(path, enforce_file_format=True)
    return path
