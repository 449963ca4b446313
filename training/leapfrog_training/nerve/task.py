"""The task nerve: from ultrasound pictures with masks to outlines of nerves and vessels."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.datasets.nerve_picture import NerveData
from leapfrog_training.drawing import write_pictures
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.nerve.card import caution, nerve_card
from leapfrog_training.nerve.data import open_nerves, tells_vessels
from leapfrog_training.nerve.evaluation import NerveEvaluation, evaluate_nerve
from leapfrog_training.nerve.figures import nerve_examples, nerve_figures
from leapfrog_training.nerve.manifest import NERVE as NERVE_FINDING
from leapfrog_training.nerve.manifest import VESSEL, nerve_manifest
from leapfrog_training.run.folder import PackageName, Run
from leapfrog_training.task import Headline, Recipe, Task


def _recipe() -> Recipe:
    from leapfrog_training.nerve import recipe

    return recipe


def _findings(data: NerveData) -> tuple[str, ...]:
    return (NERVE_FINDING, VESSEL) if tells_vessels(data) else (NERVE_FINDING,)


def _evaluate(run: Run, data: NerveData) -> NerveEvaluation:
    """Choose the thresholds on held-out training patients, then measure the patients kept out of training."""
    evaluation, shipped = evaluate_nerve(run, data)
    write_pictures(run.figures, nerve_figures(shipped))
    write_pictures(run.examples, nerve_examples(shipped))
    return evaluation


def _headline(evaluation: NerveEvaluation) -> Headline:
    forms = evaluation.shipped.forms
    return Headline("nerve Dice", forms[Form.FLOAT32].first.nerve.value, forms[Form.INT8].first.nerve.value)


def _manifest(version: str, model: KioskModel, _run: Run, evaluation: NerveEvaluation) -> Manifest:
    return nerve_manifest(
        version,
        model,
        evaluation.thresholds,
        caution(evaluation),
        evaluation.sources,
        metrics=evaluation.metrics(),
    )


NERVE = Task(
    name=PackageName.NERVE,
    open=open_nerves,
    findings=_findings,
    recipe=_recipe,
    evaluation=NerveEvaluation,
    evaluate=_evaluate,
    headline=_headline,
    manifest=_manifest,
    card=nerve_card,
    is_cross_validated=True,
)
