"""The distance between a picture's pixels in the patient (PS3.3 C.7.6.3, 10.7)."""

from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import numbers, text

PROJECTIONS = frozenset(("CR", "DX", "MG", "RF", "XA", "RG", "IO", "PX"))  # X-rays that spread from a point


def spacing_mm_of(dataset: Dataset) -> tuple[float, float] | None:
    """Millimetres between the centres of neighbouring rows and columns; None without a usable spacing.

    A spacing on the detector of an X-ray machine is not usable: the body is nearer to the tube, so it is smaller by an
    unknown factor. An uncalibrated Pixel Spacing of a projection is such a spacing (PS3.3 10.7.1.3).
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
