"""What the kiosk draws of a network's answer, compared with what annotators drew."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from leapfrog.packages.manifest import ModelInput
from leapfrog.reader.assess.outlines.segmentation import cut, model_area
from leapfrog.reader.assess.shown_picture import shown_to_segmenter
from leapfrog.reader.image.fields.scan_field import scan_field
from leapfrog_training.datasets.images import cells, read_gray
from leapfrog_training.datasets.nerve_picture import nerve_mask, vessel_mask
from leapfrog_training.nerve.crops import nerve_free_parts
from leapfrog_training.nerve.data import open_nerves
from leapfrog_training.nerve.manifest import NERVE, VESSEL, nerve_manifest
from leapfrog_training.nerve.reading import Answer, NerveAnswer, NerveReading, answers_without_nerve, read_nerves
from leapfrog_training.nerve.size import HEIGHT, MASK_HEIGHT, MASK_WIDTH, WIDTH

MODEL: Any = SimpleNamespace(input=SimpleNamespace(shape=(1, HEIGHT, WIDTH, 1)), output_of_rank=lambda _rank: 0)
THRESHOLDS = {NERVE: 0.6, VESSEL: 0.5}


def perfect(picture: Any, *, nerve: float = 0.9, vessel: float = 0.9) -> NerveAnswer:
    """The answer of a network that knows what the annotator drew, and is sure to these degrees."""
    gray = read_gray(picture.path)
    box = scan_field(gray)
    area = model_area(box, gray.shape, WIDTH / HEIGHT)
    drawn = [
        sure * cells(cut(mask.astype(np.uint8), area, box), MASK_HEIGHT, MASK_WIDTH)
        for sure, mask in ((nerve, nerve_mask(picture)), (vessel, vessel_mask(picture)))
    ]
    masks = np.stack(drawn, axis=-1)[np.newaxis]
    return NerveAnswer(picture, Answer(area, (masks.astype(np.float32),)))


def read(answer: NerveAnswer) -> NerveReading:
    (reading,) = read_nerves(nerve_manifest("0", MODEL, THRESHOLDS), [answer])
    return reading


@pytest.fixture
def picture(made_up_usgra: Any) -> Any:
    return open_nerves([made_up_usgra.write(train=2, validation=1)]).records[0]


def test_a_perfect_mask_is_drawn_as_the_annotator_drew_it(picture: Any) -> None:
    reading = read(perfect(picture))
    assert reading.nerve.dice > 0.93 and reading.nerve.truth == nerve_mask(picture).sum()
    assert reading.vessel is not None
    assert reading.vessel.dice > 0.93 and reading.vessel.truth == vessel_mask(picture).sum()
    assert reading.right == (True,)


def test_what_the_model_is_not_sure_of_is_not_drawn(picture: Any) -> None:
    reading = read(perfect(picture, nerve=0.55))
    assert not reading.is_outlined and reading.nerve.dice == 0
    assert reading.vessel is not None and reading.vessel.dice > 0.9


def test_an_outline_beside_the_nerve_is_wrong(picture: Any) -> None:
    answer = perfect(picture)
    swapped = np.ascontiguousarray(answer.answer.outputs[0][..., ::-1])  # the vessel taken for the nerve
    reading = read(NerveAnswer(picture, Answer(answer.answer.area, (swapped,))))
    assert reading.right == (False,)
    assert reading.nerve.both == 0


def test_a_set_that_draws_no_vessels_is_not_asked_for_them(made_up_nerves: Any) -> None:
    picture = open_nerves([made_up_nerves.write(patients=5, each=1)]).records[0]
    assert read(perfect(picture)).vessel is None


def test_parts_beside_a_nerve_are_shown_alone(picture: Any) -> None:
    shown = []

    def run(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        shown.append(pixels)
        return (np.zeros((1, MASK_HEIGHT, MASK_WIDTH, 2), np.float32),)

    answers = answers_without_nerve(SimpleNamespace(input=MODEL.input, run=run), [picture])  # type: ignore[arg-type]
    gray = read_gray(picture.path)
    parts = nerve_free_parts(nerve_mask(picture), scan_field(gray))
    assert len(answers) == len(shown) == len(parts) >= 1
    taken = ModelInput(height=HEIGHT, width=WIDTH, field="scan")
    for answer, pixels, (left, top, right, bottom) in zip(answers, shown, parts, strict=True):
        area, expected = shown_to_segmenter(taken, np.ascontiguousarray(gray[top:bottom, left:right]))
        assert (answer.area.picture_width, answer.area.picture_height) == (right - left, bottom - top)
        assert answer.area == area and np.array_equal(pixels, expected)
