"""The loader of the adults' films that radiologists read as normal."""

from pathlib import Path
from typing import Any

import pytest

from leapfrog_training.datasets.adults_rsna_normal import is_rsna_normal, open_rsna_normal
from leapfrog_training.errors import DatasetError

FILMS = [("Normal-1.png", "train"), ("Normal-2.png", "validation")]


def test_films_carry_their_side_and_each_is_a_patient_of_its_own(made_up_normals: Any) -> None:
    data = open_rsna_normal(made_up_normals.write(FILMS))
    assert data.problems == ()
    assert [(film.path.name, film.split) for film in data.records] == [
        ("Normal-1.png", "train"),
        ("Normal-2.png", "test"),
    ]
    assert len({film.patient for film in data.records}) == 2


def test_the_set_is_known_by_its_list(made_up_normals: Any, made_up_children: Any, made_up_chest: Any) -> None:
    """The children's set has a list of the same name."""
    assert is_rsna_normal(made_up_normals.write(FILMS))
    assert not is_rsna_normal(made_up_children.write([("a.jpeg", "normal", "N-1", "train")]))
    assert not is_rsna_normal(made_up_chest.write([("1.png", "Edema", "1", "train_val_list.txt")]))
    assert not is_rsna_normal(made_up_normals.root / "nowhere")


def test_what_is_missing_or_not_of_this_set_is_named_and_left_out(made_up_normals: Any) -> None:
    root: Path = made_up_normals.write([*FILMS, ("Normal-3.png", "test"), ("COVID-1.png", "train")])
    listed = root / "labels.csv"
    listed.write_text(listed.read_text().replace("COVID-1.png,Normal (RSNA radiologists)", "COVID-1.png,COVID"))
    (root / "images" / "Normal-1.png").unlink()
    data = open_rsna_normal(root)
    assert [film.path.name for film in data.records] == ["Normal-2.png"]
    assert data.problems == (
        "Normal-1.png: missing",
        "Normal-3.png: split 'test' is not one of train, validation",
        "COVID-1.png: label 'COVID' is not Normal (RSNA radiologists)",
    )


def test_a_list_without_a_column_or_with_a_film_twice_is_refused(made_up_normals: Any) -> None:
    root: Path = made_up_normals.write([*FILMS, FILMS[0]])
    with pytest.raises(DatasetError, match=r"names Normal-1\.png twice"):
        open_rsna_normal(root)
    listed = root / "labels.csv"
    listed.write_text(listed.read_text().replace("split", "side"))
    with pytest.raises(DatasetError, match="has no column split"):
        open_rsna_normal(root)


def test_the_shared_set_opens_whole(shared_data: Path) -> None:
    data = open_rsna_normal(shared_data / "adults_rsna_normal")
    assert (len(data.records), data.problems) == (1113, ())
