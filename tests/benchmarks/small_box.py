"""Whether a box of a Raspberry Pi's class is quick enough: one processor, a quarter of it, for all its processes."""

from benchmarks.latency import seconds_to_report
from benchmarks.parts import Run
from benchmarks.receivers import WholeBox, remove
from benchmarks.results import Measurement, at_most
from support.exams import chest_radiograph, write_instances
from support.small_processor import NoSmallProcessor, small_processor

SHARE = 0.25
READY_SECONDS = 180.0
GROUP = "A small box: one processor at a quarter"
AIM = at_most(2.0)


def measure(run: Run) -> None:
    """From the C-STORE response to report.json, each film when the box has nothing else to do."""
    count = max(3, round(30 * run.dose))
    images = write_instances(chest_radiograph(), run.directory / "cr", count + 1, studies=count + 1)
    run.progress.say(f"a small box, {count} films")
    box = WholeBox(run.directory / "box")
    try:
        with small_processor(SHARE) as limited:
            box.kiosk.wrapper = limited
            with box.kiosk:
                box.kiosk.wait_until_ready(deadline_seconds=READY_SECONDS)
                seconds_to_report(box, images[0].path)  # loads what is loaded late
                seconds = sorted(seconds_to_report(box, image.path) for image in images[1:])
    except NoSmallProcessor as problem:
        run.results.omit(GROUP, f"needs root, and control groups for the processor: {problem}")
    else:
        remark = f"of {count}"
        run.results.add_median(GROUP, "a raw CR of 10 MB to report.json, median", seconds, "s", AIM, remark=remark)
        late = seconds[min(len(seconds) - 1, round(0.95 * (len(seconds) - 1)))]
        run.results.add(
            Measurement(GROUP, "a raw CR of 10 MB to report.json, 95th percentile", late, "s", AIM, (), remark)
        )
        remove(box.kiosk.directory)
    remove(run.directory / "cr")
