"""A hospital of nobody: small films with labels, for the tiny classifier, which calls bright films "Bright"."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 64
SICK_GRAY, HEALTHY_GRAY, SPREAD = 165, 125, 22  # the classifier's threshold lies between, and both groups cross it
COLUMNS = ("file", "label", "patient", "age", "sex", "view", "machine")


def write_film(path: Path, gray: float, seed: int) -> Path:
    """A film of about this gray."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(gray, 8, (SIDE, SIDE))
    Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(path)
    return path


def write_hospital(folder: Path, sick: int, healthy: int) -> Path:
    """A labels.csv and its films; two films of each patient. Returns the folder."""
    random = np.random.default_rng(3)
    rows = []
    for number in range(sick + healthy):
        is_sick = number < sick
        gray = float(random.normal(SICK_GRAY if is_sick else HEALTHY_GRAY, SPREAD))
        name = f"films/{number:03}.png"
        write_film(folder / name, gray, number)
        label = "Bright" if is_sick else "normal"
        sex, view, machine = "MF"[number % 2], ("PA", "AP")[number % 3 == 0], ("old", "new")[number % 4 < 2]
        rows.append((name, label, f"P{number // 2}", 20 + number % 60, sex, view, machine))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(COLUMNS)
        table.writerows(rows)
    return folder
