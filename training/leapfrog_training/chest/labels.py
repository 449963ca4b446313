"""What the labels of ChestX-ray14 are called on a report, and their codes.

SNOMED CT codes, each with a valid check digit. No code certainly means pleural thickening, so it cannot be covered yet.
"""

from dataclasses import dataclass

from leapfrog.exam import Code


@dataclass(frozen=True)
class ChestLabel:
    """One label: its name on a report, its code, and whether a clinic must act on it immediately."""

    label: str
    name: str
    code: Code | None
    urgent: bool = False


def _snomed(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="SCT", meaning=meaning)


# The most urgent come first; packages and reports keep this order.
CHEST_LABELS = (
    ChestLabel("Pneumothorax", "Pneumothorax", _snomed("36118008", "Pneumothorax"), urgent=True),
    ChestLabel("Pneumonia", "Features seen in pneumonia", _snomed("233604007", "Pneumonia"), urgent=True),
    ChestLabel("Edema", "Pulmonary edema", _snomed("19242006", "Pulmonary edema"), urgent=True),
    ChestLabel("Effusion", "Pleural effusion", _snomed("60046008", "Pleural effusion")),
    ChestLabel("Consolidation", "Consolidation", _snomed("95436008", "Lung consolidation")),
    ChestLabel("Atelectasis", "Atelectasis", _snomed("46621007", "Atelectasis")),
    ChestLabel("Infiltration", "Infiltrate", _snomed("409609008", "Radiologic infiltrate of lung")),
    ChestLabel("Mass", "Lung mass", _snomed("309529002", "Lung mass")),
    ChestLabel("Nodule", "Lung nodule", _snomed("786838002", "Nodule of lung")),
    ChestLabel("Cardiomegaly", "Cardiomegaly", _snomed("8186001", "Cardiomegaly")),
    ChestLabel("Emphysema", "Emphysema", _snomed("87433001", "Pulmonary emphysema")),
    ChestLabel("Fibrosis", "Pulmonary fibrosis", _snomed("51615001", "Pulmonary fibrosis")),
    ChestLabel("Hernia", "Diaphragmatic hernia", _snomed("39839004", "Diaphragmatic hernia")),
    ChestLabel("Pleural_Thickening", "Pleural thickening", None),
)


def chest_label(label: str) -> ChestLabel:
    """The entry for a label of ChestX-ray14."""
    return next(entry for entry in CHEST_LABELS if entry.label == label)
