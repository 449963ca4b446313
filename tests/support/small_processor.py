"""A small computer on a large one: a part of one processor, for a program and all that it starts (cgroups(7))."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PERIOD_MICROSECONDS = 100_000
GONE_SECONDS = 5.0


class NoSmallProcessor(Exception):
    """This machine, or this user, cannot limit what a program gets of the processor."""


@contextmanager
def small_processor(share: float) -> Iterator[Sequence[str]]:
    """What to put before a command line, so that the program has `share` of one processor. It must have ended when the
    block does. Raises NoSmallProcessor.
    """
    quota = round(share * PERIOD_MICROSECONDS)
    group = _group_of("cpu") / f"leapfrog-small-{os.getpid()}"
    try:
        group.mkdir()
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
    except OSError as problem:
        raise NoSmallProcessor(f"{group}: {problem.strerror}") from problem
    one = min(os.sched_getaffinity(0))
    try:
        yield ["sh", "-c", f'echo $$ > {group / "cgroup.procs"} && exec taskset -c {one} "$@"', "sh"]
    finally:
        _remove(group)


def _group_of(controller: str) -> Path:
    """The folder of the controller's cgroups: of its own (version 1), or of all of them (version 2)."""
    return CGROUPS / controller if (CGROUPS / controller / "cgroup.procs").exists() else CGROUPS


def _remove(group: Path) -> None:
    """It can be removed once the last process in it has been reaped."""
    deadline = time.monotonic() + GONE_SECONDS
    while True:
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
