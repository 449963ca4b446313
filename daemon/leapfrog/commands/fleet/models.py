"""Which model versions the boxes have, and which boxes have others than most."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from leapfrog.commands.fleet.box import Box

FEWEST_BOXES = 3  # with a package, before "most" means anything


@dataclass(frozen=True)
class Differing:
    """A package of which a box has another version than most boxes."""

    name: str
    version: str
    usual: str


@dataclass(frozen=True)
class Versions:
    """The versions of one package, with how many boxes have each, the most frequent first."""

    name: str
    boxes: tuple[tuple[str, int], ...]
    demonstration: bool

    @property
    def usual(self) -> str:
        """The version that more than half of the boxes have; "" if there is none."""
        version, count = self.boxes[0]
        total = sum(count for _, count in self.boxes)
        return version if total >= FEWEST_BOXES and 2 * count > total else ""


def versions(boxes: Iterable[Box]) -> tuple[Versions, ...]:
    """What the boxes have, by package; first those that most boxes have."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    demonstrations = set()
    for box in boxes:
        for model in {(one.name, one.version): one for one in box.heard.state.models}.values() if box.heard else ():
            counts[model.name][model.version] += 1
            if model.demonstration:
                demonstrations.add(model.name)
    often = sorted(counts.items(), key=lambda one: (-one[1].total(), one[0]))
    return tuple(Versions(name, tuple(count.most_common()), name in demonstrations) for name, count in often)


def differing(box: Box, usual: Mapping[str, str]) -> tuple[Differing, ...]:
    """The packages of which `box` has another version than the `usual` one."""
    models = box.heard.state.models if box.heard else ()
    return tuple(
        Differing(one.name, one.version, usual[one.name])
        for one in models
        if usual.get(one.name) and one.version != usual[one.name]
    )
