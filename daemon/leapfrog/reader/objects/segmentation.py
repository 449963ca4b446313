"""What a model outlined in an image, as data on the image's own pixels (Segmentation Storage, PS3.3 A.51).

Outlines are fractions of the picture as displayed, which has the rows and columns of the stored frame, unturned. So a
frame of the segmentation has the rows and columns of the frame that it was made of, and names it (Derivation Image
functional group): by that, and by no position in the patient, its pixels are found there. Pictures of projections and
of ultrasound have no Frame of Reference, and to mint one would claim a place in space that nobody knows.

Its pixels are not compressed: no lossless syntax for single bits is known to archives that clinics have, and few take a
Deflated data set. They are an eighth of a byte each.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom import Dataset
from pydicom.pixels.utils import pack_bits
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from pydicom.uid import SegmentationStorage

from leapfrog.dicom.uids import is_valid_uid, mint_uid
from leapfrog.exam import Code, Finding, ImageReading, ModelUsed, Polygon
from leapfrog.processes.messages import ReportJob
from leapfrog.reader.objects.common_modules import (
    MANUFACTURER,
    can_be_referenced,
    coded,
    common_modules,
    reference_to,
    reported_frame,
    tracking_uid,
)
from leapfrog.reader.objects.dicom_object import shortened

ANATOMY = Code(value="123037004", scheme="SCT", meaning="Anatomical Structure")  # CID 7150
SEGMENTED = Code(value="113076", scheme="DCM", meaning="Segmentation")  # CID 7203
SOURCE = Code(value="121322", scheme="DCM", meaning="Source image for image processing operation")  # CID 7202
ARTIFICIAL_INTELLIGENCE = Code(value="123110", scheme="DCM", meaning="Artificial Intelligence")  # CID 7162
ENLARGED = 4  # times, while an outline is filled: Pillow counts whole pixels, and fills the line itself too
LONGEST_LABEL = 64  # bytes (LO)
DESCRIPTION = "Outlines that a model drew, not a diagnosis"  # codes and data stay English, as in report.json


@dataclass(frozen=True)
class Segment:
    """What is segmented, and where in the frame: `mask` (rows, columns)."""

    finding: Finding
    mask: NDArray[np.bool_]


def segments_of(reading: ImageReading) -> tuple[Segment, ...]:
    """What the model outlined in the frame that is reported; none where the image or its series cannot be named, or
    where nothing was outlined.
    """
    shape = (reading.header.rows, reading.header.columns)
    has_uids = can_be_referenced(reading) and is_valid_uid(reading.header.series_instance_uid)
    if not has_uids or reading.model is None or 0 in shape:
        return ()
    outlined = [(finding, mask_of(finding.contour, shape)) for finding in reading.findings if finding.contour]
    return tuple(Segment(finding, mask) for finding, mask in outlined if mask.any())


def mask_of(polygons: Iterable[Polygon], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels of a picture of `shape` (rows, columns) whose centre lies inside one of `polygons`."""
    rows, columns = shape
    filled = np.zeros(shape, dtype=np.bool_)
    for polygon in polygons:
        left, top, right, bottom = _box(polygon, shape)
        size = (max(1, right - left), max(1, bottom - top))
        picture = Image.new("1", (size[0] * ENLARGED, size[1] * ENLARGED))
        points = [((x * columns - left) * ENLARGED - 0.5, (y * rows - top) * ENLARGED - 0.5) for x, y in polygon]
        ImageDraw.Draw(picture).polygon(points, fill=1)
        centre = ENLARGED // 2
        inside = np.asarray(picture)[centre::ENLARGED, centre::ENLARGED]
        filled[top:bottom, left:right] |= inside[: bottom - top, : right - left]
    return filled


def _box(polygon: Polygon, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels around a polygon, within the picture: left, top, right, bottom."""
    rows, columns = shape
    x, y = [point[0] * columns for point in polygon], [point[1] * rows for point in polygon]
    return (
        min(max(int(min(x)), 0), columns),
        min(max(int(min(y)), 0), rows),
        min(max(int(max(x)) + 1, 0), columns),
        min(max(int(max(y)) + 1, 0), rows),
    )


def segmentation(job: ReportJob, reading: ImageReading, segments: Sequence[Segment], number: int) -> Dataset:
    """The `segments` of one image, `number` of the exam: a segment, and a frame, for each."""
    model = reading.model
    assert model is not None and segments, "what has segments was outlined by a model"
    dataset = common_modules(job.station, reading.identity, [reading])
    dataset.SOPClassUID = SegmentationStorage
    dataset.Modality = "SEG"
    dataset.InstanceNumber = number
    dataset.DeviceSerialNumber = job.station.ae_title
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.LossyImageCompression = "00"
    dataset.PatientOrientation = None
    dataset.ContentLabel = "OUTLINES"
    dataset.ContentDescription = DESCRIPTION
    dataset.ContentCreatorName = None
    dataset.SegmentationType = "BINARY"
    dataset.SegmentsOverlap = "YES" if _overlap(segments) else "NO"
    _describe_pixels(dataset, segments)
    dataset.SegmentSequence = [_segment(reading, one, model, place) for place, one in enumerate(segments, start=1)]
    source = reference_to(reading)
    if (frame := reported_frame(reading)) is not None:
        source.ReferencedFrameNumber = frame
    _add_frames(dataset, source, len(segments))
    dataset.ReferencedSeriesSequence = [_series_of(reading)]
    return dataset


def _overlap(segments: Sequence[Segment]) -> bool:
    return bool((np.sum([segment.mask for segment in segments], axis=0, dtype=np.uint16) > 1).any())


def _describe_pixels(dataset: Dataset, segments: Sequence[Segment]) -> None:
    dataset.Rows, dataset.Columns = segments[0].mask.shape
    dataset.NumberOfFrames = len(segments)
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.PixelRepresentation = 0
    bits = np.concatenate([segment.mask.ravel() for segment in segments]).astype(np.uint8)
    dataset.PixelData = pack_bits(bits, pad=True)
    dataset["PixelData"].VR = "OB"


def _segment(reading: ImageReading, segment: Segment, model: ModelUsed, number: int) -> Dataset:
    finding = segment.finding
    label = shortened(finding.name, LONGEST_LABEL)
    item = Dataset()
    item.SegmentNumber = number
    item.SegmentLabel = label
    item.SegmentAlgorithmType = "AUTOMATIC"
    item.SegmentAlgorithmName = model.name[:LONGEST_LABEL]
    item.SegmentedPropertyCategoryCodeSequence = [coded(ANATOMY)]
    item.SegmentedPropertyTypeCodeSequence = [coded(finding.code)]
    item.SegmentationAlgorithmIdentificationSequence = [_algorithm(model)]
    item.TrackingID = label
    item.TrackingUID = tracking_uid(reading, finding)
    return item


def _algorithm(model: ModelUsed) -> Dataset:
    item = Dataset()
    item.AlgorithmFamilyCodeSequence = [coded(ARTIFICIAL_INTELLIGENCE)]
    item.AlgorithmName = model.name[:LONGEST_LABEL]
    item.AlgorithmVersion = model.version[:LONGEST_LABEL]
    item.AlgorithmSource = MANUFACTURER
    return item


def _add_frames(dataset: Dataset, source: Dataset, count: int) -> None:
    """The multi-frame modules (PS3.3 C.7.6.16, C.7.6.17): a dimension that counts the segments, and of each frame which
    segment it shows and where it comes from.
    """
    organization = mint_uid()
    dataset.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=organization)]
    dataset.DimensionIndexSequence = [
        _item(
            DimensionOrganizationUID=organization,
            DimensionIndexPointer=Tag("ReferencedSegmentNumber"),
            FunctionalGroupPointer=Tag("SegmentIdentificationSequence"),
            DimensionDescriptionLabel="Segment",
        )
    ]
    source.PurposeOfReferenceCodeSequence = [coded(SOURCE)]
    source.SpatialLocationsPreserved = "YES"
    derivation = _item(DerivationCodeSequence=Items([coded(SEGMENTED)]), SourceImageSequence=Items([source]))
    dataset.SharedFunctionalGroupsSequence = [Dataset()]
    dataset.PerFrameFunctionalGroupsSequence = [
        _item(
            # The same of each, but highdicom looks for it nowhere else.
            DerivationImageSequence=Items([deepcopy(derivation)]),
            FrameContentSequence=Items([_item(DimensionIndexValues=number)]),
            SegmentIdentificationSequence=Items([_item(ReferencedSegmentNumber=number)]),
        )
        for number in range(1, count + 1)
    ]


def _series_of(reading: ImageReading) -> Dataset:
    """The series that the image lies in (Common Instance Reference, PS3.3 C.12.2)."""
    return _item(
        SeriesInstanceUID=reading.header.series_instance_uid,
        ReferencedInstanceSequence=Items([reference_to(reading)]),
    )


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
