"""How the checks in front of fetal-head and nerve are fitted and measured (format 1; `chest.py` has that of the chest
packages).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leapfrog.packages.manifest import ModelInput
from leapfrog.reader.assess.shown_picture import shown_to_segmenter
from leapfrog_training.datasets.chestxray14 import ChestXray14, Film
from leapfrog_training.datasets.hc18 import HC18, HeadImage, filled_outline, outline
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.datasets.nerve_picture import NerveData, NervePicture
from leapfrog_training.evaluate.segmentation import as_shown
from leapfrog_training.quality.check import Fitted, Layout, Rates, fit_quality, measure_quality
from leapfrog_training.quality.strangers import (
    DRAWN_FOR_FITTING,
    DRAWN_FOR_MEASURING,
    Gray,
    detail_of,
    tissue,
    varied,
    without_head,
)

HEAD = Layout(height=128, width=192, thumbnail_block=4, gradient_block=2, false_alarm_rate=0.02)

NERVE = Layout(
    height=112,
    width=144,
    thumbnail_block=4,
    gradient_block=2,
    thumbnail_components=30,
    gradient_components=40,
    false_alarm_rate=0.02,
)

DRAWINGS_EACH_FITTED = 120
DRAWINGS_EACH_MEASURED = 150
MORE_TISSUE = 700  # the strangers that a head model gets most are other ultrasound pictures
INVERTED = "dark and bright swapped"
DETAIL = "small part of the picture"
UPSIDE_DOWN = "upside down"
HEAD_HIDDEN = "fetal ultrasound, head painted over"

Change = Callable[[Gray], Gray]
TURNS: Mapping[str, Change] = {
    "turned by 90 degrees": np.rot90,
    "turned by 180 degrees": lambda gray: np.rot90(gray, 2),
    "turned by 270 degrees": lambda gray: np.rot90(gray, 3),
    "upside down and mirrored": np.flipud,
}


@dataclass(frozen=True)
class MeasuredCheck:
    """A fitted check and its measured rates."""

    fitted: Fitted
    rates: Rates


def head_quality(chest: ChestXray14, heads: HC18, foreign: Mapping[str, Sequence[Gray]], seed: int) -> MeasuredCheck:
    """The check of fetal-head: only fetal heads in ultrasound pass, mirrored or not.

    Fitted to the training pictures and their mirror images, against the same pictures with the head painted over, parts
    of them, negatives, chest films and drawings, all in the shape in which the kiosk shows them to the model.
    `foreign`, by kind, are more strangers to measure on.
    """
    generator = np.random.default_rng(seed)
    images = heads.in_split("train")
    pictures = _grays(images)
    films = _grays(chest.in_split("train"))
    strangers = [
        *_drawn_for_fitting(generator),
        *(tissue(generator) for _ in range(MORE_TISSUE)),
        *_heads_hidden(images, generator),
        *(varied(gray, generator) for _ in range(2) for gray in _heads_hidden(images, generator)),
        *(255 - gray for gray in pictures[::4]),
        *(detail_of(gray, generator) for gray in pictures),
        *(turn(gray) for turn in TURNS.values() for gray in films[::16]),
        *(varied(gray, generator) for gray in films[::4]),
    ]
    both_ways = [view for gray in pictures for view in (gray, np.fliplr(gray))]
    owners = [image.patient for image in images for _ in range(2)]
    fitted = fit_quality(both_ways, owners, [_as_shown(gray) for gray in strangers], HEAD, seed)

    validation_images = heads.in_split("test")
    validation = _grays(validation_images)
    unseen = {
        "chest film": _grays(chest.in_split("test")),
        INVERTED: [255 - gray for gray in validation],
        DETAIL: [detail_of(gray, generator) for gray in validation],
        HEAD_HIDDEN: _heads_hidden(validation_images, generator),
        **_drawn_for_measuring(generator),
        **foreign,
    }
    shown = {kind: [_as_shown(gray) for gray in grays] for kind, grays in unseen.items()}
    return MeasuredCheck(fitted, measure_quality(fitted.check, validation, shown, seed + 1))


def nerve_quality(
    chest: ChestXray14, heads: HC18, nerves: NerveData, foreign: Mapping[str, Sequence[Gray]], seed: int
) -> MeasuredCheck:
    """The check of nerve: only ultrasound scans of limbs and neck as in the nerve sets pass, mirrored or not.

    Fitted to the scans in the training pictures and their mirror images, against the same scans turned and in negative,
    fetal heads, chest films and drawings; but not drawn tissue, which looks like theirs. `foreign`, by kind, are more
    strangers to measure on.
    """
    generator = np.random.default_rng(seed)
    images = nerves.in_split("train")
    scans = [_scan(gray) for gray in _grays(images)]
    films, fetal = _grays(chest.in_split("train")), _grays(heads.in_split("train"))
    strangers = [
        *(draw(generator) for draw in DRAWN_FOR_FITTING if draw is not tissue for _ in range(DRAWINGS_EACH_FITTED)),
        *fetal,
        *(varied(gray, generator) for gray in fetal),
        *(255 - scan for scan in scans),
        *(turn(scan) for turn in TURNS.values() for scan in scans),
        *(varied(gray, generator) for gray in films[::2]),
    ]
    both_ways = [view for scan in scans for view in (scan, np.fliplr(scan))]
    owners = [image.patient for image in images for _ in range(2)]
    fitted = fit_quality(both_ways, owners, [_scan(gray) for gray in strangers], NERVE, seed)

    validation = [_scan(gray) for gray in _grays(nerves.in_split("test"))]
    unseen = {
        "chest film": _grays(chest.in_split("test")),
        "fetal head": _grays(heads.in_split("test")),
        INVERTED: [255 - scan for scan in validation],
        UPSIDE_DOWN: [np.flipud(scan) for scan in validation],
        **_drawn_for_measuring(generator),
        **foreign,
    }
    shown = {kind: [_scan(gray) for gray in grays] for kind, grays in unseen.items()}
    return MeasuredCheck(fitted, measure_quality(fitted.check, validation, shown, seed + 1))


def _scan(gray: Gray) -> Gray:
    """The scan in the picture in the shape of the model's input, as the kiosk shows it."""
    return shown_to_segmenter(ModelInput(height=NERVE.height, width=NERVE.width, field="scan"), gray)[1]


def _grays(pictures: Iterable[Film | HeadImage | NervePicture]) -> list[Gray]:
    return [read_gray(picture.path) for picture in pictures]


def _heads_hidden(images: Sequence[HeadImage], generator: np.random.Generator) -> list[Gray]:
    return [without_head(read_gray(image.path), filled_outline(outline(image)), generator) for image in images]


def _as_shown(gray: Gray) -> Gray:
    """The whole picture in the shape of the segmenter's input, with black added as by the kiosk."""
    return as_shown(gray, HEAD.width / HEAD.height)[1]


def _drawn_for_fitting(generator: np.random.Generator) -> list[Gray]:
    return [draw(generator) for draw in DRAWN_FOR_FITTING for _ in range(DRAWINGS_EACH_FITTED)]


def _drawn_for_measuring(generator: np.random.Generator) -> dict[str, Sequence[Gray]]:
    return {
        kind: [draw(generator) for _ in range(DRAWINGS_EACH_MEASURED)] for kind, draw in DRAWN_FOR_MEASURING.items()
    }
