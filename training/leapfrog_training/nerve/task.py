"""The steps of brachial-plexus as the commands call them."""

from pathlib import Path

from leapfrog_training.datasets import Nerve, open_nerve
from leapfrog_training.datasets.nerve import BRACHIAL_PLEXUS
from leapfrog_training.evaluate.figures import read_pictures, write_pictures
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.nerve.card import nerve_card
from leapfrog_training.nerve.evaluation import NerveEvaluation, evaluate_nerve
from leapfrog_training.nerve.figures import nerve_figures
from leapfrog_training.packaging.manifests import nerve_manifest
from leapfrog_training.packaging.package import write_package
from leapfrog_training.run.folder import SHIPPED_SEED, PackageName, Run, RunNotes
from leapfrog_training.task import FitOptions, Headline, evaluation_of


class NerveTask:
    """Ultrasound of Kaggle's nerve set to the outline of the brachial plexus. See `leapfrog_training.task.Task`."""

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

        recipe.fit_run(run, data, options.imagenet)

    def quantize(self, run: Run, data: Nerve) -> None:
        """Every seed."""
        from leapfrog_training.nerve import recipe

        recipe.quantize_run(run, data)

    def evaluate(self, run: Run, data: Nerve) -> NerveEvaluation:
        """Threshold from training patients that were not fitted on, then the patients held out for the end; the figure
        is drawn into the run.
        """
        evaluation, shipped = evaluate_nerve(run, data)
        write_pictures(run.figures, nerve_figures(shipped))
        return evaluation

    def headline(self, run: Run) -> Headline:
        """The Kaggle metric."""
        forms = NerveEvaluation.model_validate_json(evaluation_of(run)).shipped.forms
        return Headline("Kaggle metric", forms[Form.FLOAT32].kaggle.value, forms[Form.INT8].kaggle.value)

    def package(self, run: Run, out: Path, version: str) -> None:
        """The package of the shipped seed."""
        evaluation = NerveEvaluation.model_validate_json(evaluation_of(run))
        model_path = run.seed(SHIPPED_SEED).int8
        with KioskModel(model_path) as model:
            manifest = nerve_manifest(version, model, evaluation.shipped.threshold, metrics=evaluation.metrics())
        card, figures = nerve_card(manifest, evaluation), read_pictures(run.figures)
        write_package(out, manifest, model_path.read_bytes(), card, extra_files=figures)
