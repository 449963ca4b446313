"""`model.toml` of chest-findings."""

from collections.abc import Mapping, Sequence
from typing import Any

from leapfrog.packages.applies_to import AgeRange, AppliesTo
from leapfrog.packages.finding_rules import ViewRule
from leapfrog.packages.manifest import DataSource, Manifest, ModelOutputs
from leapfrog_training.chest.decisions.rules import AP_FROM, UNSURE, ChestRule
from leapfrog_training.chest.films import VIEWS, YOUNGEST_YEARS
from leapfrog_training.chest.labels import CHEST_LABELS
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.films.reading import FIELD
from leapfrog_training.packaging.manifest import demonstration
from leapfrog_training.run.folder import PackageName

APPLIES_TO = AppliesTo(
    modalities=("CR", "DX"),
    body_parts=("CHEST",),
    views=VIEWS,
    ages_years=AgeRange(lowest=YOUNGEST_YEARS),
    words={"CHEST": "CXR THORAX TORAX TÓRAX TORACE POITRINE PECHO LUNG LUNGS PULMONARY PULMO PULMÓN PULMON BRUSTKORB"},
)
USE = (
    "Demonstration on frontal chest films (PA or AP) of people of 15 years and over. Trained on a few hundred films "
    "whose labels were read from reports by a program, and on films that radiologists read as normal. It makes no "
    "diagnosis and must not decide what happens to a patient."
)
CAUTION = "Made from one hospital's films. Elsewhere it may call many healthy people's films urgent."
DATA = DataSource(
    name="NIH ChestX-ray14: 688 adults' films, at 320 x 320; 1,113 other NIH films that RSNA's radiologists read as "
    "normal, at 256 x 256",
    licence="No restriction on use (NIH Clinical Center); nihcc.app.box.com/v/ChestXray-NIHCC",
    citation=(
        "Wang et al., ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks, CVPR 2017; Shih et al., "
        "Augmenting the National Institutes of Health Chest Radiograph Dataset with Expert Annotations of Possible "
        "Pneumonia, Radiology: Artificial Intelligence 2019; Chowdhury et al., Can AI Help in Screening Viral and "
        "COVID-19 Pneumonia?, IEEE Access 2020"
    ),
)


def chest_manifest(
    version: str,
    model: KioskModel,
    rules: tuple[ChestRule, ...],
    trained_for: Sequence[str],
    metrics: Mapping[str, Any] | None = None,
) -> Manifest:
    """`model.toml` of chest-findings; `rules` are in the order of the model's scores. `trained_for` are the labels that
    it was trained for; those without a rule are not told from other abnormal films, and count as not covered.

    It names no heat map: its maps do not point to what a radiologist marked (`pointing.py`).
    """
    covered = [rule.label for rule in rules]
    not_covered = [entry for entry in CHEST_LABELS if entry.label not in covered]
    return demonstration(
        PackageName.CHEST_FINDINGS,
        version,
        model,
        task="classification",
        field=FIELD,
        intended_use=USE,
        caution=CAUTION,
        not_covered=tuple(
            f"{entry.name} (told from healthy films, but not from other abnormal ones)"
            if entry.label in trained_for
            else entry.name
            for entry in not_covered
        ),
        applies_to=APPLIES_TO,
        outputs=ModelOutputs(scores=model.output_of_rank(2)),
        view=ViewRule(column=len(rules), threshold=AP_FROM, unsure=UNSURE),
        finding=tuple(rule.rule() for rule in rules),
        metrics=metrics or {},
        data=DATA,
    )
