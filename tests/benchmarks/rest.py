"""What a box costs that has nothing to do: of the processor, and of the disk that it wakes.

It is as delivered: a watched folder, a district that cannot be reached, reports that are open on the box's own screen.
Its disk is one of its own, so that nobody else wakes it; where none can be made, only the processor is measured.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from benchmarks.parts import Run
from benchmarks.receivers import remove
from benchmarks.results import Measurement, at_most
from support.dcmtk import store
from support.disk_image import DiskImage
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.ports import free_port

GROUP = "At rest"
REST_SECONDS = 600.0  # two rounds of what is done every five minutes
SETTLE_SECONDS = 90.0  # until what the exam left to do is done, and the kernel has written it
LOOK_SECONDS = 0.1
ASKED_SECONDS = 2.0  # how often an open page listens
ONE_WAKE_SECONDS = (
    10.0  # the kernel writes the content of a file, and within 5 s its own journal, or the other way round
)
DISK_MEBIBYTES = 1024
SECTOR_BYTES = 512
HOUR = 3600.0


@dataclass(frozen=True)
class Rest:
    """What was seen: processor seconds of all processes, when the disk was written to, and how many bytes."""

    seconds: float
    processor_seconds: float
    writes: tuple[float, ...]
    byte_count: int

    def wakes(self) -> list[float]:
        """When the disk was woken: writes that soon follow each other are one."""
        wakes: list[float] = []
        last = float("-inf")
        for moment in self.writes:
            if moment - last > ONE_WAKE_SECONDS:
                wakes.append(moment)
            last = moment
        return wakes


def measure(run: Run) -> None:
    """One exam, and then nothing for ten minutes."""
    seconds = max(10.0, REST_SECONDS * min(1.0, run.dose))
    settle = max(5.0, SETTLE_SECONDS * min(1.0, 5 * run.dose))
    with _disk(run.directory) as (folder, own):
        kiosk = Kiosk(
            folder / "box",
            folder={"settle_seconds": 2.0, "rescan_seconds": 10.0},  # as delivered
            district={"url": f"http://127.0.0.1:{free_port()}/dicom-web"},
        )
        (image,) = write_instances(chest_radiograph(), run.directory / "cr", 1)
        with kiosk:
            kiosk.wait_until_ready()
            run.progress.say("one exam, before the box is left alone")
            outcome = store(kiosk.port, [image.path])
            if not outcome.succeeded:
                raise RuntimeError(outcome.text[-2000:])
            kiosk.wait_until_read(1)
            kiosk.wait_until_quiet()
            with _open_page(kiosk.reports_dir):
                time.sleep(settle)
                run.progress.say(f"{seconds:.0f} s at rest")
                rest = _watch(kiosk, _counters(folder) if own else None, seconds)
        if not own:
            remove(kiosk.directory)
    remove(run.directory / "cr")
    remark = f"in {rest.seconds:.0f} s, with a page open"
    share = 100 * rest.processor_seconds / rest.seconds
    run.results.add(Measurement(GROUP, "of one processor, all processes", share, "%", at_most(1.0), (), remark))
    if not own:
        run.results.omit(f"{GROUP}: the disk", "needs root and loop devices, for a disk that nobody else writes to")
    else:
        wakes = rest.wakes()
        between = rest.seconds / max(1, len(wakes))
        run.results.add(
            Measurement(
                GROUP, "wakes of the disk a minute", 60 / between if wakes else 0.0, "", at_most(2.0), (), remark
            )
        )
        hourly = rest.byte_count / rest.seconds * HOUR / 1e6
        run.results.add(Measurement(GROUP, "written to the disk in an hour", hourly, "MB", None, (), remark))


@contextmanager
def _disk(directory: Path) -> Iterator[tuple[Path, bool]]:
    """A folder for the box, and whether it is on a disk of its own."""
    if not DiskImage.possible(directory):
        yield directory, False
        return
    image = DiskImage(directory / "disk.img", directory / "disk", DISK_MEBIBYTES)
    with image:
        yield image.folder, True
    (directory / "disk.img").unlink()
    remove(directory / "disk")


@contextmanager
def _open_page(reports_dir: Path) -> Iterator[None]:
    """A page that is open on the box, as far as its disk notices: it listens again and again."""
    closed = Event()

    def listen() -> None:
        while not closed.wait(ASKED_SECONDS):
            for name in ("alive.now.html", "alive.html"):
                if (page := reports_dir / name).exists():
                    page.read_bytes()
                    break

    page = Thread(target=listen)
    page.start()
    try:
        yield
    finally:
        closed.set()
        page.join()


def _counters(folder: Path) -> Path:
    """What the kernel counts of the disk under `folder`."""
    device = folder.stat().st_dev
    return Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")


def _watch(kiosk: Kiosk, counters: Path | None, seconds: float) -> Rest:
    processes = [kiosk.process.pid, *kiosk.orphans()]
    used = _processor_seconds(processes)
    began = time.monotonic()
    writes: list[float] = []
    first_count, first_sectors = count, sectors = _written(counters)
    while time.monotonic() - began < seconds:
        time.sleep(LOOK_SECONDS)
        now, sectors = _written(counters)
        if now != count:
            writes.append(time.monotonic() - began)
        count = now
    lasted = time.monotonic() - began
    written = (sectors - first_sectors) * SECTOR_BYTES if count != first_count else 0
    return Rest(lasted, _processor_seconds(processes) - used, tuple(writes), written)


def _written(counters: Path | None) -> tuple[int, int]:
    """How often, and how many sectors, were written (Documentation/block/stat.rst); nothing, where nothing counts."""
    if counters is None:
        return 0, 0
    fields = counters.read_text().split()
    return int(fields[4]), int(fields[6])


def _processor_seconds(processes: Sequence[int]) -> float:
    ticks = 0
    for pid in processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
