"""When a signal may end the demonstration, so that no daemon is left behind; for its main thread."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and a closed terminal end what runs within as Ctrl-C does, by KeyboardInterrupt."""
    with _handled(signal.default_int_handler, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put such a signal off until the block ends, as while a child is started: one before it is known would leave it
    behind.
    """
    met: list[int] = []
    with _handled(lambda number, _frame: met.append(number), signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield
    if met:
        raise KeyboardInterrupt


@contextmanager
def _handled(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    former = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)
