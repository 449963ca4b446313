"""Who works on which exam right now, so that none is forgotten on request meanwhile: what a reader, a sender or anybody
else made of it would come after.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

ARRIVALS = "arrivals"  # stands for whatever arrives: it may belong to any exam


class StudiesInUse:
    """The keys of studies. Any thread may call it; it never touches the disk."""

    def __init__(self) -> None:
        """Nobody works on anything."""
        self._changed = threading.Condition()  # guards what follows
        self._in_use = Counter[str]()
        self._wanted: set[str] = set()

    @contextmanager
    def using(self, key: str) -> Iterator[None]:
        """Work on a study during the block. While somebody has it `alone`, this waits until it is forgotten: whoever
        calls it looks afterwards whether it is still there.
        """
        with self._changed:
            self._changed.wait_for(lambda: key not in self._wanted)
            self._in_use[key] += 1
        try:
            yield
        finally:
            with self._changed:
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
                is_free = self._changed.wait_for(lambda: not self._in_use[key], seconds)
        try:
            yield is_mine and is_free
        finally:
            if is_mine:
                with self._changed:
                    self._wanted.discard(key)
                    self._changed.notify_all()
