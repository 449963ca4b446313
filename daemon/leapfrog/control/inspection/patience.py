"""Looks that may never end, such as at a dead network share, and how long to wait for them."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Seen = TypeVar("Seen")

LOOK_SECONDS = 3.0


class NoAnswer(OSError):
    """A look did not end in time."""

    def __init__(self) -> None:
        """The text stands where the system's own would."""
        super().__init__(None, "it does not answer")


class Look(Generic[Seen]):
    """One look, in a thread of its own that nobody waits for when it hangs."""

    def __init__(self, look: Callable[[], Seen]) -> None:
        """Begin at once."""
        self._look = look
        self._seen: Seen | None = None
        self._problem: OSError | None = None
        self._done = threading.Event()
        threading.Thread(target=self._run, name="look", daemon=True).start()

    def _run(self) -> None:
        try:
            self._seen = self._look()
        except OSError as problem:
            self._problem = problem
        finally:
            self._done.set()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._done.is_set()

    def result(self, seconds: float = LOOK_SECONDS) -> Seen:
        """What was seen. Raises NoAnswer after `seconds`, and OSError when the look failed."""
        if not self._done.wait(seconds):
            raise NoAnswer
        if self._problem is not None:
            raise self._problem
        return self._seen  # type: ignore[return-value]  # the look has ended without a problem
