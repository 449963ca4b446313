"""Decides when a signal may end the demonstration, so that no daemon is left running. For the main thread only."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block, SIGTERM and a closed terminal raise KeyboardInterrupt, as Ctrl-C does."""
    with _handled(signal.default_int_handler, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay these signals until the block ends. A signal while a child is being started would leave the child running,
    since nobody has its process id yet.
    """
    received: list[int] = []
    with _handled(lambda number, _frame: received.append(number), signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield
    if received:
        raise KeyboardInterrupt


@contextmanager
def _handled(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler_before in previous.items():
            signal.signal(number, handler_before)
