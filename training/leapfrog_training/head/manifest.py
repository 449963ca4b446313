"""`model.toml` of fetal-head."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leapfrog.exam import Code
from leapfrog.packages.applies_to import AppliesTo, Exclusion
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.manifest import DataSource, Manifest, ModelOutputs
from leapfrog.packages.measurement_rule import MeasurementRule
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.packaging.manifest import demonstration
from leapfrog_training.run.folder import PackageName

APPLIES_TO = AppliesTo(
    modalities=("US",),
    body_parts=("FETUS",),
    words={
        "FETUS": (
            "FETAL FOETUS FOETAL FETO OB OBS OBSTETRIC OBSTETRICAL OBSTETRICS OBGYN PREGNANCY GRAVID PRENATAL "
            "ANTENATAL OBSTÉTRICA OBSTETRICA OBSTÉTRIQUE OBSTETRIQUE"
        )
    },
    excluded=(
        Exclusion(
            words="NEONATAL NEONATE NEWBORN INFANT TRANSFONTANELLE TRANSFONTANELLAR FONTANELLE",
            reason="This is a newborn's exam; {package} is for the time before birth only.",
        ),
    ),
)
NOT_COVERED = (
    "Heartbeat",
    "More than one fetus",
    "Position of the fetus",
    "Position of the placenta",
    "Amount of amniotic fluid",
    "Malformations of brain, skull or face",
)
USE = (
    "Demonstration on the standard plane of the fetal head in two-dimensional ultrasound: outlines the head and "
    "measures its circumference. It makes no diagnosis and must not decide what happens to a patient."
)
DATA = DataSource(
    name="HC18: 763 pictures at half resolution",
    licence="CC BY 4.0",
    citation=(
        "van den Heuvel et al., Automated measurement of fetal head circumference using 2D ultrasound images, "
        "PLoS ONE 2018, doi 10.1371/journal.pone.0200412, Zenodo 1327317"
    ),
)
FETAL_HEAD = "Fetal head"
CRANIUM = Code(value="125004", scheme="DCM", meaning="Fetal Cranium")
CIRCUMFERENCE = Code(value="11984-2", scheme="LN", meaning="Head circumference")


@dataclass(frozen=True)
class Line:
    """The true circumference over the measured one: offset_mm + slope * measured."""

    offset_mm: float
    slope: float


NO_CORRECTION = Line(0.0, 1.0)


def head_manifest(
    version: str,
    model: KioskModel,
    threshold: float,
    level: float,
    line: Line = NO_CORRECTION,
    metrics: Mapping[str, Any] | None = None,
) -> Manifest:
    """`model.toml` of fetal-head. `threshold` applies to how well one ellipse explains the mask; `level` is the mask's
    value on the measured line, and `line` corrects what is measured there.
    """
    return demonstration(
        PackageName.FETAL_HEAD,
        version,
        model,
        field="scan",
        task="segmentation",
        intended_use=USE,
        not_covered=NOT_COVERED,
        applies_to=APPLIES_TO,
        outputs=ModelOutputs(mask=model.output_of_rank(4)),
        finding=(FindingRule(name=FETAL_HEAD, code=CRANIUM, threshold=threshold),),
        measurement=MeasurementRule(
            name="Head circumference",
            code=CIRCUMFERENCE,
            unit="mm",
            level=level,
            offset=line.offset_mm,
            slope=line.slope,
            mirrored=True,
            estimate="gestational_age_hadlock_1984",
        ),
        metrics=metrics or {},
        data=DATA,
    )
