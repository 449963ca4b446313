"""What the commands ask of each package's folder (`chest`, `head`, `nerve`): the same steps for every one of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from leapfrog_training.errors import RunError
from leapfrog_training.run.folder import PackageName, Run, RunNotes


@dataclass(frozen=True)
class FitOptions:
    """What the person who trains may choose. `imagenet` is Coral's tf2_mobilenet_v2_1.0_224_ptq.tflite, from which
    every network starts.
    """

    imagenet: Path
    seeds: int = 3
    folds: int = 5


@dataclass(frozen=True)
class Headline:
    """The one score that a package is known by, of the shipped seed in float and in int8."""

    name: str
    float32: float
    int8: float


class Evaluation(Protocol):
    """What was measured in a run, as it is kept in `evaluation.json`."""

    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package."""
        ...

    def model_dump_json(self, *, indent: int) -> str:
        """The whole as JSON."""
        ...


class Task(Protocol):
    """One package's way from a data set to a model. `Data` is what its loader gives; only its own steps look inside.

    `fit` and `quantize` import TensorFlow; nothing else does.
    """

    def open(self, folder: Path) -> Any:
        """Check and list the data set; what cannot be used is in `problems`. Raises DatasetError."""
        ...

    def notes(self, data: Any, options: FitOptions) -> RunNotes:
        """What a new run is to do. Raises UsageError when data or options do not allow one."""
        ...

    def fit(self, run: Run, data: Any, options: FitOptions) -> None:
        """Train in float."""
        ...

    def quantize(self, run: Run, data: Any) -> None:
        """Make the int8 networks and those to compare with."""
        ...

    def evaluate(self, run: Run, data: Any) -> Evaluation:
        """Measure through the kiosk's own reading."""
        ...

    def headline(self, run: Run) -> Headline:
        """The score of an evaluated run. Raises RunError when it was not evaluated."""
        ...

    def package(self, run: Run, out: Path, version: str) -> None:
        """Write the package of an evaluated run."""
        ...


def task_of(package: PackageName) -> Task:
    """The steps of a package."""
    if package is PackageName.CHEST_FINDINGS:
        from leapfrog_training.chest.task import ChestTask

        return ChestTask()
    if package is PackageName.BRACHIAL_PLEXUS:
        from leapfrog_training.nerve.task import NerveTask

        return NerveTask()
    from leapfrog_training.head.task import HeadTask

    return HeadTask()


def evaluation_of(run: Run) -> bytes:
    """What `evaluate` left. Raises RunError when it has not run."""
    try:
        return run.evaluation.read_bytes()
    except FileNotFoundError as error:
        raise RunError(f"{run.folder} was not measured: run `leapfrog-train evaluate` first") from error
