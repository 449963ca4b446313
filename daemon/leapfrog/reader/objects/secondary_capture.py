"""A picture that was made of an image, as a DICOM object (Secondary Capture Image Storage, PS3.3 A.8.1)."""

import math
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import SecondaryCaptureImageStorage

from leapfrog.exam import Code, ImageReading
from leapfrog.processes.messages import Station
from leapfrog.reader.objects.common_modules import (
    can_be_referenced,
    coded,
    common_modules,
    reference_to,
    reported_frame,
)
from leapfrog.reader.objects.dicom_object import describe_pixels
from leapfrog.reader.objects.laterality import set_body_part

SOURCE_PURPOSE = Code(value="121322", scheme="DCM", meaning="Source image for image processing operation")


@dataclass(frozen=True)
class Jpeg:
    """An encoded picture: baseline, in colour 4:2:2. Sizes in pixels."""

    content: bytes
    width: int
    height: int
    gray: bool = False


def secondary_capture(station: Station, reading: ImageReading, jpeg: Jpeg) -> Dataset:
    """`jpeg`, which shows the frame that was reported of an image. Whether text is burnt into it is left to the caller,
    as are its series and what was done to it.
    """
    dataset = common_modules(station, reading.identity, [reading])
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.Modality = "OT"
    dataset.ConversionType = "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = None
    if can_be_referenced(reading):
        source = reference_to(reading)
        if (frame := reported_frame(reading)) is not None:
            source.ReferencedFrameNumber = frame
        source.PurposeOfReferenceCodeSequence = [coded(SOURCE_PURPOSE)]
        dataset.SourceImageSequence = [source]
    set_body_part(dataset, reading.header.body_part, reading.header.laterality)
    shape = (jpeg.height, jpeg.width) if jpeg.gray else (jpeg.height, jpeg.width, 3)
    describe_pixels(dataset, shape, 8, "MONOCHROME2" if jpeg.gray else "YBR_FULL_422")
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"
    dataset.LossyImageCompressionRatio = round(math.prod(shape) / len(jpeg.content), 1)
    dataset.PixelData = encapsulate([jpeg.content])
    dataset["PixelData"].is_undefined_length = True
    return dataset
