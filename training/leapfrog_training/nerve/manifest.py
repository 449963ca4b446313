"""`model.toml` of nerve."""

from collections.abc import Mapping, Sequence
from typing import Any

from leapfrog.exam import Code
from leapfrog.packages.applies_to import AppliesTo, Exclusion
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.manifest import DataSource, Manifest, ModelOutputs
from leapfrog.packages.measurement_rule import MeasurementRule
from leapfrog_training.datasets.nerve_picture import Source
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.packaging.manifest import demonstration
from leapfrog_training.run.folder import PackageName

# NERVE is not a defined term, but presets of ultrasound machines are no more specific. BLOCK, PLEXUS, BRACHIAL,
# FEMORAL and the like are not among its words: there are heart blocks, a choroid plexus, and arteries and veins of
# these names. The excluded words are of nerves that no picture of the sets shows.
APPLIES_TO = AppliesTo(
    modalities=("US",),
    body_parts=("NERVE",),
    words={
        "NERVE": (
            "NERVES NRV NERF NERFS NERVIO NERVIOS NERVO NERVOS INTERSCALENE SUPRACLAVICULAR INFRACLAVICULAR SCIATIC"
        )
    },
    excluded=(
        Exclusion(
            words="OPTIC ONSD VAGUS FACIAL PUDENDAL INTERCOSTAL OCCIPITAL ORBIT ORBITAL EYE OCULAR NEUROMA",
            reason="This exam is of another nerve ({words}), which {package} does not cover.",
        ),
    ),
)
USE = (
    "An aid for finding a nerve, and the vessels beside it, in two-dimensional ultrasound of the limbs and the side of "
    "the neck. It makes no diagnosis, must not guide a needle and must not decide what happens to a patient. Nothing "
    "outlined does not mean that there is no nerve. Scans of these regions without a nerve were never seen."
)
AID = "An aid for finding a nerve, no diagnosis. It must not guide a needle."
SOURCES = {
    Source.USGRA: DataSource(
        name="usgra-seg (nerves for regional anaesthesia)", licence="CC BY 4.0", citation="Kandaouroff, usgra-seg"
    ),
    Source.KAGGLE: DataSource(
        name="Ultrasound Nerve Segmentation (Kaggle, 2016)",
        licence="The rules of the competition, accepted on download; pictures may not be passed on",
        citation=(
            "Montoya, Hasnin, kaggle446, shirzad, Cukierski and yffud, Ultrasound Nerve Segmentation, Kaggle 2016, "
            "kaggle.com/competitions/ultrasound-nerve-segmentation"
        ),
    ),
    Source.HEADS: DataSource(
        name="HC18 (fetal heads, as pictures without a nerve)",
        licence="CC BY 4.0",
        citation="van den Heuvel et al., PLoS ONE 2018, doi 10.1371/journal.pone.0200412, Zenodo 1327317",
    ),
}
NERVE, VESSEL = "Nerve", "Vessel"
CODES = {
    NERVE: Code(value="91728009", scheme="SCT", meaning="Nerve"),
    VESSEL: Code(value="59820001", scheme="SCT", meaning="Blood vessel"),
}
AREA = Code(value="42798000", scheme="SCT", meaning="Area")
# Where the outlines run. Of training pictures out of fold, outlines at one half were too wide: 36 % were less than half
# nerve, and 28 % here, where as many pictures have one and their Dice is the same.
LEVEL = 0.65
LEAST_AREA = 0.004  # of the scan; nine in ten nerves of the training pictures are larger


def nerve_manifest(
    version: str,
    model: KioskModel,
    thresholds: Mapping[str, float],
    caution: str = "",
    sources: Sequence[Source] = (Source.USGRA,),
    metrics: Mapping[str, Any] | None = None,
) -> Manifest:
    """`model.toml` of nerve. `thresholds`, by structure in the order of the mask's channels, apply to the mean
    probability inside an outline; vessels are hatched, beside what is looked for.
    """
    return demonstration(
        PackageName.NERVE,
        version,
        model,
        "scan",
        task="segmentation",
        intended_use=USE,
        caution=caution,
        aid=AID,
        applies_to=APPLIES_TO,
        outputs=ModelOutputs(mask=model.output_of_rank(4)),
        finding=tuple(_rule(structure, threshold) for structure, threshold in thresholds.items()),
        measurement=MeasurementRule(name="Area", code=AREA, kind="area", unit="mm2", level=LEVEL),
        metrics=metrics or {},
        data=_together([SOURCES[source] for source in sources]),
    )


def _rule(structure: str, threshold: float) -> FindingRule:
    return FindingRule(
        name=structure,
        code=CODES[structure],
        threshold=threshold,
        drawn="hatched" if structure == VESSEL else "outline",
        least_area=LEAST_AREA,
    )


def _together(sources: Sequence[DataSource]) -> DataSource:
    return DataSource(
        name="; ".join(source.name for source in sources),
        licence="; ".join(source.licence for source in sources),
        citation="; ".join(source.citation for source in sources),
    )
