"""What the nerve networks are trained on: scans, and parts of scans with nerves and without."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from leapfrog.reader.assess.outlines.segmentation import cut, model_area
from leapfrog.reader.image.fields.scan_field import find_scan
from leapfrog.reader.image.pixels import PixelRegion, model_input
from leapfrog_training.datasets.images import cells, read_gray
from leapfrog_training.datasets.nerve_picture import NervePicture, Source, nerve_mask, vessel_mask
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.nerve.crops import nerve_free_parts, random_part, random_part_with
from leapfrog_training.nerve.size import HEIGHT, MASK_HEIGHT, MASK_WIDTH, WIDTH
from leapfrog_training.progress import each

WITH_NERVE = 700  # at least so many examples with a nerve: few pictures are cut in many ways
NERVE_FREE_EACH = 2  # parts without a nerve for each picture with one
HEADS = 120  # so many pictures of fetal heads, evenly chosen
SMALLEST = 0.55  # of a scan's width and height: parts with a nerve
SMALLEST_WITHOUT = 0.7  # of a part without one

Target = NDArray[np.float32]  # (mask rows, mask columns, 3): nerve, vessel, and 1 where vessels would have been drawn
Example = tuple[NDArray[np.uint8], Target]


def examples(pictures: Sequence[NervePicture], seed: int) -> Examples:
    """Examples of the pictures, cut at random by `seed`: each whole scan with a nerve once and parts of it, parts of it
    without the nerve, scans without one, and some fetal heads.
    """
    generator = np.random.default_rng(seed)
    with_nerve = [picture for picture in pictures if picture.has_nerve]
    heads = [picture for picture in pictures if picture.source is Source.HEADS]
    without = [picture for picture in pictures if not picture.has_nerve and picture.source is not Source.HEADS]
    versions = max(1, round(WITH_NERVE / max(len(with_nerve), 1)))
    chosen = heads[:: max(1, -(-len(heads) // HEADS))]
    made: list[Example] = []
    for picture in each((*with_nerve, *without, *chosen), "cutting pictures"):
        made += _of_one(picture, versions if picture.has_nerve else 1, generator)
    return Examples(np.stack([one for one, _ in made])[..., np.newaxis], np.stack([target for _, target in made]))


def shown_part(gray: NDArray[np.uint8], box: PixelRegion) -> NDArray[np.uint8]:
    """The part of a picture in `box` as the kiosk shows it to the model, (HEIGHT, WIDTH)."""
    area = model_area(box, gray.shape, WIDTH / HEIGHT)
    return model_input(np.ascontiguousarray(cut(gray, area, box)), HEIGHT, WIDTH)


def _of_one(picture: NervePicture, versions: int, generator: np.random.Generator) -> Iterator[Example]:
    nerve, vessel, whole = nerve_mask(picture), vessel_mask(picture), read_gray(picture.path)
    scan = find_scan(whole)
    gray, field = scan.alone(whole), scan.box
    boxes = [field]
    if picture.has_nerve:
        boxes += [random_part_with(nerve, field, SMALLEST, generator) for _ in range(versions - 1)]
        free = nerve_free_parts(nerve, field)
        boxes += [random_part(box, SMALLEST_WITHOUT, generator) for box in islice(cycle(free), NERVE_FREE_EACH)]
    elif generator.random() < 0.5:
        boxes = [random_part(field, SMALLEST, generator)]
    for box in boxes:
        yield shown_part(gray, box), _target(nerve, vessel, picture.tells_vessels, box)


def _target(nerve: NDArray[np.bool_], vessel: NDArray[np.bool_], tells_vessels: bool, box: PixelRegion) -> Target:
    area = model_area(box, nerve.shape, WIDTH / HEIGHT)
    masks = [cells(cut(mask.astype(np.uint8), area, box), MASK_HEIGHT, MASK_WIDTH) for mask in (nerve, vessel)]
    return np.stack([*masks, np.full((MASK_HEIGHT, MASK_WIDTH), tells_vessels, np.float32)], axis=-1)
