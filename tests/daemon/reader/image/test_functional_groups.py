"""Enhanced objects say what holds for all frames, and for each, in functional groups."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.image import DecodedImage, open_image
from support.instances import gradient, image_dataset, save

FRAMES = np.stack([gradient(), gradient(), gradient()])


def group(**macros: dict[str, Any]) -> Dataset:
    item = Dataset()
    for macro, attributes in macros.items():
        inner = Dataset()
        for keyword, value in attributes.items():
            setattr(inner, keyword, value)
        setattr(item, macro, [inner])
    return item


def opened(dataset: Dataset, folder: Path, name: str = "loop.dcm") -> DecodedImage:
    return open_image(open_dicom_file(save(dataset, folder / name)))


def expected(folder: Path, **attributes: Any) -> np.ndarray:
    return opened(image_dataset(gradient(), BitsStored=12, **attributes), folder, "single.dcm").frame(0).gray()


def loop(**attributes: Any) -> Dataset:
    return image_dataset(FRAMES, NumberOfFrames=3, BitsStored=12, **attributes)


def test_a_window_for_all_frames_is_used(tmp_path: Path) -> None:
    dataset = loop()
    dataset.SharedFunctionalGroupsSequence = [group(FrameVOILUTSequence={"WindowCenter": 900, "WindowWidth": 700})]
    right = expected(tmp_path, WindowCenter=900, WindowWidth=700)
    image = opened(dataset, tmp_path)
    for index in range(3):
        assert np.array_equal(image.frame(index).gray(), right)


def test_each_frame_has_its_own_window_and_rescale_in_any_order(tmp_path: Path) -> None:
    settings = [(900, 700, 1, 0), (2000, 300, 1, 0), (2000, 3000, 2, -1000)]
    dataset = loop(WindowCenter=5, WindowWidth=10)
    dataset.PerFrameFunctionalGroupsSequence = [
        group(
            FrameVOILUTSequence={"WindowCenter": center, "WindowWidth": width},
            PixelValueTransformationSequence={"RescaleSlope": slope, "RescaleIntercept": intercept},
        )
        for center, width, slope, intercept in settings
    ]
    image = opened(dataset, tmp_path)
    for index in (2, 0, 1, 2):
        center, width, slope, intercept = settings[index]
        right = expected(
            tmp_path, WindowCenter=center, WindowWidth=width, RescaleSlope=slope, RescaleIntercept=intercept
        )
        assert np.array_equal(image.frame(index).gray(), right), index


def test_a_frames_own_item_comes_before_that_of_all_frames(tmp_path: Path) -> None:
    dataset = loop()
    dataset.SharedFunctionalGroupsSequence = [group(FrameVOILUTSequence={"WindowCenter": 900, "WindowWidth": 700})]
    dataset.PerFrameFunctionalGroupsSequence = [
        group(),
        group(FrameVOILUTSequence={"WindowCenter": 2000, "WindowWidth": 300}),
        group(),
    ]
    image = opened(dataset, tmp_path)
    shared = expected(tmp_path, WindowCenter=900, WindowWidth=700)
    own = expected(tmp_path, WindowCenter=2000, WindowWidth=300)
    for index, right in enumerate((shared, own, shared)):
        assert np.array_equal(image.frame(index).gray(), right), index


def test_a_pixel_spacing_in_them_counts_like_one_at_the_top(tmp_path: Path) -> None:
    dataset = loop(Modality="US")
    dataset.SharedFunctionalGroupsSequence = [group(PixelMeasuresSequence={"PixelSpacing": [0.3, 0.2]})]
    assert opened(dataset, tmp_path).spacing_mm == (0.3, 0.2)
    dataset.SharedFunctionalGroupsSequence = [group(PixelMeasuresSequence={"PixelSpacing": [1, 1]})]
    assert opened(dataset, tmp_path).spacing_mm is None


def test_empty_groups_change_nothing(tmp_path: Path) -> None:
    dataset = loop(WindowCenter=900, WindowWidth=700)
    dataset.SharedFunctionalGroupsSequence = []
    dataset.PerFrameFunctionalGroupsSequence = [Dataset(), Dataset()]
    image = opened(dataset, tmp_path)
    right = expected(tmp_path, WindowCenter=900, WindowWidth=700)
    for index in range(3):
        assert np.array_equal(image.frame(index).gray(), right)
