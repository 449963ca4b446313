"""The task chest-findings: from frontal chest films of ChestX-ray14 to findings."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.chest.evaluation.evaluation import ChestEvaluation, evaluate_chest
from leapfrog_training.chest.films import Adults, Source, covered_findings, open_adults
from leapfrog_training.chest.manifest import chest_manifest
from leapfrog_training.chest.presentation.card import chest_card
from leapfrog_training.chest.presentation.examples import chest_examples
from leapfrog_training.chest.presentation.figures import chest_figures
from leapfrog_training.drawing import write_pictures
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.run.folder import PackageName, Run
from leapfrog_training.task import Headline, Recipe, Task


def _recipe() -> Recipe:
    from leapfrog_training.chest import recipe

    return recipe


def _evaluate(run: Run, data: Adults) -> ChestEvaluation:
    """Choose thresholds on the folds, then measure the films that no network saw."""
    evaluation, shipped = evaluate_chest(run, data)
    write_pictures(run.figures, chest_figures(evaluation, shipped))
    write_pictures(run.examples, chest_examples(shipped))
    return evaluation


def _headline(evaluation: ChestEvaluation) -> Headline:
    forms = evaluation.forms
    return Headline("AUROC, abnormal against normal", forms[Form.FLOAT32].auroc.value, forms[Form.INT8].auroc.value)


def _manifest(version: str, model: KioskModel, run: Run, evaluation: ChestEvaluation) -> Manifest:
    return chest_manifest(version, model, evaluation.rules, run.notes.findings, metrics=evaluation.metrics())


CHEST = Task(
    name=PackageName.CHEST_FINDINGS,
    open=open_adults,
    findings=covered_findings,
    recipe=_recipe,
    evaluation=ChestEvaluation,
    evaluate=_evaluate,
    headline=_headline,
    manifest=_manifest,
    card=chest_card,
    is_cross_validated=True,
    without=tuple(source.value for source in Source),
)
