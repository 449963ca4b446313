"""How far apart a picture's pixels are, and where that was measured (PS3.3 C.7.6.3, 10.7)."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import numbers, text

PROJECTIONS = frozenset(("CR", "DX", "MG", "RF", "XA", "RG", "IO", "PX"))  # modalities whose rays spread from a point


@dataclass(frozen=True)
class Spacing:
    """Millimetres between the centres of neighbouring rows and columns.

    `at_detector`: measured on the detector of an X-ray machine, so that the body, which is nearer to the tube, is
    smaller by an unknown factor; good for ratios, not for lengths.
    """

    between_rows_mm: float
    between_columns_mm: float
    at_detector: bool = False


def spacing_of(dataset: Dataset) -> Spacing | None:
    """The spacing that an instance gives, the patient's before the detector's; None without a usable one.

    On X-ray projections a Pixel Spacing that nobody calibrated is the detector's (PS3.3 10.7.1.3).
    """
    in_patient = _positive_pair(dataset, "PixelSpacing")
    at_detector = _positive_pair(dataset, "ImagerPixelSpacing")
    if in_patient:
        calibrated = text(dataset, "PixelSpacingCalibrationType") != ""
        projected = at_detector is not None or text(dataset, "Modality").upper() in PROJECTIONS
        return Spacing(
            *in_patient, at_detector=projected and not calibrated and in_patient == (at_detector or in_patient)
        )
    return Spacing(*at_detector, at_detector=True) if at_detector else None


def _positive_pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    values = numbers(dataset, keyword)
    return (values[0], values[1]) if len(values) == 2 and min(values) > 0 else None
