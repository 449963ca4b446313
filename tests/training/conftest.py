"""Made-up data in the layouts of the real sets."""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from support.made_up_films import MadeUpChest, MadeUpChildren, MadeUpNormals

HEAD_COLUMNS = ("filename", "pixel size(mm)", "head circumference (mm)")
HEAD_PIXEL_MM = 0.3


@pytest.fixture(scope="session", autouse=True)
def two_threads() -> None:
    """Limits TensorFlow to two threads, as the commands do, before its first operation: later it refuses.

    Only if a collected test imported it: importing it here would cost every other run seconds.
    """
    keras = sys.modules.get("leapfrog_training.keras")
    if keras is not None:
        keras.use_threads(2)


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
def made_up_normals(tmp_path: Path) -> MadeUpNormals:
    """Films in the layout of the adults' films that radiologists read as normal."""
    return MadeUpNormals(tmp_path / "adults_rsna_normal")


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


@dataclass
class MadeUpUsgra:
    """Writes scans in the layout of nerves_usgra: speckle on a black screen, with a bright oval for a nerve and a black
    one for a vessel.
    """

    root: Path

    def write(self, train: int = 8, validation: int = 4, size: tuple[int, int] = (150, 130)) -> Path:
        """Each picture is a group of its own, but for the last two of `train`; `size` is (width, height)."""
        for folder in ("images", "masks"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(3)
        width, height = size
        rows, columns = np.mgrid[0:height, 0:width]
        listed = []
        for number in range(train + validation):
            picture = np.zeros((height, width))
            scan = np.s_[10 : height - 10, 5 : width - 5]
            picture[scan] = 70 * random.rayleigh(0.8, picture[scan].shape)
            x, y = random.uniform(0.2, 0.35) * width, random.uniform(0.35, 0.65) * height
            nerve = ((columns - x) / 16) ** 2 + ((rows - y) / 12) ** 2 <= 1
            vessel = ((columns - x - 38) / 13) ** 2 + ((rows - y) / 13) ** 2 <= 1
            picture[nerve] += 120
            picture[vessel] *= 0.05
            name = f"{number:04d}.png"
            Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(self.root / "images" / name)
            Image.fromarray((nerve + 2 * vessel).astype(np.uint8)).save(self.root / "masks" / name)
            group = f"g{min(number, train - 2) if number < train else number:04d}"
            listed.append((name, group, "train" if number < train else "validation"))
        self.list(listed)
        return self.root

    def list(self, rows: list[tuple[str, str, str]]) -> None:
        """Write `groups.csv` with these images, groups and splits."""
        with (self.root / "groups.csv").open("w", newline="") as stream:
            table = csv.writer(stream)
            table.writerow(("image", "group", "split"))
            table.writerows(rows)


@pytest.fixture
def made_up_usgra(tmp_path: Path) -> MadeUpUsgra:
    """Scans in the layout of nerves_usgra."""
    return MadeUpUsgra(tmp_path / "nerves_usgra")


@pytest.fixture
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the networks of the chest packages tiny. To be asked for only where TensorFlow is installed."""
    from support.tiny_networks import make_film_networks_tiny

    return make_film_networks_tiny(monkeypatch)


@pytest.fixture
def tiny_nerve_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the networks of nerve tiny. To be asked for only where TensorFlow is installed."""
    from support.tiny_networks import make_nerve_networks_tiny

    make_nerve_networks_tiny(monkeypatch)
