"""How far apart a picture's pixels are in the patient (PS3.3 C.7.6.3, 10.7)."""

from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import numbers, text

PROJECTIONS = frozenset(("CR", "DX", "MG", "RF", "XA", "RG", "IO", "PX"))  # modalities whose rays spread from a point


def spacing_mm_of(dataset: Dataset) -> tuple[float, float] | None:
    """Millimetres between the centres of neighbouring rows and columns; None without a usable spacing.

    One that was measured on the detector of an X-ray machine is of no use: the body, which is nearer to the tube, is
    smaller by an unknown factor. On projections a Pixel Spacing that nobody calibrated is such a one (PS3.3 10.7.1.3).
    """
    in_patient = _positive_pair(dataset, "PixelSpacing")
    at_detector = _positive_pair(dataset, "ImagerPixelSpacing")
    calibrated = text(dataset, "PixelSpacingCalibrationType") != ""
    projected = at_detector is not None or text(dataset, "Modality").upper() in PROJECTIONS
    if projected and not calibrated and in_patient == (at_detector or in_patient):
        return None
    return in_patient


def _positive_pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    values = numbers(dataset, keyword)
    return (values[0], values[1]) if len(values) == 2 and min(values) > 0 else None
