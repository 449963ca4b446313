"""One package's way from a data set to a model: the steps that the commands call, the same for every package.

`chest`, `head` and `nerve` each have a `task.py` that says what is their own; `tasks.py` lists them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from leapfrog.packages.manifest import Manifest
from leapfrog_training.datasets.splits import AnyRecord, DataSet
from leapfrog_training.drawing import read_pictures
from leapfrog_training.errors import RunError
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.measured import Evaluation
from leapfrog_training.packaging.package import write_package
from leapfrog_training.run.folder import SHIPPED_SEED, PackageName, Run, RunNotes

AnyEvaluation = TypeVar("AnyEvaluation", bound=Evaluation)


@dataclass(frozen=True)
class Headline:
    """The one score that a package is known by, of the shipped seed in float and in int8."""

    name: str
    float32: float
    int8: float


class Recipe(Protocol):
    """What the module `recipe.py` of a package's folder holds; importing it imports TensorFlow."""

    def fit_run(self, run: Run, data: Any, imagenet: Path) -> Run:
        """Train in float, from the weights in `imagenet`: Coral's tf2_mobilenet_v2_1.0_224_ptq.tflite."""
        ...

    def quantize_run(self, run: Run, data: Any) -> None:
        """Make the int8 networks and those to compare with."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task(Generic[AnyRecord, AnyEvaluation]):
    """What is a package's own: how to `open` its data set (raises DatasetError), what to find in it (raises UsageError
    when the data allow nothing), its recipe, how to measure a run (figures and examples are drawn into it), and what
    follows from what was measured: the headline, the manifest but for the hashes, and the card.
    """

    name: PackageName
    open: Callable[[Path], DataSet[AnyRecord]]
    findings: Callable[[DataSet[AnyRecord]], tuple[str, ...]]
    recipe: Callable[[], Recipe]
    evaluation: type[AnyEvaluation]
    evaluate: Callable[[Run, DataSet[AnyRecord]], AnyEvaluation]
    headline: Callable[[AnyEvaluation], Headline]
    manifest: Callable[[str, KioskModel, Run, AnyEvaluation], Manifest]
    card: Callable[[Manifest, AnyEvaluation], str]
    is_cross_validated: bool = False

    def notes(self, data: DataSet[AnyRecord], seeds: int, folds: int) -> RunNotes:
        """What a new run is to do. Raises UsageError when the data do not allow one."""
        return RunNotes(
            package=self.name,
            seeds=seeds,
            folds=folds if self.is_cross_validated else 0,
            findings=self.findings(data),
            left_out=data.problems,
        )

    def measured(self, run: Run) -> AnyEvaluation:
        """What `evaluate` left in the run. Raises RunError when it has not run."""
        try:
            return self.evaluation.model_validate_json(run.evaluation.read_bytes())
        except FileNotFoundError as error:
            raise RunError(f"{run.folder} was not measured: run `leapfrog-train evaluate` first") from error

    def package(self, run: Run, out: Path, version: str) -> None:
        """Write the package of an evaluated run's shipped seed. Raises RunError when it was not evaluated."""
        evaluation, model_path = self.measured(run), run.seed(SHIPPED_SEED).int8
        with KioskModel(model_path) as model:
            manifest = self.manifest(version, model, run, evaluation)
        card, figures = self.card(manifest, evaluation), read_pictures(run.figures)
        write_package(out, manifest, model_path.read_bytes(), card, extra_files=figures)
