"""The steps from a data set to a model package, as the commands call them, with one interface for all packages.

`chest`, `child`, `head` and `nerve` each have a `task.py` with what is specific to them; `tasks.py` lists them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from leapfrog.errors import UsageError
from leapfrog.packages.manifest import Manifest
from leapfrog_training.datasets.splits import AnyRecord, DataSet
from leapfrog_training.drawing import read_pictures
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.measured import Evaluation
from leapfrog_training.packaging.package import write_package
from leapfrog_training.run.folder import SHIPPED_SEED, PackageName, Run, RunNotes

AnyEvaluation = TypeVar("AnyEvaluation", bound=Evaluation)


def only(open_one: Callable[[Path], DataSet[AnyRecord]]) -> Callable[[Sequence[Path]], DataSet[AnyRecord]]:
    """Opens the one folder of a data set. Raises UsageError if several are given."""

    def open_folders(folders: Sequence[Path]) -> DataSet[AnyRecord]:
        if len(folders) != 1:
            raise UsageError("this package is made from one data set: give --data once")
        return open_one(folders[0])

    return open_folders


@dataclass(frozen=True)
class Headline:
    """The one score that sums up a package, for the shipped seed in float and in int8."""

    name: str
    float32: float
    int8: float


class Recipe(Protocol):
    """The interface of a package's module `recipe.py`. Importing that module imports TensorFlow."""

    def fit_run(self, run: Run, data: Any, imagenet: Path) -> Run:
        """Train in float, from the weights in `imagenet`: Coral's tf2_mobilenet_v2_1.0_224_ptq.tflite."""
        ...

    def quantize_run(self, run: Run, data: Any) -> None:
        """Make the int8 networks, and the float and quantized ones to compare with."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task(Generic[AnyRecord, AnyEvaluation]):
    """What is specific to a package: how to `open` the folders of its data (raises DatasetError, or UsageError for too
    many or too few folders), the `findings` to train for (raises UsageError if the data are not enough for any), its
    recipe, how to `evaluate` a run (which also draws its figures and examples), and what is made from the measurements:
    headline, manifest (without hashes) and card. `without` are the sources of films to leave out of one more network.
    """

    name: PackageName
    open: Callable[[Sequence[Path]], DataSet[AnyRecord]]
    findings: Callable[[DataSet[AnyRecord]], tuple[str, ...]]
    recipe: Callable[[], Recipe]
    evaluation: type[AnyEvaluation]
    evaluate: Callable[[Run, DataSet[AnyRecord]], AnyEvaluation]
    headline: Callable[[AnyEvaluation], Headline]
    manifest: Callable[[str, KioskModel, Run, AnyEvaluation], Manifest]
    card: Callable[[Manifest, AnyEvaluation], str]
    is_cross_validated: bool = False
    without: tuple[str, ...] = ()

    def notes(self, data: DataSet[AnyRecord], seeds: int, folds: int) -> RunNotes:
        """The notes of a new run. Raises UsageError if the data are not enough for one."""
        return RunNotes(
            package=self.name,
            seeds=seeds,
            folds=folds if self.is_cross_validated else 0,
            findings=self.findings(data),
            left_out=data.problems,
            without=self.without,
        )

    def evaluation_of(self, run: Run) -> AnyEvaluation:
        """The run's evaluation, as `evaluate` wrote it. Raises RunError if the run was not evaluated."""
        try:
            return self.evaluation.model_validate_json(run.evaluation.read_bytes())
        except FileNotFoundError as error:
            raise RunError(f"{run.folder} was not evaluated: run `leapfrog-train evaluate` first") from error

    def package(self, run: Run, out: Path, version: str) -> None:
        """Write the package of a run's shipped seed. Raises RunError if the run was not evaluated."""
        evaluation, model_path = self.evaluation_of(run), run.seed(SHIPPED_SEED).int8
        with KioskModel(model_path) as model:
            manifest = self.manifest(version, model, run, evaluation)
        card, figures = self.card(manifest, evaluation), read_pictures(run.figures)
        write_package(out, manifest, model_path.read_bytes(), card, extra_files=figures)
