"""A made-up ChestX-ray14 in its published layout: as many films as wanted, of a few hundred different pictures.

A film costs as much to decode as a published one: 1024x1024, gray, 8 bit, some 400 kB as PNG. Films that show the same
picture are hard links to one file, so the set takes little disk; they are read from the page cache, and what a slow
disk would cost is not measured.
"""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from leapfrog.phantoms.chest import ChestModel
from leapfrog_training.datasets.chestxray14 import LABELS, NO_FINDING

SIDE = 1024  # pixels
GRAIN = 2.2  # gray values: gives the size of a published file
DIFFERENT_PICTURES = 200
FOLDERS = 12
FILMS_PER_PATIENT = 4  # 112,120 films are of 30,805 patients
TEST_SHARE = 0.23  # 25,596 of 112,120
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)


def write(root: Path, films: int) -> None:
    """Write `films` films with tables, lists and boxes into the new folder `root`."""
    root.mkdir(parents=True)
    different = _pictures(root / "different", min(films, DIFFERENT_PICTURES))
    folders = [root / f"images_{number:03}" / "images" for number in range(1, FOLDERS + 1)]
    for folder in folders:
        folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    rows, lists, boxes = [], {"train_val_list.txt": "", "test_list.txt": ""}, []
    for number in range(films):
        patient = number // FILMS_PER_PATIENT
        name = f"{patient:08}_{number % FILMS_PER_PATIENT:03}.png"
        (folders[number * FOLDERS // films] / name).hardlink_to(different[number % len(different)])
        found = [label for label in LABELS if generator.random() < 0.05]
        view = "PA" if generator.random() < 0.6 else "AP"
        rows.append((name, "|".join(found) or NO_FINDING, number % FILMS_PER_PATIENT, patient, 50, "F", view))
        lists["test_list.txt" if _is_test(patient, films) else "train_val_list.txt"] += f"{name}\n"
        if found and number % 100 == 0:
            boxes.append((name, found[0], 225.08, 547.02, 86.78, 79.19))
    with (root / "Data_Entry_2017_v2020.csv").open("w", newline="") as stream:
        stream.write(HEADER + "\n")
        csv.writer(stream).writerows((*row, 2500, 2048, 0.168, 0.168) for row in rows)
    with (root / "BBox_List_2017.csv").open("w", newline="") as stream:
        stream.write("Image Index,Finding Label,Bbox [x,y,w,h],,,\n")
        csv.writer(stream).writerows(boxes)
    for name, text in lists.items():
        (root / name).write_text(text)


def _pictures(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    model = ChestModel.load()
    paths = []
    for number in range(count):
        generator = np.random.default_rng(number)
        film = Image.fromarray(model.sample("opaque" if number % 2 else "clear", generator) * 255)
        film = film.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        grained = np.asarray(film) + generator.normal(0, GRAIN, (SIDE, SIDE))
        paths.append(folder / f"{number}.png")
        Image.fromarray(grained.clip(0, 255).astype(np.uint8)).save(paths[-1])
    return paths


def _is_test(patient: int, films: int) -> bool:
    patients = -(-films // FILMS_PER_PATIENT)
    return patient >= patients - round(TEST_SHARE * patients)
