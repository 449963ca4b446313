"""The steps of chest-findings as the commands call them."""

from pathlib import Path

from leapfrog.errors import UsageError
from leapfrog_training.chest.card import chest_card
from leapfrog_training.chest.evaluation import ChestEvaluation, evaluate_chest
from leapfrog_training.chest.examples import chest_examples
from leapfrog_training.chest.figures import chest_figures
from leapfrog_training.chest.films import covered_findings
from leapfrog_training.datasets import ChestXray14, open_chestxray14
from leapfrog_training.evaluate.figures import read_pictures, write_pictures
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.packaging.manifests import chest_manifest
from leapfrog_training.packaging.package import write_package
from leapfrog_training.run.folder import SHIPPED_SEED, PackageName, Run, RunNotes
from leapfrog_training.task import FitOptions, Headline, evaluation_of


class ChestTask:
    """Frontal chest films of ChestX-ray14 to findings. See `leapfrog_training.task.Task`."""

    def open(self, folder: Path) -> ChestXray14:
        """The films and lists in the layout of the NIH."""
        return open_chestxray14(folder)

    def notes(self, data: ChestXray14, options: FitOptions) -> RunNotes:
        """Covers the findings with enough films. Raises UsageError when there is none."""
        findings = covered_findings(data)
        if not findings:
            raise UsageError("no finding has enough films on both sides to be learnt and measured")
        return RunNotes(
            package=PackageName.CHEST_FINDINGS,
            seeds=options.seeds,
            folds=options.folds,
            findings=findings,
            left_out=data.problems,
        )

    def fit(self, run: Run, data: ChestXray14, options: FitOptions) -> None:
        """Cross-validate, then fit every seed."""
        from leapfrog_training.chest import recipe

        recipe.fit_run(run, data, options.imagenet)

    def quantize(self, run: Run, data: ChestXray14) -> None:
        """Every seed and fold."""
        from leapfrog_training.chest import recipe

        recipe.quantize_run(run, data)

    def evaluate(self, run: Run, data: ChestXray14) -> ChestEvaluation:
        """Thresholds from the folds, then the validation films; figures and examples are drawn into the run."""
        evaluation, shipped = evaluate_chest(run, data)
        write_pictures(run.figures, chest_figures(evaluation, shipped))
        write_pictures(run.examples, chest_examples(evaluation.rules, shipped))
        return evaluation

    def headline(self, run: Run) -> Headline:
        """Mean AUROC of the findings."""
        forms = ChestEvaluation.model_validate_json(evaluation_of(run)).shipped.forms
        return Headline("mean AUROC", forms[Form.FLOAT32].mean_auroc.value, forms[Form.INT8].mean_auroc.value)

    def package(self, run: Run, out: Path, version: str) -> None:
        """The package of seed 0."""
        evaluation = ChestEvaluation.model_validate_json(evaluation_of(run))
        model_path = run.seed(SHIPPED_SEED).int8
        rules = tuple(rule.rule() for rule in evaluation.rules)
        with KioskModel(model_path) as model:
            manifest = chest_manifest(version, model, rules, run.notes.findings, metrics=evaluation.metrics())
        card, figures = chest_card(manifest, evaluation), read_pictures(run.figures)
        write_package(out, manifest, model_path.read_bytes(), card, extra_files=figures)
