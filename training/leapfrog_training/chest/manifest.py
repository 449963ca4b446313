"""`model.toml` of chest-findings."""

from collections.abc import Mapping
from typing import Any

from leapfrog.packages.manifest import AgeRange, AppliesTo, Calibration, DataSource, FindingRule, Manifest, ModelOutputs
from leapfrog_training.chest.labels import CHEST_LABELS, chest_label
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.packaging.manifest import demonstration
from leapfrog_training.run.folder import PackageName

APPLIES_TO = AppliesTo(
    modalities=("CR", "DX"),
    body_parts=("CHEST",),
    views=("PA", "AP"),
    ages_years=AgeRange(lowest=15),
    words={"CHEST": "CXR THORAX TORAX TÓRAX TORACE POITRINE PECHO LUNG LUNGS PULMONARY PULMO PULMÓN PULMON BRUSTKORB"},
)
USE = (
    "Demonstration on frontal chest films (PA or AP) of people of 15 years and over. Trained on a few hundred films "
    "whose labels were read from reports by a program. It makes no diagnosis and must not decide what happens to a "
    "patient."
)
DATA = DataSource(
    name="NIH ChestX-ray14: 729 films, downscaled to 320 x 320",
    licence="No restriction on use (NIH Clinical Center); nihcc.app.box.com/v/ChestXray-NIHCC",
    citation="Wang et al., ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks, CVPR 2017",
)


def chest_manifest(
    version: str,
    model: KioskModel,
    rules: tuple[FindingRule, ...],
    covered: tuple[str, ...],
    metrics: Mapping[str, Any] | None = None,
) -> Manifest:
    """`model.toml` of chest-findings; `rules` are in the order of the model's scores, of the labels `covered`."""
    return demonstration(
        PackageName.CHEST_FINDINGS,
        version,
        model,
        task="classification",
        intended_use=USE,
        not_covered=tuple(entry.name for entry in CHEST_LABELS if entry.label not in covered),
        applies_to=APPLIES_TO,
        outputs=ModelOutputs(scores=model.output_of_rank(2), heatmap=model.output_of_rank(4)),
        finding=rules,
        metrics=metrics or {},
        data=DATA,
    )


def chest_rule(label: str, calibration: Calibration, threshold: float) -> FindingRule:
    """The entry for one finding of chest-findings. Raises ValueError for a label without a code."""
    entry = chest_label(label)
    if entry.code is None:
        raise ValueError(f"{label} has no code and cannot be reported")
    return FindingRule(
        name=entry.name, code=entry.code, threshold=threshold, calibration=calibration, urgent=entry.urgent
    )
