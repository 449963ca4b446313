"""The pictures that the package nerve is made from: one set or several, told apart by their layout."""

from collections.abc import Callable, Sequence
from pathlib import Path

from leapfrog.errors import UsageError
from leapfrog_training.datasets.hc18 import is_hc18, open_hc18
from leapfrog_training.datasets.kaggle_nerve import is_kaggle_nerve, open_kaggle_nerve
from leapfrog_training.datasets.nerve_picture import NerveData, NervePicture, Source
from leapfrog_training.datasets.nerves_usgra import is_usgra, open_usgra
from leapfrog_training.datasets.splits import DataSet
from leapfrog_training.errors import DatasetError

LAYOUTS: tuple[tuple[Source, Callable[[Path], bool]], ...] = (
    (Source.USGRA, is_usgra),
    (Source.KAGGLE, is_kaggle_nerve),
    (Source.HEADS, is_hc18),
)


def open_nerves(folders: Sequence[Path]) -> NerveData:
    """Open one nerve set or both and, as pictures without a nerve, the fetal heads of HC18.

    Raises UsageError if a set is given twice or no nerve set is given, DatasetError for a folder of none of these
    layouts or with a set that cannot be used.
    """
    by_source: dict[Source, Path] = {}
    for folder in folders:
        source = _source_of(folder)
        if source in by_source:
            raise UsageError(f"{by_source[source]} and {folder} hold the same set: give it once")
        by_source[source] = folder
    if not by_source.keys() - {Source.HEADS}:
        raise UsageError("a set with nerves is needed: give --data with nerves_usgra, Kaggle's nerve set, or both")
    parts = [_opened(source, folder) for source, folder in by_source.items()]
    return DataSet(
        tuple(record for part in parts for record in part.records),
        tuple(problem for part in parts for problem in part.problems),
    )


def tells_vessels(data: NerveData) -> bool:
    """Whether vessels can be learned from these pictures."""
    return any(picture.source is Source.USGRA for picture in data.records)


def _source_of(folder: Path) -> Source:
    for source, has_layout in LAYOUTS:
        if has_layout(folder):
            return source
    raise DatasetError(
        f"{folder} holds no set that nerves are learned from: neither groups.csv of nerves_usgra, nor train/ of "
        "Kaggle's Ultrasound Nerve Segmentation, nor HC18's table"
    )


def _opened(source: Source, folder: Path) -> NerveData:
    match source:
        case Source.USGRA:
            return open_usgra(folder)
        case Source.KAGGLE:
            return open_kaggle_nerve(folder)
        case Source.HEADS:
            return _heads(folder)


def _heads(folder: Path) -> NerveData:
    """The pictures of HC18, in which no nerve can be seen."""
    heads = open_hc18(folder)
    pictures = tuple(
        NervePicture(head.path, None, head.patient, head.split, Source.HEADS, has_nerve=False) for head in heads.records
    )
    return DataSet(pictures, heads.problems)
