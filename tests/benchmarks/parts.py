"""The parts of `tests/benchmarks/run`, by name: what each measures, and how one more is added.

A part is one file of this folder, or a folder of it for what needs several. It has one public function:

    def measure(run: Run) -> None:
        run.progress.say("sending 40 films")
        seconds = [...]  # work below run.directory, which is on the disk that is meant, and leave nothing there
        run.results.add_median("Group", "what was timed", seconds, "s", at_most(0.25), remark="of 40")

and one line in `PARTS`. `README.md` beside this file says what a part must see to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from benchmarks.results import Results
from support.progress import Progress


@dataclass(frozen=True)
class Run:
    """What a part is given: where to work, how much to do, and where the numbers go."""

    results: Results
    directory: Path  # empty, on the disk that is meant
    dose: float  # of the full number of images; 1.0 is what README's table is made with
    rounds: int  # how often whatever is measured in turn with something else is measured
    with_peers: bool  # False: only the box itself, as when one version of it is compared with another
    progress: Progress


Measure = Callable[[Run], None]


@dataclass(frozen=True)
class Part:
    """One part. It is loaded when it is run: an older version of the box may lack what another part imports."""

    module: str  # below `benchmarks`
    what: str  # one line for --help
    repeated: bool  # whether `--against` runs it, over and over, when no part is chosen: at most a minute a round

    def measure(self, run: Run) -> None:
        """Run it. Raises whatever befalls it."""
        cast(Measure, import_module(f"benchmarks.{self.module}").measure)(run)


PARTS = {
    "ingest": Part("ingest", "images acknowledged a second: the box, Orthanc, storescp, the bare disk", True),
    "slow-disk": Part("slow_disk", "images acknowledged a second where each sync takes 10 ms, as on an SD card", True),
    "latency": Part("latency", "from the C-STORE response to report.json, and the bare parts of a report", True),
    "cine": Part("cine", "from the C-STORE response to report.json, loops of 300 frames", False),
    "beside": Part("beside", "a film's report while an exam of 300 images, or of 12, closes", False),
    "bare": Part("bare.alone", "the bare disk, and the bare parts of a report one by one, without the box", False),
    "throughput": Part("throughput", "images a second, from the first byte to the last report", True),
    "fairness": Part("fairness", "20 modalities at once: what each gets beside its share", False),
    "rest": Part("rest", "what a box costs that has nothing to do: processor, wakes of the disk", False),
    "small-box": Part("small_box", "from the C-STORE response to report.json on a quarter of one processor", False),
    "footprint": Part("footprint", "memory at rest and at work; the start; the command `leapfrog status`", True),
    "journal": Part("journal", "steps that must not grow with the journal", False),
    "growth": Part("growth", "a box with 1,000,000 images beside a new one", False),
    "worklist": Part("worklist", "the list of exams in Chromium", False),
    "answers": Part("answers", "what asking a district costs the link", False),
    "training-data": Part("training_data", "data of ChestX-ray14's size in training", False),
}
