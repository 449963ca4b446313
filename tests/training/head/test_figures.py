"""What is drawn of heads: readable by colour, small, and nothing of a patient in the card."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib", reason="evaluate draws with matplotlib, which the extra `training` brings")

from leapfrog.engine.tensors import TensorSpec
from leapfrog.packages.manifest import ModelInput
from leapfrog.reader.assess.shown_picture import shown_to_segmenter
from leapfrog_training.datasets.hc18 import head_mask, open_hc18, outline
from leapfrog_training.drawing import read_pictures, write_pictures
from leapfrog_training.head.examples import head_examples
from leapfrog_training.head.figures import head_figures
from leapfrog_training.head.manifest import head_manifest
from leapfrog_training.head.reading import HeadAnswer, HeadReading, read_head

LARGEST_FIGURE_BYTES = 60_000
INPUT = ModelInput(height=128, width=192)


class MaskShape:
    """A segmenter's shapes, without the model."""

    input = TensorSpec((1, 128, 192, 1), "int8", 1 / 127.5, 0)

    def output_of_rank(self, rank: int) -> int:
        return 0


@pytest.fixture
def readings(made_up_heads: Any) -> list[HeadReading]:
    """Three perfect masks, and one that is empty."""
    images = open_hc18(made_up_heads.write([f"{k:03}_HC.png" for k in range(4)], validation=[])).records
    model: Any = MaskShape()
    manifest = head_manifest("0", model, threshold=0.5, level=0.5)
    read = []
    for image in images:
        line = outline(image)
        mask = head_mask(line, 64, 96) * np.float32(image.patient != "003")
        answer = HeadAnswer(
            image, shown_to_segmenter(INPUT, line.astype(np.uint8))[0], (mask[np.newaxis, :, :, np.newaxis],)
        )
        read.append(read_head(manifest, answer))
    return read


def test_figures_are_small_and_keep_both_colours(readings: list[HeadReading]) -> None:
    figures = head_figures(readings)
    assert set(figures) == {"dice.png", "circumference.png"}
    for content in figures.values():
        assert len(content) < LARGEST_FIGURE_BYTES
        with Image.open(BytesIO(content)) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        blueness = pixels[..., 2] - pixels[..., 0]
        assert (blueness > 100).any() and (blueness < -100).any()


def test_the_same_readings_give_the_same_file(readings: list[HeadReading]) -> None:
    assert head_figures(readings) == head_figures(readings)


def test_examples_show_the_worst_first_and_name_what_was_not_measured(readings: list[HeadReading]) -> None:
    examples = head_examples(readings)
    assert {"best-1.png", "worst-1.png", "largest-error-1.png", "not-measured-1.png"} <= set(examples)
    assert "not-measured-2.png" not in examples
    assert examples["worst-1.png"] != examples["best-1.png"]


def test_pictures_of_an_earlier_evaluation_are_replaced(tmp_path: Any) -> None:
    write_pictures(tmp_path / "examples", {"a.png": b"1", "b.png": b"2"})
    write_pictures(tmp_path / "examples", {"b.png": b"3"})
    assert read_pictures(tmp_path / "examples") == {"b.png": b"3"}
