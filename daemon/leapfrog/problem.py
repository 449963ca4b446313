"""What is wrong at the box now: each part keeps its own list, and `status`, `doctor` and the worklist show them all."""

import threading
from collections.abc import Iterable
from datetime import datetime

from leapfrog.exam import Frozen
from leapfrog.language.sentence import Sentence

NOTHING = Sentence("")


class Problem(Frozen):
    """Something that a person should know of or do: `what` is wrong, `since` when (local ISO text, "" where nobody
    knows), and one `remedy`. `what` and `remedy` are sentences without patient data, for a technician. It is
    `in_worklist` unless staff who read exams could do nothing about it: any stranger in the network brought it about,
    or it is the kernel's. There it is told as `for_staff`: in their words, with what they can do, and never a command;
    "" where that is to call the technician. `names`: what in `what` is only the name of somebody's machine, for the
    district is told of it without. It `cannot_wait` while images do not come in or reports do not go out, or when some
    were lost: the district sends somebody today.
    """

    what: str
    since: str = ""
    remedy: str = ""
    in_worklist: bool = True
    for_staff: Sentence = Sentence("")
    names: tuple[str, ...] = ()
    cannot_wait: bool = False

    @property
    def text(self) -> str:
        """What, and what to do about it, in one line."""
        return f"{self.what} {self.remedy}".strip()


class Problems:
    """What is wrong with one part now. Any thread may call it.

    A problem is known by its matter, such as the path of a folder: as long as it lasts, it keeps its `since`.
    """

    def __init__(self) -> None:
        """Nothing is wrong yet."""
        self._lock = threading.Lock()
        self._problems: dict[str, Problem] = {}

    def add(
        self,
        matter: str,
        what: str,
        remedy: str = "",
        since: str = "",
        *,
        in_worklist: bool = True,
        for_staff: Sentence = NOTHING,
        cannot_wait: bool = False,
    ) -> bool:
        """Note that something is wrong, or still is; `since` when, if not since now. Returns whether it is new, so that
        the log says it once.
        """
        with self._lock:
            known = self._problems.get(matter)
            since = known.since if known else since or datetime.now().astimezone().isoformat(timespec="seconds")
            self._problems[matter] = Problem(
                what=what,
                since=since,
                remedy=remedy,
                in_worklist=in_worklist,
                for_staff=for_staff,
                cannot_wait=cannot_wait,
            )
        return known is None

    def clear(self, matter: str) -> bool:
        """Note that it is all right again. Returns whether something had been wrong."""
        with self._lock:
            return self._problems.pop(matter, None) is not None

    def keep(self, matters: Iterable[str]) -> None:
        """Clear every problem but those of `matters`."""
        kept = set(matters)
        with self._lock:
            self._problems = {matter: problem for matter, problem in self._problems.items() if matter in kept}

    def current(self) -> tuple[Problem, ...]:
        """Everything that is wrong now, in the order in which it began."""
        with self._lock:
            return tuple(self._problems.values())
