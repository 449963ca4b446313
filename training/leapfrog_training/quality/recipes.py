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

    Fitted to the scans in the training pictures and their mirror images, against the same pictures with the head
    painted over, parts of them, negatives, chest films and drawings, all as the kiosk shows them to the model.
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
    owners = [image.patient for image in images for _ in range(2)]
    fitted = fit_quality(_both_ways(_scans(pictures, HEAD)), owners, _scans(strangers, HEAD), HEAD, seed)

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
    return _measured(fitted, _scans(validation, HEAD), unseen, HEAD, seed)


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
    scans = _scans(_grays(images), NERVE)
    films, fetal = _grays(chest.in_split("train")), _grays(heads.in_split("train"))
    strangers = [
        *(draw(generator) for draw in DRAWN_FOR_FITTING if draw is not tissue for _ in range(DRAWINGS_EACH_FITTED)),
        *fetal,
        *(varied(gray, generator) for gray in fetal),
        *(255 - scan for scan in scans),
        *(turn(scan) for turn in TURNS.values() for scan in scans),
        *(varied(gray, generator) for gray in films[::2]),
    ]
    owners = [image.patient for image in images for _ in range(2)]
    fitted = fit_quality(_both_ways(scans), owners, _scans(strangers, NERVE), NERVE, seed)

    validation = _scans(_grays(nerves.in_split("test")), NERVE)
    unseen = {
        "chest film": _grays(chest.in_split("test")),
        "fetal head": _grays(heads.in_split("test")),
        INVERTED: [255 - scan for scan in validation],
        UPSIDE_DOWN: [np.flipud(scan) for scan in validation],
        **_drawn_for_measuring(generator),
        **foreign,
    }
    return _measured(fitted, validation, unseen, NERVE, seed)


def _measured(
    fitted: Fitted, scans: Sequence[Gray], unseen: Mapping[str, Sequence[Gray]], layout: Layout, seed: int
) -> MeasuredCheck:
    shown = {kind: _scans(grays, layout) for kind, grays in unseen.items()}
    return MeasuredCheck(fitted, measure_quality(fitted.check, scans, shown, seed + 1))


def _scans(grays: Iterable[Gray], layout: Layout) -> list[Gray]:
    """The scan in each picture, as the kiosk shows it to a model of this layout."""
    taken = ModelInput(height=layout.height, width=layout.width, field="scan")
    return [shown_to_segmenter(taken, gray)[1] for gray in grays]


def _both_ways(scans: Iterable[Gray]) -> list[Gray]:
    return [view for scan in scans for view in (scan, np.fliplr(scan))]


def _grays(pictures: Iterable[Film | HeadImage | NervePicture]) -> list[Gray]:
    return [read_gray(picture.path) for picture in pictures]


def _heads_hidden(images: Sequence[HeadImage], generator: np.random.Generator) -> list[Gray]:
    return [without_head(read_gray(image.path), filled_outline(outline(image)), generator) for image in images]


def _drawn_for_fitting(generator: np.random.Generator) -> list[Gray]:
    return [draw(generator) for draw in DRAWN_FOR_FITTING for _ in range(DRAWINGS_EACH_FITTED)]


def _drawn_for_measuring(generator: np.random.Generator) -> dict[str, Sequence[Gray]]:
    return {
        kind: [draw(generator) for _ in range(DRAWINGS_EACH_MEASURED)] for kind, draw in DRAWN_FOR_MEASURING.items()
    }
