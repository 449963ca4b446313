"""The distance between a picture's pixels in the patient (PS3.3 C.7.6.3, 10.7), or why nothing can be measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from leapfrog.language.sentence import Sentence, number, sentence
from leapfrog.reader.image.attributes import numbers, text

PROJECTIONS = frozenset(("CR", "DX", "MG", "RF", "XA", "RG", "IO", "PX"))  # X-rays that spread from a point
ULTRASOUND = frozenset(("US", "IVUS"))
PLACEHOLDER_MM = 1.0  # in both directions, on ultrasound: what programs fill in where no calibration is known
LARGEST_FIELD_MM = 500.0  # no ultrasound machine looks deeper than 400 mm, and no probe is wider
SMALLEST_FIELD_MM = 1.0  # an intravascular picture is 5 mm wide
MOST_DIFFERENT = 0.05  # between two statements of one scale; more would be a week of a head's age
MOST_UNEQUAL = 4.0  # pixels of real pictures are at most twice as long as wide

NO_SPACING = sentence("The image does not say how large its pixels are, so nothing is given in millimetres.")
AT_DETECTOR = sentence(
    "The image says how large its pixels are on the detector, not in the patient, so nothing is given in millimetres."
)
PLACEHOLDER = sentence(
    "The image says that its pixels are exactly 1 mm large. Machines fill that in when they are not calibrated, so"
    " nothing is given in millimetres."
)
IMPOSSIBLE = sentence(
    "The image's scale cannot be right: by it, the picture would be {width} wide and {height} high. So nothing is given"
    " in millimetres."
)
UNEQUAL = sentence(
    "The image's scale cannot be right: by it, its pixels would be {ratio} times as long one way as the other. So"
    " nothing is given in millimetres."
)

CONTRADICTORY = sentence(
    "The image states two scales that do not agree: {one} and {other} mm from one pixel to the next. One of"
    " them must be wrong, so nothing is given in millimetres."
)
IN_CM, IN_MM = sentence("{length} cm"), sentence("{length} mm")

SpacingMm = tuple[float, float]  # between rows, between columns


@dataclass(frozen=True)
class Scale:
    """`spacing_mm` between the centres of neighbouring rows and columns, in the patient. Where it is None, `reason`
    says why, in a sentence for staff.
    """

    spacing_mm: SpacingMm | None
    reason: Sentence = Sentence("")


UNKNOWN = Scale(None, NO_SPACING)


def scale_of(dataset: Dataset, sources: Sequence[Dataset], shape: tuple[int, int]) -> Scale:
    """The scale of a picture of `shape` (rows, columns). `sources` are where its Pixel Spacing may stand, the nearest
    first.

    A spacing on the detector of an X-ray machine is not usable: the body is nearer to the tube, so it is smaller by an
    unknown factor. An uncalibrated Pixel Spacing of a projection is such a spacing (PS3.3 10.7.1.3).
    """
    in_patient = next(filter(None, (_positive_pair(source, "PixelSpacing") for source in sources)), None)
    at_detector = _positive_pair(dataset, "ImagerPixelSpacing")
    calibrated = text(dataset, "PixelSpacingCalibrationType") != ""
    modality = text(dataset, "Modality").upper()
    projected = at_detector is not None or modality in PROJECTIONS
    if in_patient is None:
        return Scale(None, AT_DETECTOR) if at_detector else UNKNOWN
    if projected and not calibrated and in_patient == (at_detector or in_patient):
        return Scale(None, AT_DETECTOR)
    if modality not in ULTRASOUND:
        return Scale(in_patient)
    return without_contradiction(checked(in_patient, shape), filter(None, (at_detector,)), shape)


def checked(spacing_mm: SpacingMm, shape: tuple[int, int]) -> Scale:
    """The scale of an ultrasound picture of `shape` (rows, columns), refused if it is a placeholder or impossible."""
    if spacing_mm == (PLACEHOLDER_MM, PLACEHOLDER_MM):
        return Scale(None, PLACEHOLDER)
    height, width = (side * spacing for side, spacing in zip(shape, spacing_mm, strict=True))
    if max(height, width) > LARGEST_FIELD_MM or max(height, width) < SMALLEST_FIELD_MM:
        return Scale(None, IMPOSSIBLE.format(width=_length(width), height=_length(height)))
    ratio = max(spacing_mm) / min(spacing_mm)
    if ratio > MOST_UNEQUAL:
        return Scale(None, UNEQUAL.format(ratio=number(f"{ratio:.0f}")))
    return Scale(spacing_mm)


def stated_spacings(dataset: Dataset, sources: Sequence[Dataset]) -> tuple[SpacingMm, ...]:
    """What an ultrasound picture states of its pixels' size besides its regions, whatever the attribute is for."""
    stated = [_positive_pair(source, "PixelSpacing") for source in sources]
    stated.append(_positive_pair(dataset, "ImagerPixelSpacing"))
    return tuple(filter(None, stated))


def without_contradiction(scale: Scale, stated: Iterable[SpacingMm], shape: tuple[int, int]) -> Scale:
    """The scale of an ultrasound picture of `shape`, unless it is `stated` to be another one too, which can be."""
    if scale.spacing_mm is None:
        return scale
    for other in stated:
        ratios = [one / two for one, two in zip(scale.spacing_mm, other, strict=True)]
        if checked(other, shape).spacing_mm is None or max(abs(ratio - 1) for ratio in ratios) <= MOST_DIFFERENT:
            continue
        worst = max((0, 1), key=lambda axis: abs(ratios[axis] - 1))
        return Scale(
            None,
            CONTRADICTORY.format(one=number(f"{scale.spacing_mm[worst]:.3g}"), other=number(f"{other[worst]:.3g}")),
        )
    return scale


def _length(millimetres: float) -> Sentence:
    if millimetres >= 10:
        return IN_CM.format(length=number(f"{millimetres / 10:,.0f}"))
    return IN_MM.format(length=number(f"{millimetres:.2g}"))


def _positive_pair(dataset: Dataset, keyword: str) -> SpacingMm | None:
    values = numbers(dataset, keyword)
    return (values[0], values[1]) if len(values) == 2 and min(values) > 0 else None
