"""Nerve sets are told apart by their layout."""

from pathlib import Path
from typing import Any

import pytest

from leapfrog.errors import UsageError
from leapfrog_training.datasets.nerve_picture import Source, nerve_mask
from leapfrog_training.errors import DatasetError
from leapfrog_training.nerve.data import open_nerves, tells_vessels


def test_both_sets_and_heads_go_through_one_command_in_any_order(
    made_up_nerves: Any, made_up_usgra: Any, made_up_heads: Any
) -> None:
    heads = made_up_heads.write(["000_HC.png", "001_HC.png"], validation=["001"])
    folders = [heads, made_up_nerves.write(patients=5, each=2), made_up_usgra.write(train=3, validation=1)]
    data = open_nerves(folders)
    assert [sum(one.source is source for one in data.records) for source in Source] == [4, 10, 2]
    assert tells_vessels(data)
    head = next(one for one in data.records if one.source is Source.HEADS)
    assert not head.has_nerve and nerve_mask(head).shape == (270, 400) and not nerve_mask(head).any()


def test_kaggle_alone_tells_no_vessels(made_up_nerves: Any) -> None:
    assert not tells_vessels(open_nerves([made_up_nerves.write(patients=5, each=1)]))


def test_heads_alone_the_same_set_twice_and_another_folder_are_refused(
    made_up_heads: Any, made_up_usgra: Any, tmp_path: Path
) -> None:
    heads = made_up_heads.write(["000_HC.png"], validation=["000"])
    with pytest.raises(UsageError, match="a set with nerves is needed"):
        open_nerves([heads])
    usgra = made_up_usgra.write(train=2, validation=1)
    with pytest.raises(UsageError, match="hold the same set"):
        open_nerves([usgra, usgra])
    with pytest.raises(DatasetError, match="holds no set that nerves are learned from"):
        open_nerves([usgra, tmp_path / "elsewhere"])
