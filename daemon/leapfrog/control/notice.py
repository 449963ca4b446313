"""Says within a second what is wrong: on systemd's status line, and by having the worklist written again."""

import re
from collections.abc import Callable

from leapfrog.control import systemd
from leapfrog.problem import Problem

ALL_IS_WELL = "Receiving images."
NUMBER = re.compile(r"[\d.,]+")


class Notice:
    """Notices when what is wrong changes. `look` must be cheap: the main thread calls it once a second."""

    def __init__(
        self,
        problems: Callable[[], tuple[Problem, ...]],
        on_change: Callable[[], None],
        tell: Callable[[str], None] = systemd.status,
        *,
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_change` is called when other things that staff are told of are wrong than at the last look; `on_news`
        when more than numbers has changed: a disk that fills is one matter from the first megabyte to the last.
        """
        self._problems = problems
        self._on_change = on_change
        self._tell = tell
        self._on_news = on_news
        self._said: str | None = None
        self._seen: tuple[Problem, ...] = ()
        self._matters: frozenset[str] = frozenset()

    def look(self) -> None:
        """Look once."""
        problems = self._problems()
        line = _line(problems)
        shown = tuple(problem for problem in problems if problem.in_worklist)
        if line != self._said:
            self._tell(line)
            self._said = line
        if shown != self._seen:
            self._seen = shown
            self._on_change()
            matters = frozenset(NUMBER.sub("", problem.what) for problem in shown)
            if matters != self._matters:
                self._matters = matters
                self._on_news()


def _line(problems: tuple[Problem, ...]) -> str:
    if not problems:
        return ALL_IS_WELL
    others = f" (and {len(problems) - 1} more: `leapfrog status`)" if len(problems) > 1 else ""
    return f"{problems[0].text}{others}"
