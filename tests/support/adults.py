"""Adults' films of nobody, for what is decided by labels, sources and views."""

from pathlib import Path

from leapfrog_training.chest.films import AdultFilm, Source
from leapfrog_training.datasets.splits import Split

SICK = ("Pneumonia",)


def film(
    number: int,
    labels: tuple[str, ...] = (),
    view: str = "PA",
    source: Source = Source.CHESTXRAY14,
    split: Split = "train",
    patient: str = "",
) -> AdultFilm:
    """A film of a patient of its own unless one is given."""
    return AdultFilm(Path(f"{number:04}.png"), patient or str(number), source, frozenset(labels), view, split)


def films(*kinds: tuple[int, tuple[str, ...], str, Source]) -> list[AdultFilm]:
    """As many films of each kind as it says: (count, labels, view, source)."""
    listed = [(labels, view, source) for count, labels, view, source in kinds for _ in range(count)]
    return [film(number, *kind) for number, kind in enumerate(listed)]
