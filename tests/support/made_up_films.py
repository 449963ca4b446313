"""Films of nobody in the layouts of the real sets of chest films."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

CHEST_COLUMNS = ("Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "View Position")

LABELS = ("Pneumonia", "Edema|Pneumonia", "No Finding")


def listed_adults(training: int, test: int) -> tuple[list[tuple[str, str, str, str]], dict[str, str]]:
    """Films to write in the layout of ChestX-ray14, two of each patient, with enough of a finding on both sides if
    there are 84 and 48; and their views, edema in AP films only.
    """
    films, views = [], {}
    for number in range(training + test):
        name, labels = f"{number // 2:08}_{number % 2:03}.png", LABELS[number // 2 % 3]
        views[name] = "AP" if number // 6 % 2 or "Edema" in labels else "PA"
        films.append((name, labels, str(number // 2), "train_val_list.txt" if number < training else "test_list.txt"))
    return films, views


def listed_children(of_each: int) -> list[tuple[str, str, str, str]]:
    """Films to write in the layout of the children's set, of every kind on both sides, two of each group."""
    return [
        (f"{kind}-{number}.jpeg", kind, f"{kind}-{number // 2}", "train" if number // 2 % 2 else "validation")
        for kind in ("normal", "bacteria", "virus")
        for number in range(of_each)
    ]


def listed_normals(count: int) -> list[tuple[str, str]]:
    """Films to write in the layout of the normal adults' films, one in three for validation."""
    return [(f"Normal-{number}.png", "train" if number % 3 else "validation") for number in range(count)]


@dataclass
class MadeUpChest:
    """Writes films in the layout of ChestX-ray14."""

    root: Path

    def write(
        self,
        films: list[tuple[str, str, str, str]],
        view: str = "PA",
        views: Mapping[str, str] | None = None,
        ages: Mapping[str, str] | None = None,
    ) -> Path:
        """`films` are (name, labels, patient, list file). Films whose names are not among `views` have `view`; those
        not among `ages` are of people of 40 years.
        """
        with_views, with_ages = views or {}, ages or {}
        (self.root / "images").mkdir(parents=True, exist_ok=True)
        with (self.root / "Data_Entry_2017_v2020.csv").open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(CHEST_COLUMNS)
            rows.writerows(
                (name, labels, "0", patient, with_ages.get(name, "40"), with_views.get(name, view))
                for name, labels, patient, _ in films
            )
        for list_file in ("train_val_list.txt", "test_list.txt"):
            names = [name for name, _, _, listed in films if listed == list_file]
            (self.root / list_file).write_text("\n".join(names) + "\n")
        random = np.random.default_rng(0)
        for name, _, _, _ in films:
            Image.fromarray(random.integers(0, 256, (32, 32), dtype=np.uint8)).save(self.root / "images" / name)
        return self.root


@dataclass
class MadeUpNormals:
    """Writes films in the layout of the adults' films that RSNA's radiologists read as normal."""

    root: Path

    def write(self, films: list[tuple[str, str]]) -> Path:
        """`films` are (name, split)."""
        (self.root / "images").mkdir(parents=True, exist_ok=True)
        with (self.root / "labels.csv").open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(("image", "label", "split"))
            rows.writerows((name, "Normal (RSNA radiologists)", split) for name, split in films)
        random = np.random.default_rng(4)
        for name, _ in films:
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
