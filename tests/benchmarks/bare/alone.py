"""The bare machine by itself, without the box: the disk, and each part of a report. `ingest` and `latency` measure both
in turn with the box, and have the ratios.
"""

import os
import statistics

from benchmarks.bare.disk import files_per_second
from benchmarks.bare.report import BareReport
from benchmarks.latency import BARE_GROUP, KINDS, THREADS
from benchmarks.parts import Run
from benchmarks.receivers import remove
from support.exams import write_instances

FILE_SIZES = {"10 MB": (10_240_000, 40), "0.9 MB": (884_736, 300)}


def measure(run: Run) -> None:
    """Files first, then each kind of image."""
    for name, (byte_count, full_count) in FILE_SIZES.items():
        contents = [os.urandom(byte_count)] * max(4, round(full_count * run.dose))
        for at_once in (1, 4):
            run.progress.say(f"the bare disk: files of {name}, {at_once} at once")
            rates = []
            for _ in range(run.rounds):
                rates.append(files_per_second(run.directory / "files", contents, at_once))
                os.sync()
                remove(run.directory / "files")
            run.results.add_median("The bare disk", f"files of {name}, {at_once} at once", rates, "files/s")
    for name, kind in KINDS.items():
        run.progress.say(f"the bare parts of a report on a {name}")
        (image,) = write_instances(kind.make(), run.directory / "exam", 1)
        report = BareReport(image.path, run.directory / "bare", THREADS)
        report.seconds()  # warm from now on
        taken = [report.seconds() for _ in range(max(3, round(30 * run.dose)))]
        for part in taken[0]:
            milliseconds = [one[part] * 1000 for one in taken]
            run.results.add_median(BARE_GROUP, f"{name}, {part}", milliseconds, "ms")
        total = statistics.median(sum(one.values()) for one in taken) * 1000
        run.results.add_median(BARE_GROUP, name, [total], "ms")
        remove(run.directory / "exam")
        remove(run.directory / "bare")
