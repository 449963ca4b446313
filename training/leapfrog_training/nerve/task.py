"""The steps of brachial-plexus as the commands call them. Runs on the training machine only."""

from pathlib import Path

from leapfrog_training.cards import nerve_card
from leapfrog_training.datasets import Nerve, open_nerve
from leapfrog_training.datasets.nerve import BRACHIAL_PLEXUS
from leapfrog_training.kiosk import KioskModel
from leapfrog_training.manifests import nerve_manifest
from leapfrog_training.nerve.evaluation import NerveEvaluation, evaluate_nerve
from leapfrog_training.package import write_package
from leapfrog_training.runs import SHIPPED_SEED, PackageName, Run, RunNotes
from leapfrog_training.task import FitOptions, evaluation_of, figures_of


class NerveTask:
    """Ultrasound of Kaggle's nerve set to the outline of the brachial plexus. See `leapfrog_training.task.Task`."""

    def check(self, options: FitOptions) -> None:
        """Nothing is needed but pictures."""

    def open(self, folder: Path) -> Nerve:
        """The pictures in the layout of the Kaggle set."""
        return open_nerve(folder)

    def notes(self, data: Nerve, options: FitOptions) -> RunNotes:
        """One finding, no folds."""
        return RunNotes(
            package=PackageName.BRACHIAL_PLEXUS,
            seeds=options.seeds,
            folds=0,
            findings=(BRACHIAL_PLEXUS,),
            left_out=data.problems,
        )

    def fit(self, run: Run, data: Nerve, options: FitOptions) -> None:
        """Fit every seed."""
        from leapfrog_training.nerve import recipe

        recipe.fit_run(run, data)

    def quantize(self, run: Run, data: Nerve) -> None:
        """Every seed."""
        from leapfrog_training.nerve import recipe

        recipe.quantize_run(run, data)

    def evaluate(self, run: Run, data: Nerve) -> NerveEvaluation:
        """Threshold from training patients that were not fitted on, then the patients held out for the end."""
        return evaluate_nerve(run, data)

    def package(self, run: Run, out: Path, version: str) -> None:
        """The package of the seed that ships."""
        evaluation = NerveEvaluation.model_validate_json(evaluation_of(run))
        model_path = run.seed(SHIPPED_SEED).int8
        threshold = evaluation.seeds[SHIPPED_SEED].threshold
        manifest = nerve_manifest(version, KioskModel(model_path), threshold, metrics=evaluation.metrics())
        write_package(out, manifest, model_path.read_bytes(), nerve_card(manifest, evaluation), figures_of(run))
