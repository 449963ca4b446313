"""What a run started and wrote, and has to be gone when it ends, however it ends.

Each part stops its own servers. But whoever presses Ctrl-C does so at any moment, also while a box starts that nobody
has in hand yet. So every process that a run starts, and whatever those start, carries the run's folder in its
environment.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.waiting import wait_until

MARK = "LEAPFROG_BENCHMARK"
GONE_SECONDS = 10.0


@contextmanager
def nothing_left(directory: Path) -> Iterator[None]:
    """At the end of the block, no process that was started in it runs, nothing is mounted below `directory`, and that
    is removed. Of blocks within one another, each has a directory below that of the outer one.
    """
    before = os.environ.get(MARK)
    os.environ[MARK] = str(directory)
    try:
        yield
    finally:
        _end_processes(directory)
        for mounted in _mounted_below(directory):
            subprocess.run(["umount", mounted], check=False)
        shutil.rmtree(directory, ignore_errors=True)
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before


def _end_processes(directory: Path) -> None:
    wait_until(lambda: not _killed(directory), "what was started has ended", deadline_seconds=GONE_SECONDS)


def _killed(directory: Path) -> list[int]:
    """What still ran, and was sent SIGKILL: it has no data that anybody wants."""
    running = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _is_of(path, directory)]
    for pid in running:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return running


def _is_of(process: Path, directory: Path) -> bool:
    """A zombie has no environment any more. That of this program is the one that it was started with."""
    try:
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it ended meanwhile, or is somebody else's
        return False
    mark = f"{MARK}={directory}".encode()
    return any(one == mark or one.startswith(mark + b"/") for one in variables)


def _mounted_below(directory: Path) -> list[str]:
    """The last mounted first."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return [point for point in reversed(points) if Path(point).is_relative_to(directory)]
