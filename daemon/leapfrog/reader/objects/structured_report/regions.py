"""Where in an image something is, and which image that is, as content of a structured report."""

import numpy as np
from highdicom.sr import (
    CodedConcept,
    ContentSequence,
    GraphicTypeValues,
    ImageRegion,
    RelationshipTypeValues,
    ScoordContentItem,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
)

from leapfrog.dicom.uids import is_well_formed_uid
from leapfrog.exam import Finding, ImageReading, Polygon, Region
from leapfrog.reader.image.attributes import uid_name
from leapfrog.reader.objects.common_modules import reported_frame

IMAGE_REGION = ("111030", "DCM", "Image Region")
IMAGE_CLASSES = ("Image Storage", "Enhanced US Volume Storage")  # in the standard's names of classes of images


def can_be_evidence(reading: ImageReading) -> bool:
    """Whether a structured report can list the object: it has all its UIDs, that of its series too (PS3.3 C.17.2.1),
    and they keep the rules, without which some readers refuse the whole report.
    """
    uids = (reading.sop_instance_uid, reading.header.series_instance_uid, reading.header.sop_class_uid)
    return all(map(is_well_formed_uid, uids))


def can_be_named(reading: ImageReading) -> bool:
    """Whether what is said in the report can name the image that it is said of: readers refuse a whole report that
    names something there whose class is none of the standard's classes of images.
    """
    name = uid_name(reading.header.sop_class_uid)
    return can_be_evidence(reading) and any(one in name for one in IMAGE_CLASSES)


def source_image(reading: ImageReading) -> SourceImageForMeasurementGroup:
    """The image, or the frame of it that was reported."""
    return SourceImageForMeasurementGroup(reading.header.sop_class_uid, reading.sop_instance_uid, _frames(reading))


def outlines_of(finding: Finding, reading: ImageReading) -> tuple[Polygon, ...]:
    """Each part that is outlined, or the rectangle where the model looked for what it flagged, in fractions of the
    picture; none if the report cannot tell where in the image that is.
    """
    if not can_be_named(reading) or not reading.header.rows or not reading.header.columns:
        return ()
    if finding.contour:
        return tuple(polygon for polygon in finding.contour if len(polygon) > 1)
    return (_corners(finding.region),) if finding.region is not None and finding.needs_look else ()


def image_region(outline: Polygon, reading: ImageReading) -> ImageRegion:
    """A closed line on the image, or on the frame of it that was reported, in its stored pixels.

    Pictures are displayed as they are stored, neither turned nor mirrored, so a fraction of the one is a fraction of
    the other. What lies beyond the image's edge, which the standard forbids, is drawn along it.
    """
    columns, rows = reading.header.columns, reading.header.rows
    points = np.array([*outline, outline[0]]).clip(0, 1) * (columns, rows)
    coordinates = ScoordContentItem(
        CodedConcept(*IMAGE_REGION),
        GraphicTypeValues.POLYLINE,
        points,
        relationship_type=RelationshipTypeValues.CONTAINS,
    )
    header = reading.header
    source = SourceImageForRegion(header.sop_class_uid, reading.sop_instance_uid, _frames(reading))
    coordinates.ContentSequence = ContentSequence([source])
    return ImageRegion.from_dataset(coordinates, copy=False)  # its constructor knows the standard's own classes only


def _frames(reading: ImageReading) -> list[int] | None:
    frame = reported_frame(reading)
    return None if frame is None else [frame]


def _corners(region: Region) -> Polygon:
    return (
        (region.left, region.top),
        (region.right, region.top),
        (region.right, region.bottom),
        (region.left, region.bottom),
    )
