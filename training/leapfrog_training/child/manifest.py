"""`model.toml` of chest-child."""

from collections.abc import Mapping
from typing import Any

from leapfrog.exam import Code
from leapfrog.packages.applies_to import AgeRange, AppliesTo
from leapfrog.packages.finding_rules import Calibration, FindingRule
from leapfrog.packages.manifest import DataSource, Manifest, ModelOutputs
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.packaging.manifest import demonstration
from leapfrog_training.run.folder import PackageName

PNEUMONIA = "Features seen in pneumonia"
CODE = Code(value="233604007", scheme="SCT", meaning="Pneumonia")
APPLIES_TO = AppliesTo(
    modalities=("CR", "DX"),
    body_parts=("CHEST",),
    views=("PA", "AP"),
    ages_years=AgeRange(lowest=1, highest=5),
    words={"CHEST": "CXR THORAX TORAX TÓRAX TORACE POITRINE PECHO LUNG LUNGS PULMONARY PULMO PULMÓN PULMON BRUSTKORB"},
)
NOT_SHOWN = "One hospital; not yet shown to look at the lungs."
ONE_HOSPITAL = "Made from one hospital's films and tested at no other."
USE = (
    "Demonstration on frontal chest films (PA or AP) of children of 1 to 5 completed years: features seen in "
    "pneumonia, yes or no. Trained on films of one hospital. It makes no diagnosis and must not decide what "
    "happens to a patient."
)
NOT_COVERED = (
    "Whether a pneumonia is bacterial or viral",
    "Pleural effusion",
    "Pneumothorax",
    "Tuberculosis",
    "Foreign body",
    "Heart size",
    "Rib fractures",
)
DATA = DataSource(
    name="Kermany et al.: 4,750 chest films of children of one to five years, Guangzhou, at 224 x 224",
    licence="CC BY 4.0; data.mendeley.com/datasets/rscbjbr9sj",
    citation=(
        "Kermany et al., Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep Learning, Cell 2018"
    ),
)


def child_manifest(
    version: str,
    model: KioskModel,
    rule: FindingRule,
    shown_to_look_at_lungs: bool,
    metrics: Mapping[str, Any] | None = None,
) -> Manifest:
    """`model.toml` of chest-child. It names no heat map: nobody has measured where this model's maps point."""
    return demonstration(
        PackageName.CHEST_CHILD,
        version,
        model,
        task="classification",
        field="exposed",
        intended_use=USE,
        caution=ONE_HOSPITAL if shown_to_look_at_lungs else NOT_SHOWN,
        not_covered=NOT_COVERED,
        applies_to=APPLIES_TO,
        outputs=ModelOutputs(scores=model.output_of_rank(2)),
        finding=(rule,),
        metrics=metrics or {},
        data=DATA,
    )


def child_rule(calibration: Calibration, threshold: float, urgent: bool) -> FindingRule:
    """The entry for the only finding."""
    return FindingRule(name=PNEUMONIA, code=CODE, threshold=threshold, calibration=calibration, urgent=urgent)
