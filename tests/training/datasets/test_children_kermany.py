"""The loader of the children's set."""

import re
from pathlib import Path
from typing import Any

import pytest

from leapfrog_training.datasets.children_kermany import Diagnosis, open_children
from leapfrog_training.errors import DatasetError, PatientLeak

FILMS = [
    ("a.jpeg", "normal", "N-1", "train"),
    ("b.jpeg", "bacteria", "P-1", "train"),
    ("c.jpeg", "virus", "P-2", "validation"),
]


def test_films_carry_group_diagnosis_and_side(made_up_children: Any) -> None:
    data = open_children(made_up_children.write(FILMS))
    assert data.problems == ()
    assert [(film.patient, film.diagnosis, film.has_pneumonia, film.split) for film in data.records] == [
        ("N-1", Diagnosis.NORMAL, False, "train"),
        ("P-1", Diagnosis.BACTERIAL, True, "train"),
        ("P-2", Diagnosis.VIRAL, True, "test"),
    ]


def test_a_group_on_both_sides_is_refused(made_up_children: Any) -> None:
    with pytest.raises(PatientLeak, match=re.escape("share 1 patient (P-1)")):
        open_children(made_up_children.write([*FILMS, ("d.jpeg", "virus", "P-1", "validation")]))


def test_what_is_missing_damaged_or_misspelt_is_named_and_left_out(made_up_children: Any) -> None:
    wrong = [
        ("d.jpeg", "viral", "P-3", "train"),
        ("e.jpeg", "virus", "P-4", "test"),
        ("f.jpeg", "virus", "", "train"),
        ("../g.jpeg", "virus", "P-5", "train"),
    ]
    root: Path = made_up_children.write([*FILMS, *wrong])
    (root / "images" / "a.jpeg").unlink()
    damaged = root / "images" / "b.jpeg"
    damaged.write_bytes(damaged.read_bytes()[:100])
    data = open_children(root)
    assert [film.path.name for film in data.records] == ["c.jpeg"]
    missing, cut, label, split, group, path = data.problems
    assert missing == "a.jpeg: missing"
    assert cut.startswith("b.jpeg: unreadable")
    assert label == "d.jpeg: label 'viral' is not one of normal, bacteria, virus"
    assert split == "e.jpeg: split 'test' is not one of train, validation"
    assert group == "f.jpeg: has no patient group"
    assert path == "'../g.jpeg': not the plain name of a file"


def test_a_list_without_a_column_or_with_a_film_twice_is_refused(made_up_children: Any) -> None:
    root: Path = made_up_children.write([*FILMS, FILMS[0]])
    with pytest.raises(DatasetError, match=r"names a\.jpeg twice"):
        open_children(root)
    listed = root / "labels.csv"
    listed.write_text(listed.read_text().replace("patient_group", "patient"))
    with pytest.raises(DatasetError, match="has no column patient_group"):
        open_children(root)
    listed.unlink()
    with pytest.raises(DatasetError, match=r"labels\.csv is missing"):
        open_children(root)


def test_the_shared_set_opens_whole(shared_data: Path) -> None:
    data = open_children(shared_data / "children_kermany")
    assert (len(data.in_split("train")), len(data.in_split("test")), data.problems) == (3667, 1083, ())
