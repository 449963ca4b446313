"""The Kaggle nerve set: its layout is checked, and no patient is on both sides."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from leapfrog_training.datasets.kaggle_nerve import open_kaggle_nerve
from leapfrog_training.datasets.nerve_picture import nerve_mask
from leapfrog_training.errors import DatasetError


def test_every_pair_is_listed_with_its_patient_and_whether_there_is_a_nerve(made_up_nerves: Any) -> None:
    data = open_kaggle_nerve(made_up_nerves.write(patients=6, each=3))
    assert data.problems == ()
    assert [image.path.name for image in data.records[:4]] == ["1_1.tif", "1_2.tif", "1_3.tif", "2_1.tif"]
    assert [image.has_nerve for image in data.records[:3]] == [True, False, True]
    assert nerve_mask(data.records[0]).any() and not nerve_mask(data.records[1]).any()


def test_no_patient_is_on_both_sides_and_the_split_is_the_same_every_time(made_up_nerves: Any) -> None:
    root = made_up_nerves.write(patients=10, each=2)
    data = open_kaggle_nerve(root)
    train, test = ({image.patient for image in data.in_split(side)} for side in ("train", "test"))
    assert not train & test
    assert (len(train), len(test)) == (8, 2)
    assert open_kaggle_nerve(root) == data


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, before it gives up on a damaged file
def test_what_cannot_be_used_is_left_out_and_named(made_up_nerves: Any) -> None:
    root: Path = made_up_nerves.write(patients=6, each=4)
    folder = root / "train"
    (folder / "1_1_mask.tif").unlink()
    (folder / "2_1.tif").write_bytes(b"II*\x00 and nothing more")
    Image.fromarray(np.zeros((10, 10), np.uint8)).save(folder / "3_1_mask.tif")
    Image.fromarray(np.full((105, 145), 7, np.uint8)).save(folder / "4_1_mask.tif")
    (folder / "5_9_mask.tif").write_bytes((folder / "5_1_mask.tif").read_bytes())
    (folder / "notes.txt").write_text("?")
    data = open_kaggle_nerve(root)
    assert len(data.records) == 20
    told = "\n".join(data.problems)
    for expected in (
        "1_1_mask.tif: missing",
        "2_1.tif: unreadable",
        "3_1_mask.tif: 10x10 for a picture of 145x105",
        "4_1_mask.tif: has values other than 0 and 255",
        "5_9_mask.tif: does not belong to any picture",
        "notes.txt: does not belong to any picture",
    ):
        assert expected in told


def test_another_folder_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="train is missing"):
        open_kaggle_nerve(tmp_path)
    (tmp_path / "train").mkdir()
    with pytest.raises(DatasetError, match=r"no picture like 1_1\.tif"):
        open_kaggle_nerve(tmp_path)
