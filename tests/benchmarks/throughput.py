"""Sustained images a second through the whole box: received, read, reported."""

import time

from benchmarks.parts import Run
from benchmarks.receivers import WholeBox, remove
from benchmarks.results import Measurement
from support.dcmtk import store
from support.exams import chest_radiograph, fetal_head_cine, write_instances
from support.kiosk import Kiosk
from support.waiting import wait_until

GROUP = "Through the whole box, from the first byte to the last report"


def measure(run: Run) -> None:
    """Bursts of one kind over one association."""
    loads = {
        "raw CR of 10 MB": (chest_radiograph(), 40),
        "lossless-JPEG CR of 4 MB": (chest_radiograph(lossless_jpeg=True), 40),
        "US of 0.7 MB": (fetal_head_cine(), 200),
    }
    for name, (image, full_count) in loads.items():
        count = max(4, round(full_count * run.dose))
        made = write_instances(image, run.directory / "exam", count, studies=max(1, count // 4))
        run.progress.say(f"{count} times {name} through the whole box")
        with WholeBox(run.directory / "box") as box:
            began = time.perf_counter()
            options = ("-xs",) if "JPEG" in name else ()
            outcome = store(box.port, [one.path for one in made], *options)
            if not outcome.succeeded:
                raise RuntimeError(outcome.text[-2000:])
            _wait_until_reported(box.kiosk, count)
            rate = count / (time.perf_counter() - began)
        run.results.add(
            Measurement(GROUP, name, rate, "images/s", remark=f"{count} images, {max(1, count // 4)} studies")
        )
        remove(run.directory / "exam")
        remove(run.directory / "box")


def _wait_until_reported(kiosk: Kiosk, count: int) -> None:
    kiosk.wait_until_read(count, deadline_seconds=600)
    wait_until(
        lambda: sum(len(report["images"]) for report in kiosk.reports()) == count,
        "every image is in a report",
        deadline_seconds=60,
        poll_seconds=0.1,
    )
