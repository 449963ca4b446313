"""The loader of ChestX-ray14."""

from pathlib import Path
from typing import Any

import pytest

from leapfrog_training.datasets import open_chestxray14
from leapfrog_training.errors import DatasetError, PatientLeak

FILMS = [
    ("00000001_000.png", "No Finding", "1", "train_val_list.txt"),
    ("00000001_001.png", "Edema|Effusion", "1", "train_val_list.txt"),
    ("00000002_000.png", "Pneumonia", "2", "test_list.txt"),
]


def test_films_carry_patient_labels_view_and_side(made_up_chest: Any) -> None:
    data = open_chestxray14(made_up_chest.write(FILMS, view="AP"))
    assert data.problems == ()
    normal, sick = data.in_split("train")
    assert (normal.patient, normal.labels, normal.view, normal.split) == ("1", frozenset(), "AP", "train")
    assert sick.labels == {"Edema", "Effusion"}
    assert [film.path.name for film in data.in_split("test")] == ["00000002_000.png"]


def test_a_patient_on_both_sides_is_refused(made_up_chest: Any) -> None:
    leak = [*FILMS, ("00000001_002.png", "No Finding", "1", "test_list.txt")]
    with pytest.raises(PatientLeak, match="1 patients are both in training and in test"):
        open_chestxray14(made_up_chest.write(leak))


def test_what_is_missing_or_damaged_is_named_and_left_out(made_up_chest: Any) -> None:
    root: Path = made_up_chest.write(FILMS)
    (root / "images" / "00000001_000.png").unlink()
    damaged = root / "images" / "00000002_000.png"
    damaged.write_bytes(damaged.read_bytes()[:200])
    with (root / "test_list.txt").open("a") as stream:
        stream.write("00000009_000.png\n")
    data = open_chestxray14(root)
    assert [film.path.name for film in data.films] == ["00000001_001.png"]
    missing, cut, unlisted = data.problems
    assert missing == "00000001_000.png: missing"
    assert cut.startswith("00000002_000.png: unreadable")
    assert unlisted == "00000009_000.png: in test_list.txt but not in Data_Entry_2017_v2020.csv"


@pytest.mark.parametrize("name", ["Data_Entry_2017_v2020.csv", "train_val_list.txt", "test_list.txt"])
def test_a_missing_file_of_the_layout_is_named(made_up_chest: Any, name: str) -> None:
    root: Path = made_up_chest.write(FILMS)
    (root / name).unlink()
    with pytest.raises(DatasetError, match=name):
        open_chestxray14(root)


def test_an_unknown_label_is_refused(made_up_chest: Any) -> None:
    films = [*FILMS, ("00000003_000.png", "Fracture", "3", "train_val_list.txt")]
    with pytest.raises(DatasetError, match="unknown finding Fracture"):
        open_chestxray14(made_up_chest.write(films))


def test_the_shared_subset_opens_whole(shared_data: Path) -> None:
    data = open_chestxray14(shared_data / "chestxray14")
    assert (len(data.in_split("train")), len(data.in_split("test")), data.problems) == (569, 160, ())
