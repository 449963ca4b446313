"""How soon a long loop of ultrasound has its report, in the encoding that takes longest to decode and in none.

That only those frames are decoded that are looked at is what `tests/daemon/reader/test_long_cines.py` sees to.
"""

from collections.abc import Callable

from pydicom import Dataset

from benchmarks.latency import seconds_to_report
from benchmarks.parts import Run
from benchmarks.receivers import WholeBox, remove
from benchmarks.results import at_most
from support.exams import fetal_head_loop, write_instances

FRAMES = 300
DEADLINE_SECONDS = 60.0  # [engine] deadline_seconds, as delivered
GROUP = "From the C-STORE response to report.json, a long loop of a fetal head"
KINDS: dict[str, Callable[[int], Dataset]] = {
    "uncompressed": fetal_head_loop,
    "lossless JPEG": lambda frames: fetal_head_loop(frames, lossless_jpeg=True),
}


def measure(run: Run) -> None:
    """Each loop when the box has nothing else to do."""
    frames = max(20, round(FRAMES * run.dose))
    seconds: dict[str, list[float]] = {name: [] for name in KINDS}
    with WholeBox(run.directory / "box") as box:
        for name, make in KINDS.items():
            run.progress.say(f"a loop of {frames} frames, {name}")
            for loop in write_instances(make(frames), run.directory / "loops", run.rounds, studies=run.rounds):
                seconds[name].append(seconds_to_report(box, loop.path))
            remove(run.directory / "loops")
    for name, taken in seconds.items():
        run.results.add_median(GROUP, name, taken, "s", at_most(DEADLINE_SECONDS), f"{frames} frames")
    remove(run.directory / "box")
