"""The loader of ChestX-ray14."""

import re
from pathlib import Path
from typing import Any

import pytest

from leapfrog_training.datasets.chestxray14 import BoundingBox, open_chestxray14
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


def test_ages_are_years_where_they_are_given(made_up_chest: Any) -> None:
    ages = {"00000001_000.png": "57", "00000001_001.png": "058Y", "00000002_000.png": ""}
    films = open_chestxray14(made_up_chest.write(FILMS, ages=ages)).records
    assert [film.age_years for film in films] == [57, 58, None]


def test_films_that_radiologists_read_as_normal_are_marked_whatever_their_labels_are(made_up_chest: Any) -> None:
    root: Path = made_up_chest.write(FILMS)
    (root / "rsna_reading.csv").write_text(
        "image,rsna_radiologists\n00000001_001.png,Normal\n00000002_000.png,Not Normal\n"
    )
    normal, corrected, sick = open_chestxray14(root).records
    assert (normal.read_normal, corrected.read_normal, sick.read_normal) == (False, True, False)
    assert corrected.labels == {"Edema", "Effusion"}  # as they were mined


def test_a_patient_on_both_sides_is_refused(made_up_chest: Any) -> None:
    leak = [*FILMS, ("00000001_002.png", "No Finding", "1", "test_list.txt")]
    with pytest.raises(PatientLeak, match="training and test share 1 patient"):
        open_chestxray14(made_up_chest.write(leak))


def test_what_is_missing_or_damaged_is_named_and_left_out(made_up_chest: Any) -> None:
    root: Path = made_up_chest.write(FILMS)
    (root / "images" / "00000001_000.png").unlink()
    damaged = root / "images" / "00000002_000.png"
    damaged.write_bytes(damaged.read_bytes()[:200])
    with (root / "test_list.txt").open("a") as stream:
        stream.write("00000009_000.png\n")
    data = open_chestxray14(root)
    assert [film.path.name for film in data.records] == ["00000001_001.png"]
    missing, cut, unlisted = data.problems
    assert missing == "00000001_000.png: missing"
    assert cut.startswith("00000002_000.png: unreadable")
    assert unlisted == "00000009_000.png: in test_list.txt but not in Data_Entry_2017_v2020.csv"


@pytest.mark.parametrize("name", ["Data_Entry_2017*.csv", "train_val_list.txt", "test_list.txt"])
def test_a_missing_file_of_the_layout_is_named(made_up_chest: Any, name: str) -> None:
    root: Path = made_up_chest.write(FILMS)
    for path in root.glob(name):
        path.unlink()
    with pytest.raises(DatasetError, match=re.escape(name)):
        open_chestxray14(root)


def test_a_misspelt_label_or_an_unknown_view_is_named_with_the_nearest_and_left_out(made_up_chest: Any) -> None:
    films = [*FILMS, ("00000003_000.png", "Efusion", "3", "train_val_list.txt")]
    root: Path = made_up_chest.write(films)
    entries = root / "Data_Entry_2017_v2020.csv"
    entries.write_text(
        entries.read_text().replace("00000002_000.png,Pneumonia,0,2,40,PA", "00000002_000.png,Edema,0,2,40,LL")
    )
    data = open_chestxray14(root)
    assert data.problems == (
        "00000003_000.png: unknown finding Efusion (perhaps Effusion)",
        "00000002_000.png: view 'LL' is not one of PA, AP",
    )
    assert len(data.records) == 2


def test_the_layout_of_2017_opens_too(made_up_chest: Any) -> None:
    root: Path = made_up_chest.write(FILMS)
    newer = root / "Data_Entry_2017_v2020.csv"
    header, *rows = newer.read_text().splitlines()
    (root / "Data_Entry_2017.csv").write_text("\n".join([f"\ufeff{header},", *(f"{row}," for row in rows)]) + "\n")
    newer.unlink()
    for number, name in enumerate(film[0] for film in FILMS):
        folder = root / f"images_{number + 1:03}" / "images"
        folder.mkdir(parents=True)
        (root / "images" / name).rename(folder / name)
    (root / "images").rmdir()
    data = open_chestxray14(root)
    assert (len(data.records), data.problems) == (3, ())
    assert data.records[1].path.parent.parent.name == "images_002"


def test_boxes_are_fractions_of_the_published_film_and_odd_rows_are_named(made_up_chest: Any) -> None:
    root: Path = made_up_chest.write(FILMS)
    (root / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00000001_001.png,Infiltrate,256,512,128,64,,,\n"
        "00000001_001.png,Effusion,0,0,1024,x,,,\n"
        "00000002_000.png,Pneumona,1,2,3,4,,,\n"
    )
    data = open_chestxray14(root)
    assert data.records[1].boxes == (BoundingBox("Infiltration", 0.25, 0.5, 0.125, 0.0625),)
    assert data.records[0].boxes == ()
    assert data.problems == (
        "BBox_List_2017.csv, line 3: expected a film, a finding and four numbers",
        "BBox_List_2017.csv, line 4: unknown finding Pneumona (perhaps Pneumonia)",
    )


def test_the_shared_subset_opens_whole(shared_data: Path) -> None:
    data = open_chestxray14(shared_data / "chestxray14")
    assert (len(data.in_split("train")), len(data.in_split("test")), data.problems) == (569, 160, ())
    assert sum(len(film.boxes) for film in data.records) == 37
