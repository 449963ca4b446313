"""The loader of HC18."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from leapfrog_training.datasets.hc18 import filled_outline, open_hc18, outline
from leapfrog_training.errors import DatasetError

NAMES = ["000_HC.png", "010_HC.png", "010_2HC.png"]


def test_every_picture_of_a_subject_is_on_one_side(made_up_heads: Any) -> None:
    data = open_hc18(made_up_heads.write(NAMES, validation=["010"]))
    assert data.problems == ()
    assert [image.path.name for image in data.in_split("train")] == ["000_HC.png"]
    assert [(image.path.name, image.patient) for image in data.in_split("test")] == [
        ("010_HC.png", "010"),
        ("010_2HC.png", "010"),
    ]


def test_a_filled_outline_is_the_whole_head(made_up_heads: Any) -> None:
    image = open_hc18(made_up_heads.write(NAMES, validation=[])).records[0]
    line = outline(image)
    rows, columns = np.nonzero(line)
    semi_axes = (columns.max() - columns.min() + 1) / 2, (rows.max() - rows.min() + 1) / 2
    assert filled_outline(line).sum() == pytest.approx(np.pi * semi_axes[0] * semi_axes[1], rel=0.01)


def test_an_open_outline_is_named_and_left_out(made_up_heads: Any) -> None:
    root: Path = made_up_heads.write(NAMES, validation=[])
    path = root / "training_set" / "000_HC_Annotation.png"
    picture = Image.new("L", Image.open(path).size)
    ImageDraw.Draw(picture).arc((100, 50, 300, 200), 0, 200, fill=255)
    picture.save(path)
    data = open_hc18(root)
    assert data.problems == ("000_HC_Annotation.png: the outline is not closed",)
    assert len(data.records) == 2


def test_a_missing_outline_is_named_and_left_out(made_up_heads: Any) -> None:
    root: Path = made_up_heads.write(NAMES, validation=[])
    (root / "training_set" / "010_HC_Annotation.png").unlink()
    assert open_hc18(root).problems == ("010_HC_Annotation.png: missing",)


def test_a_name_without_a_subject_is_refused(made_up_heads: Any) -> None:
    with pytest.raises(DatasetError, match=r"head\.png"):
        open_hc18(made_up_heads.write(["head.png"], validation=[]))


def test_the_shared_set_opens_whole(shared_data: Path) -> None:
    data = open_hc18(shared_data / "hc18")
    assert (len(data.in_split("train")), len(data.in_split("test")), data.problems) == (607, 156, ())
    assert not {i.patient for i in data.in_split("train")} & {i.patient for i in data.in_split("test")}
