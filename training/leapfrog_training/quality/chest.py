"""The check in front of both chest packages: only upright frontal chest films without a defect pass."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leapfrog_training.datasets.adults_rsna_normal import AdultsRsnaNormal, NormalFilm
from leapfrog_training.datasets.chestxray14 import ChestXray14, Film
from leapfrog_training.datasets.children_kermany import ChildFilm, ChildrenKermany
from leapfrog_training.datasets.hc18 import HC18
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.datasets.splits import AnyRecord, Split
from leapfrog_training.quality.defect_check import Fitted, Layout, Source, fit_defects
from leapfrog_training.quality.defects import CHEST_DEFECTS, Gray
from leapfrog_training.quality.rates import DefectRates, measure_defects
from leapfrog_training.quality.strangers import DRAWN_FOR_FITTING, DRAWN_FOR_MEASURING, varied

MOST_FITTED = 240  # films of each source; more take longer and change little
MOST_MEASURED = 110
HEADS_FITTED = 300
DRAWINGS_EACH_FITTED = 90
DRAWINGS_EACH_MEASURED = 100


@dataclass(frozen=True)
class ChestData:
    """The good films, by source, and the ultrasound pictures that are strangers to a chest model."""

    adults: ChestXray14
    adults_rsna: AdultsRsnaNormal
    children: ChildrenKermany
    heads: HC18

    def sources(self) -> tuple[Source, ...]:
        """Each source's films, about MOST_FITTED and MOST_MEASURED of them."""
        return (
            _source("ChestX-ray14", self.adults.in_split),
            _source("RSNA normal", self.adults_rsna.in_split),
            _source("children", self.children.in_split),
        )


@dataclass(frozen=True)
class MeasuredDefectCheck:
    """A fitted check and its measured rates."""

    fitted: Fitted
    rates: DefectRates


def fit_chest_check(
    data: ChestData, layout: Layout, foreign: Mapping[str, Sequence[Gray]], seed: int
) -> MeasuredDefectCheck:
    """Fit and measure the check for a chest model whose input is `layout`. `foreign`, by kind, are more strangers to
    measure on. One check serves both chest packages if their inputs have the same size.
    """
    sources = data.sources()
    generator = np.random.default_rng(seed)
    heads = _thinned(data.heads.in_split("train"), HEADS_FITTED)
    strangers = [
        *(varied(read_gray(head.path), generator) for head in heads),
        *(draw(generator) for draw in DRAWN_FOR_FITTING for _ in range(DRAWINGS_EACH_FITTED)),
    ]
    fitted = fit_defects(sources, CHEST_DEFECTS, strangers, layout, seed)
    unseen = {
        "fetal ultrasound": [read_gray(head.path) for head in data.heads.in_split("test")],
        **{
            kind: [draw(generator) for _ in range(DRAWINGS_EACH_MEASURED)] for kind, draw in DRAWN_FOR_MEASURING.items()
        },
        **foreign,
    }
    return MeasuredDefectCheck(fitted, measure_defects(fitted, sources, CHEST_DEFECTS, unseen, layout, seed + 1))


def _source(name: str, in_split: Callable[[Split], Sequence[Film | NormalFilm | ChildFilm]]) -> Source:
    fitted, measured = _thinned(in_split("train"), MOST_FITTED), _thinned(in_split("test"), MOST_MEASURED)
    return Source(
        name,
        [read_gray(film.path) for film in fitted],
        [film.patient for film in fitted],
        [read_gray(film.path) for film in measured],
    )


def _thinned(records: Sequence[AnyRecord], most: int) -> Sequence[AnyRecord]:
    """Every so-manieth record, so that about `most` remain."""
    return records[:: max(1, round(len(records) / most))]
