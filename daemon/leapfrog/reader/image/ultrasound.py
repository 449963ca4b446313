"""The part of an ultrasound picture that shows tissue, and the size of its pixels (PS3.3 C.8.5.5).

Around it are scales, buttons and the patient's name, which a model should not see.
"""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import integer, items, numbers
from leapfrog.reader.image.pixels import PixelRegion

TWO_DIMENSIONAL = 1  # Region Spatial Format; others are M-mode, spectra, waveforms and graphics
TISSUE, COLOUR_FLOW = 1, 2  # Region Data Type
CENTIMETRES = 3  # Physical Units
SMALLEST_SIDE = 32  # pixels; smaller regions are icons or nonsense


@dataclass(frozen=True)
class UltrasoundRegion:
    """`box` holds the image. `spacing_mm` is (between rows, between columns), or None if not given as a length."""

    box: PixelRegion
    spacing_mm: tuple[float, float] | None


def tissue_region(dataset: Dataset, rows: int, columns: int) -> UltrasoundRegion | None:
    """The largest two-dimensional region of a picture of `rows` x `columns`; any tissue comes before colour flow.

    None if the instance has no region that makes sense; then the whole picture is the image.
    """
    candidates = []
    for item in items(dataset, "SequenceOfUltrasoundRegions"):
        box = _corners(item, rows, columns)
        data_type = integer(item, "RegionDataType")
        if box and integer(item, "RegionSpatialFormat") == TWO_DIMENSIONAL and data_type in (TISSUE, COLOUR_FLOW):
            area = (box[2] - box[0]) * (box[3] - box[1])
            candidates.append((data_type == TISSUE, area, UltrasoundRegion(box, _spacing_mm(item))))
    return max(candidates, key=lambda candidate: candidate[:2])[2] if candidates else None


def _corners(item: Dataset, rows: int, columns: int) -> PixelRegion | None:
    """The region, cut to the picture. DICOM gives two corner pixels, both of which belong to the region."""
    corners = [integer(item, f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    left, top, right, bottom = (-1 if corner is None else corner for corner in corners)
    if left < 0 or top < 0:
        return None
    box = (left, top, min(right + 1, columns), min(bottom + 1, rows))
    return box if box[2] - left >= SMALLEST_SIDE and box[3] - top >= SMALLEST_SIDE else None


def _spacing_mm(item: Dataset) -> tuple[float, float] | None:
    """Physical Delta X and Y in millimetres; a negative value only means that the axis points the other way."""
    units = (integer(item, "PhysicalUnitsXDirection"), integer(item, "PhysicalUnitsYDirection"))
    across, down = numbers(item, "PhysicalDeltaX"), numbers(item, "PhysicalDeltaY")
    if units != (CENTIMETRES, CENTIMETRES) or not across or not down or across[0] == 0 or down[0] == 0:
        return None
    return abs(down[0]) * 10, abs(across[0]) * 10
