"""Memory of the main process and of the reader, at rest and at work, and how soon the box listens.

PSS counts what processes share once, and is what the box really needs of the memory; at work it is sampled all the
time, and the middle counts. RSS at its peak counts libraries that others have loaded too. The box owes all to a
district that cannot be reached.
"""

import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from benchmarks.parts import Run
from benchmarks.receivers import WholeBox, remove
from benchmarks.results import Measurement, Results, at_most
from support.dcmtk import store
from support.exams import chest_radiograph, ultrasound, write_instances
from support.kiosk import Kiosk
from support.ports import free_port
from support.processes import ENGINE_HOST, READER
from support.progress import Progress
from support.waiting import wait_until

MEBIBYTE = 2**20
STARTS = 5
SETTLE_SECONDS = 3.0
CINE_BYTES = 500_000_000
SAMPLE_SECONDS = 0.05
AT_WORK = {"main process": 60.0, "reader": 130.0}  # MiB
GROUP = "Memory"


def measure(run: Run) -> None:
    """Memory at rest, at work on radiographs, and while 500 MB come in as one loop; then the starts."""
    _measure_memory(run.results, run.directory, run.dose, run.progress)
    _measure_starts(run.results, run.directory, run.progress)


def _measure_memory(results: Results, directory: Path, dose: float, progress: Progress) -> None:
    count = max(4, round(40 * dose))
    images = write_instances(chest_radiograph(), directory / "cr", count, studies=count // 4)
    frames = max(1, round(CINE_BYTES * min(1.0, dose) / (768 * 1024)))
    (cine,) = write_instances(ultrasound(768, 1024, frames), directory / "cine", 1)
    with WholeBox(directory / "box", district_url=f"http://127.0.0.1:{free_port()}/dicom-web") as box:
        progress.say("memory at rest")
        _send(box, images[0].path)  # the model is loaded, every module was used once
        box.drain(1)
        time.sleep(SETTLE_SECONDS)
        main, reader, host = _processes(box.kiosk)
        results.add(_memory("main process at rest, PSS", _pss(main)))
        results.add(_memory("reader at rest, PSS", _pss(reader)))
        results.add(_memory("engine host at rest, PSS", _pss(host)))

        progress.say(f"memory while {count} radiographs come in and are read")
        _forget_peaks(main, reader, host)
        with _sampled(results, {"main process": main, "reader": reader}):
            _send(box, *(image.path for image in images[1:]))
            box.drain(count)
        remark = f"{count} CR"
        results.add(_memory("main process at peak, RSS", _peak(main), 120, remark))
        results.add(_memory("reader at peak, RSS", _peak(reader), remark=remark))
        results.add(_memory("engine host at peak, RSS", _peak(host), remark=remark))

        size = cine.path.stat().st_size
        progress.say(f"memory while a loop of {size / 1e6:.0f} MB comes in")
        _forget_peaks(main, reader)
        _send(box, cine.path)
        remark = f"{size / 1e6:.0f} MB"
        results.add(_memory("main process receiving a long loop, RSS", _peak(main), 120, remark))
        box.drain(count + 1)
        reader = _processes(box.kiosk)[1]
        results.add(_memory("reader reading a long loop, RSS", _peak(reader), remark=remark))
    for name in ("cr", "cine", "box"):
        remove(directory / name)


@contextmanager
def _sampled(results: Results, processes: dict[str, int]) -> Iterator[None]:
    """Take samples of what these processes need while the block lasts."""
    over = Event()
    samples: dict[str, list[int]] = {name: [] for name in processes}

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            for name, pid in processes.items():
                samples[name].append(_pss(pid))

    sampling = Thread(target=sample, daemon=True)
    sampling.start()
    try:
        yield
    finally:
        over.set()
        sampling.join()
    for name, taken in samples.items():
        remark = f"the most: {max(taken) / MEBIBYTE:.0f} MiB"
        results.add(_memory(f"{name} at work, PSS", round(statistics.median(taken)), AT_WORK[name], remark))


def _send(box: WholeBox, *files: Path) -> None:
    outcome = store(box.port, files)
    if not outcome.succeeded:
        raise RuntimeError(outcome.text[-2000:])


def _memory(name: str, byte_count: int, aim_mebibytes: float | None = None, remark: str = "") -> Measurement:
    aim = at_most(aim_mebibytes) if aim_mebibytes else None
    return Measurement(GROUP, name, byte_count / MEBIBYTE, "MiB", aim, (), remark)


def _processes(kiosk: Kiosk) -> tuple[int, int, int]:
    """Main process, reader, engine host."""
    (reader,) = kiosk.children(READER)
    (host,) = kiosk.children(ENGINE_HOST)
    return kiosk.process.pid, reader, host


def _pss(pid: int) -> int:
    return _kibibytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _peak(pid: int) -> int:
    return _kibibytes(Path(f"/proc/{pid}/status"), "VmHWM:")


def _forget_peaks(*pids: int) -> None:
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # proc(5): resets the peak resident set size


def _kibibytes(file: Path, key: str) -> int:
    """The value of a line such as `Pss: 1234 kB`, in bytes."""
    for line in file.read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise LookupError(f"{file} has no {key}")


def _measure_starts(results: Results, directory: Path, progress: Progress) -> None:
    progress.say(f"{STARTS} starts")
    kiosk = Kiosk(directory / "box")
    seconds, asked = [], []
    for _ in range(STARTS):
        began = time.perf_counter()
        kiosk.launch()
        wait_until(kiosk.accepts_connections, "it listens", poll_seconds=0.005)
        seconds.append(time.perf_counter() - began)
        kiosk.wait_until_ready()
        began = time.perf_counter()
        subprocess.run(kiosk.command_line("status"), capture_output=True, check=False)
        asked.append(time.perf_counter() - began)
        kiosk.stop()
    results.add_median("Start", "from exec to listening", seconds, "s", at_most(1.0))
    results.add_median("Start", "the command `leapfrog status`", asked, "s", at_most(0.3))
    remove(directory / "box")
