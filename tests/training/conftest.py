"""MeasuredCheck-up data in the layouts of the real sets."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

CHEST_COLUMNS = ("Image Index", "Finding Labels", "Follow-up #", "Patient ID", "View Position")
HEAD_COLUMNS = ("filename", "pixel size(mm)", "head circumference (mm)")
HEAD_PIXEL_MM = 0.3


@dataclass
class MadeUpChest:
    """Writes films in the layout of ChestX-ray14."""

    root: Path

    def write(self, films: list[tuple[str, str, str, str]], view: str = "PA") -> Path:
        """`films` are (name, labels, patient, list file)."""
        (self.root / "images").mkdir(parents=True, exist_ok=True)
        with (self.root / "Data_Entry_2017_v2020.csv").open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(CHEST_COLUMNS)
            rows.writerows((name, labels, "0", patient, view) for name, labels, patient, _ in films)
        for list_file in ("train_val_list.txt", "test_list.txt"):
            names = [name for name, _, _, listed in films if listed == list_file]
            (self.root / list_file).write_text("\n".join(names) + "\n")
        random = np.random.default_rng(0)
        for name, _, _, _ in films:
            Image.fromarray(random.integers(0, 256, (32, 32), dtype=np.uint8)).save(self.root / "images" / name)
        return self.root


@dataclass
class MadeUpChildren:
    """Writes films in the layout of the children's set: a frame, and two lungs that are brighter in a sick child."""

    root: Path

    def write(self, films: list[tuple[str, str, str, str]], side: int = 64) -> Path:
        """`films` are (name, label, patient group, split)."""
        (self.root / "images").mkdir(parents=True, exist_ok=True)
        with (self.root / "labels.csv").open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(("image", "label", "patient_group", "published_split", "split"))
            rows.writerows((name, label, group, "train", split) for name, label, group, split in films)
        random = np.random.default_rng(3)
        for name, label, _, _ in films:
            film = random.integers(130, 170, (side, side), dtype=np.uint8)
            lungs = Image.new("1", (side, side))
            for left in (0.1, 0.53):
                corners = (left * side, 0.1 * side, (left + 0.37) * side, 0.83 * side)
                ImageDraw.Draw(lungs).ellipse(corners, fill=1)
            inside = np.asarray(lungs)
            film[inside] = random.integers(30, 70, int(inside.sum())) + (0 if label == "normal" else 90)
            Image.fromarray(film).save(self.root / "images" / Path(name).name)
        return self.root


@dataclass
class MadeUpHeads:
    """Writes pictures in the layout of HC18: a bright ellipse in noise, and its outline."""

    root: Path

    def write(self, names: list[str], validation: list[str]) -> Path:
        """`names` are like 000_HC.png; `validation` are subjects."""
        folder = self.root / "training_set"
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(1)
        rows = []
        for name in names:
            half_width, half_height = int(random.integers(60, 110)), int(random.integers(45, 90))
            picture = Image.fromarray(random.integers(0, 90, (270, 400), dtype=np.uint8))
            outline = Image.new("L", picture.size)
            box = (200 - half_width, 135 - half_height, 200 + half_width, 135 + half_height)
            ImageDraw.Draw(picture).ellipse(box, outline=255, width=7)
            ImageDraw.Draw(outline).ellipse(box, outline=255)
            picture.save(folder / name)
            outline.save(folder / name.replace(".png", "_Annotation.png"))
            h = (half_width - half_height) ** 2 / (half_width + half_height) ** 2
            length = np.pi * (half_width + half_height) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))  # Ramanujan's second
            rows.append((name, HEAD_PIXEL_MM, round(float(length) * HEAD_PIXEL_MM, 2)))
        with (self.root / "training_set_pixel_size_and_HC.csv").open("w", newline="") as stream:
            table = csv.writer(stream)
            table.writerow(HEAD_COLUMNS)
            table.writerows(rows)
        (self.root / "validation_subjects.txt").write_text("\n".join(validation) + "\n")
        return self.root


@pytest.fixture
def made_up_chest(tmp_path: Path) -> MadeUpChest:
    """Films in the layout of ChestX-ray14."""
    return MadeUpChest(tmp_path / "chestxray14")


@pytest.fixture
def made_up_children(tmp_path: Path) -> MadeUpChildren:
    """Films in the layout of the children's set."""
    return MadeUpChildren(tmp_path / "children_kermany")


@pytest.fixture
def made_up_heads(tmp_path: Path) -> MadeUpHeads:
    """Pictures in the layout of HC18."""
    return MadeUpHeads(tmp_path / "hc18")


@dataclass
class MadeUpNerves:
    """Writes pairs in the layout of Kaggle's nerve set: speckle, a bright band, and in some pictures a dark oval."""

    root: Path

    def write(self, patients: int = 5, each: int = 4, size: tuple[int, int] = (145, 105)) -> Path:
        """`each` pictures of each patient, every other one with a nerve; `size` is (width, height), as 580 x 420."""
        folder = self.root / "train"
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(2)
        width, height = size
        rows, columns = np.mgrid[0:height, 0:width]
        for patient in range(1, patients + 1):
            for number in range(1, each + 1):
                brightness = random.uniform(50, 120)  # as gains differ
                picture = brightness * random.normal(1, 0.25, (height, width))
                picture[(rows - height * 0.7) ** 2 < 30] += 90
                x, y = random.uniform(0.35, 0.65) * width, random.uniform(0.3, 0.5) * height
                nerve = ((columns - x) / (0.13 * width)) ** 2 + ((rows - y) / (0.12 * height)) ** 2 <= 1
                nerve &= number % 2 == 1
                picture[nerve] *= 0.15
                name = f"{patient}_{number}"
                Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / f"{name}.tif")
                Image.fromarray(nerve.astype(np.uint8) * 255).save(folder / f"{name}_mask.tif")
        return self.root


@pytest.fixture
def made_up_nerves(tmp_path: Path) -> MadeUpNerves:
    """Pairs in the layout of Kaggle's nerve set."""
    return MadeUpNerves(tmp_path / "nerves")
