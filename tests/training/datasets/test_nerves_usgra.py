"""The nerve set with several regions: its layout is checked, and no group of near copies is on both sides."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from leapfrog_training.datasets.nerve_picture import Source, nerve_mask, vessel_mask
from leapfrog_training.datasets.nerves_usgra import open_usgra
from leapfrog_training.errors import DatasetError, PatientLeak


def test_every_picture_is_listed_with_its_group_its_side_and_its_two_masks(made_up_usgra: Any) -> None:
    data = open_usgra(made_up_usgra.write(train=6, validation=2))
    assert data.problems == ()
    assert [len(data.in_split("train")), len(data.in_split("test"))] == [6, 2]
    assert data.records[4].patient == data.records[5].patient != data.records[3].patient
    first = data.records[0]
    assert first.source is Source.USGRA and first.has_nerve and first.tells_vessels
    assert nerve_mask(first).sum() == pytest.approx(np.pi * 16 * 12, rel=0.05)
    assert vessel_mask(first).sum() == pytest.approx(np.pi * 13 * 13, rel=0.05)
    assert not (nerve_mask(first) & vessel_mask(first)).any()


def test_a_group_on_both_sides_is_refused(made_up_usgra: Any) -> None:
    root = made_up_usgra.write(train=3, validation=1)
    made_up_usgra.list([("0000.png", "g1", "train"), ("0003.png", "g1", "validation")])
    with pytest.raises(PatientLeak, match="g1"):
        open_usgra(root)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, before it gives up on a damaged file
def test_what_cannot_be_used_is_left_out_and_named(made_up_usgra: Any) -> None:
    root: Path = made_up_usgra.write(train=6, validation=1)
    (root / "images" / "0000.png").unlink()
    (root / "masks" / "0001.png").write_bytes(b"\x89PNG and nothing more")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(root / "masks" / "0002.png")
    Image.fromarray(np.full((130, 150), 3, np.uint8)).save(root / "masks" / "0003.png")
    made_up_usgra.list(
        [(f"000{number}.png", f"g{number}", "train") for number in range(4)]
        + [("0004.png", "g4", "test"), ("0005.png", "", "train"), ("0006.png", "g6", "validation")]
    )
    data = open_usgra(root)
    assert [record.path.name for record in data.records] == ["0006.png"]
    told = "\n".join(data.problems)
    for expected in (
        "0000.png: missing",
        "mask 0001.png: unreadable",
        "0002.png: its mask has 9x9 pixels, not 150x130",
        "0003.png: its mask has values other than 0, 1 and 2",
        "0004.png: split 'test' is not one of train, validation",
        "0005.png: has no group",
    ):
        assert expected in told


def test_a_folder_without_the_list_or_its_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"groups\.csv is missing"):
        open_usgra(tmp_path)
    (tmp_path / "groups.csv").write_text("image,group\n")
    with pytest.raises(DatasetError, match="no column split"):
        open_usgra(tmp_path)
