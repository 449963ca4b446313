"""Faults of the folder for reports. Receiving does not depend on it."""

import errno
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from faults.each.fault import Bringing, Fault, Scene
from support.waiting import wait_until

LONG_SECONDS = 75.0  # longer than a part of the box may be without a sign of life


@contextmanager
def _full(scene: Scene) -> Iterator[None]:
    filler = scene.disks["reports"].fill()
    yield
    filler.unlink()


@contextmanager
def _read_only(scene: Scene) -> Iterator[None]:
    scene.disks["reports"].read_only(True)
    yield
    scene.disks["reports"].read_only(False)


@contextmanager
def _missing(scene: Scene) -> Iterator[None]:
    """The folder is somewhere else, and may not be made anew."""
    reports = scene.site.folders.reports
    elsewhere = scene.directory / "elsewhere"
    reports.rename(elsewhere)
    reports.write_text("in the way\n")
    yield
    reports.unlink()
    elsewhere.rename(reports)


@contextmanager
def _missing_at_a_start(scene: Scene) -> Iterator[None]:
    scene.site.halt()
    with _missing(scene):
        scene.site.launch()
        yield


def _failing(error: int) -> Bringing:
    @contextmanager
    def bring(scene: Scene) -> Iterator[None]:
        assert scene.calls is not None
        scene.calls.fail_all(1, error)
        yield
        scene.calls.disarm()

    return bring


@contextmanager
def _hanging(scene: Scene) -> Iterator[None]:
    """The folder is a share (FUSE) whose server does not answer any more."""
    reports, behind = scene.site.folders.reports, scene.directory / "behind"
    scene.site.halt()
    reports.rename(behind)
    reports.mkdir()
    server = subprocess.Popen(["bindfs", "-f", str(behind), str(reports)])
    try:
        wait_until(reports.is_mount, "the share is mounted")
        scene.site.start()
        server.send_signal(signal.SIGSTOP)
        yield
        server.send_signal(signal.SIGCONT)
        scene.site.settle()
    finally:
        server.send_signal(signal.SIGCONT)
        scene.site.halt()
        server.terminate()
        server.wait()
        subprocess.run(["umount", "--lazy", str(reports)], check=False, capture_output=True)
        reports.rmdir()
        behind.rename(reports)
        scene.site.launch()


FAULTS = (
    Fault("the reports' disk is full", _full, disks=("reports",), seconds=15.0),
    Fault("the reports' disk is read-only", _read_only, disks=("reports",), seconds=15.0),
    Fault("a file lies where the reports' folder was", _missing, seconds=15.0),
    Fault("a file lies where the reports' folder was, at a start", _missing_at_a_start, seconds=15.0),
    Fault("the reports' disk answers EIO", _failing(errno.EIO), calls=True, seconds=15.0),
    Fault("the reports' share answers ESTALE", _failing(errno.ESTALE), calls=True, seconds=15.0),
    Fault("the reports' share hangs", _hanging, seconds=LONG_SECONDS),
)
