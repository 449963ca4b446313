"""Does the same to many pictures, on all cores."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from typing import Any

CHUNK = 8  # films that a process takes at a time

_work: Callable[[int], Sequence[Any]] | None = None


def on_all_cores(work: Callable[[int], Sequence[Any]], count: int) -> list[Any]:
    """The results of `work` for each number below `count`, in order and in one list.

    The processes are forked, so that `work` may be any function; its results must be picklable. Threads would not help:
    most of the work is in many short calls that hold Python's lock.
    """
    processes = min(os.cpu_count() or 1, count)
    if processes < 2:
        return [result for number in range(count) for result in work(number)]
    with multiprocessing.get_context("fork").Pool(processes, _begin, (work,)) as pool:
        return [result for results in pool.imap(_one, range(count), CHUNK) for result in results]


def _begin(work: Callable[[int], Sequence[Any]]) -> None:
    global _work  # noqa: PLW0603
    _work = work


def _one(number: int) -> Sequence[Any]:
    assert _work is not None
    return _work(number)
