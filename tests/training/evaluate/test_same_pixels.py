"""A model sees the same pixels of a film in the clinic, as DICOM, as it saw in training, as PNG."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from leapfrog.packages.package import SHIPPED_PACKAGES, load_package
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import open_image
from leapfrog.reader.image.pixels import model_input
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.kiosk import KioskModel


def as_dicom(gray: np.ndarray, path: Path, inverted: bool, bits: int) -> Path:
    """The film as a modality would store it: of `bits` bits, MONOCHROME1 when `inverted`."""
    largest = 2**bits - 1
    stored = gray.astype(np.uint16) * (largest // 255)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *gray.shape, 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = (8, 8, 7) if bits == 8 else (16, bits, bits - 1)
    dataset.PixelRepresentation = 0
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
    if bits > 8:
        dataset.WindowCenter, dataset.WindowWidth = str((largest + 1) / 2), str(largest + 1)
    stored = largest - stored if inverted else stored
    dataset.PixelData = stored.astype(np.uint8 if bits == 8 else "<u2").tobytes()
    dataset.save_as(path, enforce_file_format=True)
    return path


def seen_by_a_model(path: Path) -> np.ndarray:
    image = open_image(open_dicom_file(path))
    return model_input(image.frame(0).gray(), 224, 224)


@pytest.mark.parametrize(("inverted", "bits"), [(False, 8), (True, 8), (False, 16), (True, 16)])
def test_real_films_give_the_same_input_and_scores_either_way(
    shared_data: Path, tmp_path: Path, inverted: bool, bits: int
) -> None:
    model = KioskModel(load_package(SHIPPED_PACKAGES / "chest-findings").model_path)
    scores = model.output_of_rank(2)
    for picture in sorted((shared_data / "chestxray14" / "images_1024").glob("*.png"))[:3]:
        gray = read_gray(picture)
        film = as_dicom(gray, tmp_path / f"{picture.stem}.dcm", inverted, bits)
        from_png = model_input(gray, 224, 224)
        from_dicom = seen_by_a_model(film)
        assert np.abs(from_dicom.astype(int) - from_png).max() <= 1  # rounding of the window
        if bits == 8:
            assert np.array_equal(from_dicom, from_png)
        shown = open_image(open_dicom_file(film)).frame(0).gray()
        assert model.run(shown)[scores] == pytest.approx(model.run(gray)[scores], abs=2 / 256)
