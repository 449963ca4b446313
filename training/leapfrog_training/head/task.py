"""The task fetal-head: from ultrasound pictures of HC18 to the outline of the fetal head."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.datasets.hc18 import HC18, open_hc18
from leapfrog_training.drawing import write_pictures
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.head.card import head_card
from leapfrog_training.head.evaluation import HeadEvaluation, evaluate_head
from leapfrog_training.head.examples import head_examples
from leapfrog_training.head.figures import head_figures
from leapfrog_training.head.manifest import FETAL_HEAD, Line, head_manifest
from leapfrog_training.run.folder import PackageName, Run
from leapfrog_training.task import Headline, Recipe, Task, only


def _recipe() -> Recipe:
    from leapfrog_training.head import recipe

    return recipe


def _evaluate(run: Run, data: HC18) -> HeadEvaluation:
    """Choose level and threshold on training pictures, then measure the validation subjects."""
    evaluation, shipped = evaluate_head(run, data)
    write_pictures(run.figures, head_figures(shipped[Form.INT8]))
    write_pictures(run.examples, head_examples(shipped[Form.INT8]))
    return evaluation


def _headline(evaluation: HeadEvaluation) -> Headline:
    forms = evaluation.shipped.forms
    return Headline("Dice", forms[Form.FLOAT32].dice.value, forms[Form.INT8].dice.value)


def _manifest(version: str, model: KioskModel, _run: Run, evaluation: HeadEvaluation) -> Manifest:
    shipped = evaluation.shipped
    line = Line(shipped.offset_mm, shipped.slope)
    return head_manifest(version, model, shipped.threshold, shipped.level, line, metrics=evaluation.metrics())


HEAD = Task(
    name=PackageName.FETAL_HEAD,
    open=only(open_hc18),
    findings=lambda _data: (FETAL_HEAD,),
    recipe=_recipe,
    evaluation=HeadEvaluation,
    evaluate=_evaluate,
    headline=_headline,
    manifest=_manifest,
    card=head_card,
)
