"""The steps of fetal-head as the commands call them."""

from pathlib import Path

from leapfrog_training.datasets import HC18, open_hc18
from leapfrog_training.evaluate.figures import read_pictures, write_pictures
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.head.card import head_card
from leapfrog_training.head.evaluation import HeadEvaluation, evaluate_head
from leapfrog_training.head.examples import head_examples
from leapfrog_training.head.figures import head_figures
from leapfrog_training.packaging.manifests import HEAD_NAME, head_manifest
from leapfrog_training.packaging.package import write_package
from leapfrog_training.run.folder import SHIPPED_SEED, PackageName, Run, RunNotes
from leapfrog_training.task import FitOptions, Headline, evaluation_of


class HeadTask:
    """Ultrasound of HC18 to the outline of the fetal head. See `leapfrog_training.task.Task`."""

    def open(self, folder: Path) -> HC18:
        """The pictures in the layout of HC18."""
        return open_hc18(folder)

    def notes(self, data: HC18, options: FitOptions) -> RunNotes:
        """One finding, no folds."""
        return RunNotes(
            package=PackageName.FETAL_HEAD,
            seeds=options.seeds,
            folds=0,
            findings=(HEAD_NAME,),
            left_out=data.problems,
        )

    def fit(self, run: Run, data: HC18, options: FitOptions) -> None:
        """Fit every seed."""
        from leapfrog_training.head import recipe

        recipe.fit_run(run, data, options.imagenet)

    def quantize(self, run: Run, data: HC18) -> None:
        """Every seed."""
        from leapfrog_training.head import recipe

        recipe.quantize_run(run, data)

    def evaluate(self, run: Run, data: HC18) -> HeadEvaluation:
        """Level and threshold from training pictures, then the validation subjects; figures and examples are drawn
        into the run.
        """
        evaluation, shipped = evaluate_head(run, data)
        write_pictures(run.figures, head_figures(shipped[Form.INT8]))
        write_pictures(run.examples, head_examples(shipped[Form.INT8]))
        return evaluation

    def headline(self, run: Run) -> Headline:
        """Mean Dice."""
        forms = HeadEvaluation.model_validate_json(evaluation_of(run)).shipped.forms
        return Headline("Dice", forms[Form.FLOAT32].dice.value, forms[Form.INT8].dice.value)

    def package(self, run: Run, out: Path, version: str) -> None:
        """The package of seed 0."""
        evaluation = HeadEvaluation.model_validate_json(evaluation_of(run))
        model_path, shipped = run.seed(SHIPPED_SEED).int8, evaluation.shipped
        with KioskModel(model_path) as model:
            manifest = head_manifest(version, model, shipped.threshold, shipped.level, metrics=evaluation.metrics())
        card, figures = head_card(manifest, evaluation), read_pictures(run.figures)
        write_package(out, manifest, model_path.read_bytes(), card, extra_files=figures)
