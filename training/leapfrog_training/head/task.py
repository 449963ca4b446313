"""The steps of fetal-head as the commands call them. Runs on the training machine only."""

from pathlib import Path

from leapfrog_training.cards import head_card
from leapfrog_training.datasets import HC18, open_hc18
from leapfrog_training.head.evaluation import HeadEvaluation, evaluate_head
from leapfrog_training.kiosk import KioskModel
from leapfrog_training.manifests import HEAD_NAME, head_manifest
from leapfrog_training.package import write_package
from leapfrog_training.runs import SHIPPED_SEED, PackageName, Run, RunNotes
from leapfrog_training.task import FitOptions, Headline, evaluation_of, figures_of


class HeadTask:
    """Ultrasound of HC18 to the outline of the fetal head. See `leapfrog_training.task.Task`."""

    def check(self, options: FitOptions) -> None:
        """Nothing is needed but pictures."""

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

        recipe.fit_run(run, data)

    def quantize(self, run: Run, data: HC18) -> None:
        """Every seed."""
        from leapfrog_training.head import recipe

        recipe.quantize_run(run, data)

    def evaluate(self, run: Run, data: HC18) -> HeadEvaluation:
        """Level and threshold from training pictures, then the validation subjects."""
        return evaluate_head(run, data)

    def headline(self, run: Run) -> Headline:
        """Mean Dice."""
        shipped = HeadEvaluation.model_validate_json(evaluation_of(run)).seeds[SHIPPED_SEED]
        return Headline("Dice", shipped.float32.dice.value, shipped.scores.dice.value)

    def package(self, run: Run, out: Path, version: str) -> None:
        """The package of the shipped seed."""
        evaluation = HeadEvaluation.model_validate_json(evaluation_of(run))
        model_path = run.seed(SHIPPED_SEED).int8
        shipped = evaluation.seeds[SHIPPED_SEED]
        manifest = head_manifest(
            version, KioskModel(model_path), shipped.threshold, shipped.level, metrics=evaluation.metrics()
        )
        write_package(out, manifest, model_path.read_bytes(), head_card(manifest, evaluation), figures_of(run))
