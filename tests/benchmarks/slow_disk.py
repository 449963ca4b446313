"""Durable ingest on a disk on which each sync takes 10 ms. There it counts how many syncs an image has to wait for, and
how many share one; nothing else does, so these numbers hardly vary.
"""

import statistics

from benchmarks.ingest import acknowledged_per_second
from benchmarks.parts import Run
from benchmarks.receivers import IntakeAlone, remove
from benchmarks.results import Measurement
from support.exams import ultrasound, write_instances
from support.slow_syncs import slow_syncs, slow_syncs_possible

SYNC_MILLISECONDS = 10
ASSOCIATIONS = (1, 4)
GROUP = f"Durable ingest where each sync takes {SYNC_MILLISECONDS} ms"


def measure(run: Run) -> None:
    """The box's receiver, without readers, over one association and over four at once."""
    if not slow_syncs_possible():
        run.results.omit(GROUP, "gcc is not installed, which builds what slows the syncs")
        return
    images = write_instances(ultrasound(768, 1152), run.directory / "us", max(40, round(200 * run.dose)))
    environment = slow_syncs(run.directory, SYNC_MILLISECONDS)
    rates: dict[int, list[float]] = {number: [] for number in ASSOCIATIONS}
    for turn in range(run.rounds):
        for associations in ASSOCIATIONS:
            run.progress.say(f"{len(images)} pictures on a slow disk, {associations} at once, round {turn + 1}")
            receiver = IntakeAlone(run.directory / "server", environment)
            rates[associations].append(acknowledged_per_second(receiver, images, associations))
            remove(run.directory / "server")
    for associations, taken in rates.items():
        how = "one association" if associations == 1 else f"{associations} at once"
        run.results.add_median(GROUP, f"US of 0.9 MB, {how}", taken, "images/s", remark=f"of {len(images)}")
        syncs = 1000 / SYNC_MILLISECONDS / statistics.median(taken)
        run.results.add(Measurement(GROUP, f"US of 0.9 MB, {how}: an image's time, in syncs", syncs, ""))
    remove(run.directory / "us")
