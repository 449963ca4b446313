"""Sustained images a second through the whole box: received, read, reported."""

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.parts import Run
from benchmarks.receivers import WholeBox, remove
from benchmarks.results import Measurement, at_least
from support.dcmtk import store
from support.exams import chest_radiograph, fetal_head_cine, write_instances
from support.kiosk import Kiosk
from support.processes import ENGINE_HOST
from support.waiting import wait_until

GROUP = "Through the whole box, from the first byte to the last report"
IN_WORDS = {1: "", 2: ", two lanes"}
SETTLE_SECONDS = 2.0  # the models are loaded


def measure(run: Run) -> None:
    """Bursts of one kind over one association, with one lane and with two in turn."""
    loads = {
        "raw CR of 10 MB": (chest_radiograph(), 40, (1, 2)),
        "lossless-JPEG CR of 4 MB": (chest_radiograph(lossless_jpeg=True), 40, (1,)),
        "US of 0.7 MB": (fetal_head_cine(), 200, (1, 2)),
    }
    for name, (image, full_count, lanes) in loads.items():
        count = max(4, round(full_count * run.dose))
        studies = max(1, count // 4)
        made = write_instances(image, run.directory / "exam", count, studies=studies)
        files = [one.path for one in made]
        options = ("-xs",) if "JPEG" in name else ()
        rates: dict[int, list[float]] = {number: [] for number in lanes}
        for turn in range(run.rounds):
            for number in lanes:
                run.progress.say(f"{count} times {name} through the whole box, lanes: {number}, round {turn + 1}")
                rates[number].append(_rate(run, files, number, *options))
        middle = {
            number: run.results.add_median(
                GROUP, name + IN_WORDS[number], rates[number], "images/s", remark=f"{count} images, {studies} studies"
            )
            for number in lanes
        }
        if len(lanes) > 1:
            run.results.add(
                Measurement(GROUP, f"{name}, two lanes beside one", middle[2] / middle[1], "times", at_least(1.6))
            )
        remove(run.directory / "exam")


def _rate(run: Run, files: Sequence[Path], lanes: int, *options: str) -> float:
    """Images a second with so many lanes, all of them ready when the first image comes."""
    with WholeBox(run.directory / "box", lanes) as box:
        wait_until(lambda: len(box.kiosk.children(ENGINE_HOST)) == lanes, "all lanes have started")
        time.sleep(SETTLE_SECONDS)
        began = time.perf_counter()
        outcome = store(box.port, files, *options)
        if not outcome.succeeded:
            raise RuntimeError(outcome.text[-2000:])
        _wait_until_reported(box.kiosk, len(files))
        rate = len(files) / (time.perf_counter() - began)
    remove(run.directory / "box")
    return rate


def _wait_until_reported(kiosk: Kiosk, count: int) -> None:
    kiosk.wait_until_read(count, deadline_seconds=600)
    wait_until(
        lambda: sum(len(report["images"]) for report in kiosk.reports()) == count,
        "every image is in a report",
        deadline_seconds=60,
        poll_seconds=0.1,
    )
