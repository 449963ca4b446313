"""Kaggle's Ultrasound Nerve Segmentation in its published layout: `train/P_N.tif` with `train/P_N_mask.tif`.

580 x 420 pixels, masks of 0 and, where an annotator saw the brachial plexus, 255. Most are empty: not every picture
shows it. The set may not be redistributed, so users must download it themselves.
"""

import re
from pathlib import Path

import numpy as np

from leapfrog_training.datasets.images import picture_problem, read_gray
from leapfrog_training.datasets.nerve_picture import NervePicture, Source
from leapfrog_training.datasets.splits import DataSet, patient_folds
from leapfrog_training.errors import DatasetError

IMAGE_FOLDER = "train"
PICTURE_NAME = re.compile(r"^(\d+)_(\d+)\.tif$")
MASK_SUFFIX = "_mask.tif"
HELD_OUT_FOLDS = 5  # no split is published: one patient in five is kept for the final measurement
SPLIT_SEED = 0


def is_kaggle_nerve(root: Path) -> bool:
    """Whether the folder has this data set's layout."""
    return (root / IMAGE_FOLDER).is_dir()


def open_kaggle_nerve(root: Path) -> DataSet[NervePicture]:
    """Check the layout of the data set at `root` and list its pictures, by patient and number. A fixed seed splits the
    patients.

    Raises DatasetError if the folder has no usable picture or fewer than five patients. Left out and named in
    `problems` are pictures without a mask, masks without a picture, pairs of different size, masks with other values
    than 0 and 255, and files that do not decode.
    """
    folder = root / IMAGE_FOLDER
    if not folder.is_dir():
        raise DatasetError(f"{folder} is missing: give the folder of the Kaggle nerve set that contains `train`")
    named = {path.name for path in folder.iterdir() if path.is_file()}
    pictures = sorted((tuple(map(int, match.groups())), name) for name in named if (match := PICTURE_NAME.match(name)))
    usable: list[tuple[str, Path, Path, bool]] = []
    problems: list[str] = []
    for (patient, _), name in pictures:
        path, mask_path = folder / name, folder / name.replace(".tif", MASK_SUFFIX)
        problem, has_nerve = _checked_pair(path, mask_path)
        if problem is None:
            usable.append((str(patient), path, mask_path, has_nerve))
        else:
            problems.append(problem)
    expected = {name for _, picture in pictures for name in (picture, picture.replace(".tif", MASK_SUFFIX))}
    problems += [f"{name}: does not belong to any picture of the set" for name in sorted(named - expected)]
    if not usable:
        raise DatasetError(f"{folder}: no picture like 1_1.tif with 1_1_mask.tif can be read")
    held_out = set(patient_folds([patient for patient, *_ in usable], HELD_OUT_FOLDS, SPLIT_SEED)[0].held_out.tolist())
    images = tuple(
        NervePicture(
            path, mask_path, patient, "test" if position in held_out else "train", Source.KAGGLE, has_nerve=has_nerve
        )
        for position, (patient, path, mask_path, has_nerve) in enumerate(usable)
    )
    return DataSet(images, tuple(problems))


def _checked_pair(path: Path, mask_path: Path) -> tuple[str | None, bool]:
    """What is wrong with a pair of picture and mask, if anything, and whether the mask shows a nerve."""
    problem = picture_problem(path) or picture_problem(mask_path)
    if problem is not None:
        return problem, False
    mask = read_gray(mask_path)
    shape = read_gray(path).shape
    if mask.shape != shape:
        return f"{mask_path.name}: {mask.shape[1]}x{mask.shape[0]} for a picture of {shape[1]}x{shape[0]}", False
    if not np.isin(mask, (0, 255)).all():
        return f"{mask_path.name}: has values other than 0 and 255", False
    return None, bool(mask.any())
