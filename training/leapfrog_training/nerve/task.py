"""The task brachial-plexus: from ultrasound pictures of Kaggle's nerve set to the outline of the plexus."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.datasets.nerve import Nerve, open_nerve
from leapfrog_training.drawing import write_pictures
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.nerve.card import nerve_card
from leapfrog_training.nerve.evaluation import NerveEvaluation, evaluate_nerve
from leapfrog_training.nerve.figures import nerve_figures
from leapfrog_training.nerve.manifest import BRACHIAL_PLEXUS, nerve_manifest
from leapfrog_training.run.folder import PackageName, Run
from leapfrog_training.task import Headline, Recipe, Task, only


def _recipe() -> Recipe:
    from leapfrog_training.nerve import recipe

    return recipe


def _evaluate(run: Run, data: Nerve) -> NerveEvaluation:
    """Choose the threshold on held-out training patients, then measure the patients held out for the end."""
    evaluation, shipped = evaluate_nerve(run, data)
    write_pictures(run.figures, nerve_figures(shipped))
    return evaluation


def _headline(evaluation: NerveEvaluation) -> Headline:
    forms = evaluation.shipped.forms
    return Headline("Kaggle metric", forms[Form.FLOAT32].kaggle.value, forms[Form.INT8].kaggle.value)


def _manifest(version: str, model: KioskModel, _run: Run, evaluation: NerveEvaluation) -> Manifest:
    return nerve_manifest(version, model, evaluation.shipped.threshold, metrics=evaluation.metrics())


NERVE = Task(
    name=PackageName.BRACHIAL_PLEXUS,
    open=only(open_nerve),
    findings=lambda _data: (BRACHIAL_PLEXUS,),
    recipe=_recipe,
    evaluation=NerveEvaluation,
    evaluate=_evaluate,
    headline=_headline,
    manifest=_manifest,
    card=nerve_card,
)
