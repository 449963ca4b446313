"""The parts of an ultrasound picture that show tissue, and the size of their pixels (PS3.3 C.8.5.5).

Around them are scales, buttons and the patient's name, which a model should not see.
"""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import integer, items, numbers
from leapfrog.reader.image.pixels import PixelRegion
from leapfrog.reader.image.spacing import UNKNOWN, Scale, checked

TWO_DIMENSIONAL = 1  # Region Spatial Format; others are M-mode, spectra, waveforms and graphics
TISSUE, COLOUR_FLOW = 1, 2  # Region Data Type
CENTIMETRES = 3  # Physical Units
SMALLEST_SIDE = 32  # pixels; smaller regions are icons or nonsense
SMALLEST_SHARE = 0.2  # of the largest region; smaller ones are previews of the same picture
MOST_REGIONS = 4  # machines show at most four pictures beside each other
SAME = 0.5  # of a region inside another one makes it a part of that, such as the box of a colour Doppler


@dataclass(frozen=True)
class UltrasoundRegion:
    """`box` holds the image; `scale` says how large its pixels are."""

    box: PixelRegion
    scale: Scale


def tissue_regions(dataset: Dataset, rows: int, columns: int) -> tuple[UltrasoundRegion, ...]:
    """The two-dimensional regions of a picture of `rows` x `columns` that lie beside each other, as in a dual picture:
    any tissue comes before colour flow, and larger ones come first.

    Empty if the instance has no region that makes sense; then the whole picture is the image.
    """
    candidates = []
    for item in items(dataset, "SequenceOfUltrasoundRegions"):
        box = _corners(item, rows, columns)
        data_type = integer(item, "RegionDataType")
        if box and integer(item, "RegionSpatialFormat") == TWO_DIMENSIONAL and data_type in (TISSUE, COLOUR_FLOW):
            candidates.append((data_type == TISSUE, _size(box), UltrasoundRegion(box, _scale(item, box))))
    candidates.sort(key=lambda candidate: candidate[:2], reverse=True)
    chosen: list[UltrasoundRegion] = []
    for _, size, region in candidates:
        is_beside = all(_overlap(region.box, other.box) < SAME * size for other in chosen)
        if not chosen or (is_beside and size >= SMALLEST_SHARE * _size(chosen[0].box)):
            chosen.append(region)
    return tuple(chosen[:MOST_REGIONS])


def _size(box: PixelRegion) -> int:
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def _overlap(one: PixelRegion, other: PixelRegion) -> int:
    return _size((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))


def _corners(item: Dataset, rows: int, columns: int) -> PixelRegion | None:
    """The region, cut to the picture. DICOM gives two corner pixels, both of which belong to the region."""
    corners = [integer(item, f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    left, top, right, bottom = (-1 if corner is None else corner for corner in corners)
    if left < 0 or top < 0:
        return None
    box = (left, top, min(right + 1, columns), min(bottom + 1, rows))
    return box if box[2] - left >= SMALLEST_SIDE and box[3] - top >= SMALLEST_SIDE else None


def _scale(item: Dataset, box: PixelRegion) -> Scale:
    """By Physical Delta X and Y; a negative value only means that the axis points the other way."""
    units = (integer(item, "PhysicalUnitsXDirection"), integer(item, "PhysicalUnitsYDirection"))
    across, down = numbers(item, "PhysicalDeltaX"), numbers(item, "PhysicalDeltaY")
    if units != (CENTIMETRES, CENTIMETRES) or not across or not down or across[0] == 0 or down[0] == 0:
        return UNKNOWN
    return checked((abs(down[0]) * 10, abs(across[0]) * 10), (box[3] - box[1], box[2] - box[0]))
