"""The task chest-child: from frontal chest films of children to one finding."""

from leapfrog.packages.manifest import Manifest
from leapfrog_training.child.card import child_card
from leapfrog_training.child.evaluation import ChildEvaluation, covered, evaluate_child
from leapfrog_training.child.figures import child_figures
from leapfrog_training.child.manifest import child_manifest
from leapfrog_training.datasets.children_kermany import ChildrenKermany, open_children
from leapfrog_training.drawing import write_pictures
from leapfrog_training.evaluate.forms import Form
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.run.folder import PackageName, Run
from leapfrog_training.task import Headline, Recipe, Task, only


def _recipe() -> Recipe:
    from leapfrog_training.child import recipe

    return recipe


def _evaluate(run: Run, data: ChildrenKermany) -> ChildEvaluation:
    """Set thresholds on the held-out training children, then measure the validation children."""
    evaluation, shipped = evaluate_child(run, data)
    write_pictures(run.figures, child_figures(evaluation, shipped))
    return evaluation


def _headline(evaluation: ChildEvaluation) -> Headline:
    forms = evaluation.shipped.forms
    return Headline("AUROC", forms[Form.FLOAT32].all.auroc.value, forms[Form.INT8].all.auroc.value)


def _manifest(version: str, model: KioskModel, run: Run, evaluation: ChildEvaluation) -> Manifest:
    return child_manifest(version, model, evaluation.rule(), evaluation.looks_at_lungs, metrics=evaluation.metrics())


CHILD = Task(
    name=PackageName.CHEST_CHILD,
    open=only(open_children),
    findings=covered,
    recipe=_recipe,
    evaluation=ChildEvaluation,
    evaluate=_evaluate,
    headline=_headline,
    manifest=_manifest,
    card=child_card,
)
