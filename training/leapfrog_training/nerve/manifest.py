"""`model.toml` of brachial-plexus."""

from collections.abc import Mapping
from typing import Any

from leapfrog.exam import Code
from leapfrog.packages.manifest import (
    AppliesTo,
    DataSource,
    Exclusion,
    FindingRule,
    Manifest,
    MeasurementRule,
    ModelOutputs,
)
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.packaging.manifest import demonstration
from leapfrog_training.run.folder import PackageName

# NERVE is not a defined term, but presets of ultrasound machines are no more specific. "Plexus" and "brachial" alone
# are not among its words: there is a choroid plexus and a brachial artery. The excluded words are of nerves elsewhere,
# such as the median nerve.
APPLIES_TO = AppliesTo(
    modalities=("US",),
    body_parts=("NERVE",),
    words={"NERVE": "NERVES INTERSCALENE SUPRACLAVICULAR"},
    excluded=(
        Exclusion(
            words=(
                "MEDIAN ULNAR RADIAL SCIATIC FEMORAL SAPHENOUS POPLITEAL TIBIAL PERONEAL FIBULAR SURAL OPTIC VAGUS "
                "PUDENDAL INTERCOSTAL OCCIPITAL FACIAL CARPAL"
            ),
            reason="This exam is of another nerve ({words}), which {package} does not cover.",
        ),
    ),
)
USE = (
    "Demonstration on two-dimensional ultrasound of the side of the neck, at the interscalene brachial plexus: "
    "outlines the nerves where they are seen and measures the area inside. It must not guide a needle, makes no "
    "diagnosis and must not decide what happens to a patient."
)
DATA = DataSource(
    name="Ultrasound Nerve Segmentation (Kaggle, 2016)",
    licence="The rules of the competition, accepted on download; pictures may not be passed on",
    citation=(
        "Montoya, Hasnin, kaggle446, shirzad, Cukierski and yffud, Ultrasound Nerve Segmentation, Kaggle 2016, "
        "kaggle.com/competitions/ultrasound-nerve-segmentation"
    ),
)
BRACHIAL_PLEXUS = "Brachial plexus"
PLEXUS = Code(value="36582005", scheme="SCT", meaning="Brachial plexus")
AREA = Code(value="42798000", scheme="SCT", meaning="Area")


def nerve_manifest(
    version: str, model: KioskModel, threshold: float, metrics: Mapping[str, Any] | None = None
) -> Manifest:
    """`model.toml` of brachial-plexus; `threshold` applies to the mean probability inside the outline."""
    return demonstration(
        PackageName.BRACHIAL_PLEXUS,
        version,
        model,
        task="segmentation",
        intended_use=USE,
        applies_to=APPLIES_TO,
        outputs=ModelOutputs(mask=model.output_of_rank(4)),
        finding=(FindingRule(name=BRACHIAL_PLEXUS, code=PLEXUS, threshold=threshold),),
        measurement=MeasurementRule(name=f"{BRACHIAL_PLEXUS} area", code=AREA, kind="area", unit="mm2"),
        metrics=metrics or {},
        data=DATA,
    )
