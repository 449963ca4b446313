"""Errors of ours that are caught and logged where they must not end a part: under test, each is a find."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fuzzing.target import Broken


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


@contextmanager
def no_own_errors() -> Iterator[None]:
    """Raises Broken where something of ours logged an error within."""
    errors, log = _Errors(), logging.getLogger("leapfrog")
    propagates, log.propagate = log.propagate, False
    log.addHandler(errors)
    try:
        yield
    finally:
        log.removeHandler(errors)
        log.propagate = propagates
    if errors.said:
        raise Broken(errors.said[0])
