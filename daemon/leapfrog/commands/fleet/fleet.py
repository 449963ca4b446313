"""All boxes of a district at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from leapfrog.commands.fleet.box import Stranger
from leapfrog.commands.fleet.box_files import Folder
from leapfrog.commands.fleet.models import Versions, differing, versions
from leapfrog.commands.fleet.needs import URGENCIES, BoxInNeed, Urgency, in_need


@dataclass(frozen=True)
class Fleet:
    """The boxes, those that need somebody first; files that are none of theirs; and what hinders this look itself."""

    made_at: datetime
    boxes: tuple[BoxInNeed, ...]
    models: tuple[Versions, ...]
    strangers: tuple[Stranger, ...] = ()
    more_strangers: int = 0
    problems: tuple[str, ...] = ()

    @property
    def usual(self) -> Mapping[str, str]:
        """The version that most boxes have of each package, where there is one."""
        return _usual(self.models)

    def needing(self, urgency: Urgency | None) -> tuple[BoxInNeed, ...]:
        """The boxes whose most urgent need is that; with None, those that need nobody."""
        return tuple(box for box in self.boxes if box.urgency == urgency)


def fleet_of(folder: Folder, problems: tuple[str, ...], now: datetime) -> Fleet:
    """What is in `folder`, judged at `now`; `problems` are those of the look itself."""
    models = versions(folder.boxes)
    usual = _usual(models)
    boxes = [in_need(box, differing(box, usual), now) for box in folder.boxes]
    boxes.sort(key=_first)
    said = tuple(one for one in (*problems, folder.problem) if one)
    return Fleet(now, tuple(boxes), models, folder.strangers, folder.more_strangers, said)


def _usual(models: tuple[Versions, ...]) -> Mapping[str, str]:
    return {one.name: one.usual for one in models}


def _first(box: BoxInNeed) -> tuple[int, str]:
    return URGENCIES.index(box.urgency) if box.urgency else len(URGENCIES), box.box.name.casefold()
