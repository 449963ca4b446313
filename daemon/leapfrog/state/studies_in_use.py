"""Who works on which exam right now, so that none is forgotten on request meanwhile: what a reader, a sender or anybody
else made of it would come after.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ARRIVALS = "arrivals"  # stands for whatever arrives: it may belong to any exam


class StudiesInUse:
    """The keys of studies. Any thread may call it; it never touches the disk."""

    def __init__(self) -> None:
        """Nobody works on anything."""
        self._changed = threading.Condition()  # guards what follows
        self._in_use = Counter[str]()
        self._wanted: set[str] = set()
        self._on_wanted: list[tuple[str, Callable[[], None]]] = []

    @contextmanager
    def using(self, key: str, on_wanted: Callable[[], None] | None = None) -> Iterator[None]:
        """Work on a study during the block. While somebody has it `alone`, this waits until it is forgotten: whoever
        calls it looks afterwards whether it is still there. `on_wanted` is called, by another thread, when somebody
        wants it alone meanwhile: to break off what takes long.
        """
        with self._changed:
            self._changed.wait_for(lambda: key not in self._wanted)
            self._in_use[key] += 1
            if on_wanted is not None:
                self._on_wanted.append((key, on_wanted))
        try:
            yield
        finally:
            with self._changed:
                if on_wanted is not None:
                    self._on_wanted.remove((key, on_wanted))
                self._in_use[key] -= 1
                if not self._in_use[key]:
                    del self._in_use[key]
                self._changed.notify_all()

    def is_wanted(self, key: str) -> bool:
        """Whether somebody waits until nobody works on this study any more."""
        return key in self._wanted

    @contextmanager
    def alone(self, key: str, seconds: float) -> Iterator[bool]:
        """Have a study alone during the block, once nobody works on it any more. Gives False, and has it not, when that
        takes longer than `seconds`.
        """
        with self._changed:
            is_mine = self._changed.wait_for(lambda: key not in self._wanted, seconds)
            if is_mine:
                self._wanted.add(key)
                for wanted, tell in self._on_wanted:
                    if wanted == key:
                        tell()
                is_free = self._changed.wait_for(lambda: not self._in_use[key], seconds)
        try:
            yield is_mine and is_free
        finally:
            if is_mine:
                with self._changed:
                    self._wanted.discard(key)
                    self._changed.notify_all()
