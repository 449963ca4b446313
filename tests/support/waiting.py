"""Waiting for something to become true, for as short as possible and never for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

POLL_SECONDS = 0.02


def wait_until(
    look: Callable[[], Found | None], what: str, *, deadline_seconds: float = 20.0, poll_seconds: float = POLL_SECONDS
) -> Found:
    """Call `look` until it gives something true, and return that. Raises AssertionError, naming `what`, if it never
    does; the last thing seen is part of the message.
    """
    deadline = time.monotonic() + deadline_seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {deadline_seconds:g} s still not: {what} (last seen: {found!r})")
        time.sleep(poll_seconds)
    return found
