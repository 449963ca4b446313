"""The `model.toml` of each package that there is a recipe for."""

from collections.abc import Mapping
from typing import Any

from leapfrog.exam import Code
from leapfrog.packages.package import (
    MODEL_NAME,
    AppliesTo,
    Calibration,
    DataSource,
    FindingRule,
    Manifest,
    MeasurementRule,
    ModelInput,
    ModelOutputs,
)
from leapfrog.reader.assess.routing import NERVE
from leapfrog_training.chest.labels import CHEST_LABELS, chest_label
from leapfrog_training.datasets.nerve import BRACHIAL_PLEXUS
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.run.folder import PackageName

NOT_YET_HASHED = "0" * 64

CHEST_USE = (
    "Demonstration on frontal chest films (PA or AP), mostly of adults. Trained on a few hundred films whose labels "
    "were read from reports by a program. It is no diagnosis and must not decide what happens to a patient."
)
HEAD_USE = (
    "Demonstration on the standard plane of the fetal head in two-dimensional ultrasound: outlines the head and "
    "measures its circumference. It is no diagnosis and must not decide what happens to a patient."
)
CHEST_DATA = DataSource(
    name="NIH ChestX-ray14: 729 films, downscaled to 320 x 320",
    licence="No restriction on use (NIH Clinical Center); nihcc.app.box.com/v/ChestXray-NIHCC",
    citation="Wang et al., ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks, CVPR 2017",
)
HEAD_DATA = DataSource(
    name="HC18: 763 pictures at half resolution",
    licence="CC BY 4.0",
    citation=(
        "van den Heuvel et al., Automated measurement of fetal head circumference using 2D ultrasound images, "
        "PLoS ONE 2018, doi 10.1371/journal.pone.0200412, Zenodo 1327317"
    ),
)
NERVE_USE = (
    "Demonstration on two-dimensional ultrasound of the side of the neck, at the interscalene brachial plexus: "
    "outlines the nerves where they are seen and measures the area within. It must not guide a needle, it is no "
    "diagnosis and must not decide what happens to a patient."
)
NERVE_DATA = DataSource(
    name="Ultrasound Nerve Segmentation (Kaggle, 2016)",
    licence="The rules of the competition, which whoever downloads the data accepts; pictures may not be passed on",
    citation=(
        "Montoya, Hasnin, kaggle446, shirzad, Cukierski and yffud, Ultrasound Nerve Segmentation, Kaggle 2016, "
        "kaggle.com/competitions/ultrasound-nerve-segmentation"
    ),
)
NERVE_CODE = Code(value="36582005", scheme="SCT", meaning="Brachial plexus")
AREA = Code(value="42798000", scheme="SCT", meaning="Area")
HEAD_NAME = "Fetal head"
HEAD_CODE = Code(value="125004", scheme="DCM", meaning="Fetal Cranium")
HEAD_CIRCUMFERENCE = Code(value="11984-2", scheme="LN", meaning="Head circumference")


def chest_manifest(
    version: str,
    model: KioskModel,
    rules: tuple[FindingRule, ...],
    covered: tuple[str, ...],
    metrics: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> Manifest:
    """`model.toml` of chest-findings; `rules` are in the order of the model's scores, of the labels `covered`."""
    return Manifest(
        name=PackageName.CHEST_FINDINGS,
        version=version,
        task="classification",
        demonstration=True,
        intended_use=CHEST_USE,
        not_covered=tuple(entry.name for entry in CHEST_LABELS if entry.label not in covered),
        applies_to=AppliesTo(modalities=("CR", "DX"), body_parts=("CHEST",), views=("PA", "AP")),
        input=_input(model),
        outputs=ModelOutputs(scores=model.output_of_rank(2), heatmap=model.output_of_rank(4)),
        finding=rules,
        metrics=dict(metrics or {}),
        data=CHEST_DATA,
        files=dict(files or {MODEL_NAME: NOT_YET_HASHED}),
    )


def chest_rule(label: str, calibration: Calibration, threshold: float) -> FindingRule:
    """The entry of one finding of chest-findings. Raises ValueError for a label without a code."""
    entry = chest_label(label)
    if entry.code is None:
        raise ValueError(f"{label} has no code and cannot be reported")
    return FindingRule(
        name=entry.name, code=entry.code, threshold=threshold, calibration=calibration, urgent=entry.urgent
    )


def head_manifest(
    version: str,
    model: KioskModel,
    threshold: float,
    level: float,
    metrics: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> Manifest:
    """`model.toml` of fetal-head; `threshold` is on how well one ellipse explains the mask, `level` the mask's value
    at the line that is measured.
    """
    rule = FindingRule(name=HEAD_NAME, code=HEAD_CODE, threshold=threshold)
    return Manifest(
        name=PackageName.FETAL_HEAD,
        version=version,
        task="segmentation",
        demonstration=True,
        intended_use=HEAD_USE,
        applies_to=AppliesTo(modalities=("US",), body_parts=("FETUS",)),
        input=_input(model),
        outputs=ModelOutputs(mask=model.output_of_rank(4)),
        finding=(rule,),
        measurement=MeasurementRule(name="Head circumference", code=HEAD_CIRCUMFERENCE, unit="mm", level=level),
        metrics=dict(metrics or {}),
        data=HEAD_DATA,
        files=dict(files or {MODEL_NAME: NOT_YET_HASHED}),
    )


def nerve_manifest(
    version: str,
    model: KioskModel,
    threshold: float,
    metrics: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> Manifest:
    """`model.toml` of brachial-plexus; `threshold` is on the mean probability within the outline."""
    return Manifest(
        name=PackageName.BRACHIAL_PLEXUS,
        version=version,
        task="segmentation",
        demonstration=True,
        intended_use=NERVE_USE,
        applies_to=AppliesTo(modalities=("US",), body_parts=(NERVE,)),
        input=_input(model),
        outputs=ModelOutputs(mask=model.output_of_rank(4)),
        finding=(FindingRule(name=BRACHIAL_PLEXUS, code=NERVE_CODE, threshold=threshold),),
        measurement=MeasurementRule(name=f"{BRACHIAL_PLEXUS} area", code=AREA, kind="area", unit="mm2"),
        metrics=dict(metrics or {}),
        data=NERVE_DATA,
        files=dict(files or {MODEL_NAME: NOT_YET_HASHED}),
    )


def _input(model: KioskModel) -> ModelInput:
    _, height, width, _ = model.input.shape
    return ModelInput(height=height, width=width, channels=1, scaling="symmetric")
