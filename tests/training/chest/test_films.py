"""The films that chest-findings is made from: whose they are, what is said of them, and how they are divided."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leapfrog.errors import UsageError
from leapfrog_training.chest.films import (
    Source,
    abnormal,
    covered_findings,
    folds_of,
    for_abnormal,
    normal_of,
    of_view,
    open_adults,
    with_views,
)
from leapfrog_training.datasets.splits import DataSet
from support.adults import SICK, film, films

TRAIN, TEST = "train_val_list.txt", "test_list.txt"
LISTED = [
    ("00000001_000.png", "Pneumonia", "1", TRAIN),
    ("00000002_000.png", "Edema|Pneumonia", "2", TRAIN),
    ("00000003_000.png", "No Finding", "3", TEST),
    ("00000004_000.png", "Pneumonia", "4", TEST),
]


def test_both_sources_are_opened_whichever_comes_first(made_up_chest: Any, made_up_normals: Any) -> None:
    folders = [made_up_chest.write(LISTED, view="AP"), made_up_normals.write([("a.png", "train"), ("b.png", "train")])]
    data = open_adults(folders)
    assert data == open_adults(folders[::-1])
    assert [one.source for one in data.records].count(Source.RSNA_NORMAL) == 2
    assert {one.view for one in data.records if one.source is Source.CHESTXRAY14} == {"AP"}
    assert {(one.view, one.labels) for one in data.records if one.source is Source.RSNA_NORMAL} == {("", frozenset())}


def test_films_of_people_under_15_leave_the_set_and_are_named(made_up_chest: Any, made_up_normals: Any) -> None:
    ages = {"00000001_000.png": "14", "00000002_000.png": "15", "00000003_000.png": "3", "00000004_000.png": ""}
    data = open_adults([made_up_chest.write(LISTED, ages=ages), made_up_normals.write([("a.png", "train")])])
    assert [one.path.name for one in data.records] == ["00000002_000.png", "00000004_000.png", "a.png"]
    assert data.problems == ("00000001_000.png: too young, 14 years", "00000003_000.png: too young, 3 years")


def test_labels_and_boxes_of_films_that_radiologists_read_as_normal_are_corrected(
    made_up_chest: Any, made_up_normals: Any
) -> None:
    root: Path = made_up_chest.write(LISTED)
    (root / "rsna_reading.csv").write_text("image,rsna_radiologists\n00000002_000.png,Normal\n")
    (root / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00000001_000.png,Pneumonia,0,0,512,512,,,\n"
        "00000002_000.png,Pneumonia,0,0,512,512,,,\n"
    )
    sick, corrected, *_ = open_adults([root, made_up_normals.write([("a.png", "train")])]).records
    assert (sick.labels, len(sick.boxes)) == (frozenset({"Pneumonia"}), 1)
    assert (corrected.labels, corrected.boxes) == (frozenset(), ())


def test_only_films_without_a_view_get_the_one_that_was_told() -> None:
    known, unknown = film(1, view="AP"), film(2, view="", source=Source.RSNA_NORMAL)
    told = with_views([known, unknown], {"0001.png": "PA", "0002.png": "PA"})
    assert [one.view for one in told] == ["AP", "PA"]


def test_films_are_abnormal_or_normal_of_one_source_and_of_one_view() -> None:
    listed = films(
        (2, SICK, "AP", Source.CHESTXRAY14), (1, (), "PA", Source.CHESTXRAY14), (1, (), "AP", Source.RSNA_NORMAL)
    )
    assert abnormal(listed).tolist() == [True, True, False, False]
    assert normal_of(listed, Source.CHESTXRAY14).tolist() == [False, False, True, False]
    assert normal_of(listed, Source.RSNA_NORMAL).tolist() == [False, False, False, True]
    assert of_view(listed, "AP").tolist() == [True, True, False, True]


def test_a_finding_is_covered_with_enough_films_on_both_sides() -> None:
    listed = [
        *(film(number, ("Pneumonia", "Effusion")) for number in range(20)),
        *(film(20 + number, ("Pneumonia", "Effusion"), split="test") for number in range(9)),
        film(29, ("Pneumonia", "Edema"), split="test"),
    ]
    assert covered_findings(DataSet(tuple(listed), ())) == ("Pneumonia",)
    assert covered_findings(DataSet((*listed, film(30, ("Effusion",), split="test")), ())) == ("Pneumonia", "Effusion")
    with pytest.raises(UsageError, match="no finding has enough films"):
        covered_findings(DataSet(tuple(listed[1:]), ()))


def test_each_patient_of_a_fold_is_held_out_whole_and_every_film_once() -> None:
    listed = [film(number, patient=str(number // 3)) for number in range(60)]
    folds = folds_of(listed, 4)
    for fold in folds:
        held_out = {listed[position].patient for position in fold.held_out}
        assert not held_out & {listed[position].patient for position in fold.fit}
    assert sorted(np.concatenate([fold.held_out for fold in folds])) == list(range(60))


def test_of_the_shared_films_41_are_of_people_too_young_and_34_were_read_as_normal(shared_data: Path) -> None:
    folders = [shared_data / "chestxray14", shared_data / "adults_rsna_normal"]
    data = open_adults(folders)
    assert sum("too young" in problem for problem in data.problems) == len(data.problems) == 41
    assert len(data.records) == 688 + 1113


def test_pneumonia_stands_for_abnormal_wherever_it_is_among_the_findings() -> None:
    assert for_abnormal(("Pneumothorax", "Pneumonia", "Edema")) == 1
    assert for_abnormal(("Edema", "Effusion")) == 0
