"""A picture that was made of an image, as a DICOM object (Secondary Capture Image Storage, PS3.3 A.8.1)."""

from dataclasses import dataclass

from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import SecondaryCaptureImageStorage

from leapfrog.exam import Code, ImageReading
from leapfrog.processes.messages import Station
from leapfrog.reader.objects.common_modules import can_be_referenced, coded, common_modules, reference_to, set_value
from leapfrog.reader.objects.dicom_object import describe_pixels

SOURCE_PURPOSE = Code(value="121322", scheme="DCM", meaning="Source image for image processing operation")


@dataclass(frozen=True)
class Jpeg:
    """An encoded picture: baseline, 4:2:2. Sizes in pixels."""

    content: bytes
    width: int
    height: int


def secondary_capture(station: Station, reading: ImageReading, jpeg: Jpeg) -> Dataset:
    """`jpeg`, which shows what was read, text included."""
    dataset = common_modules(station, reading.identity, [reading])
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.Modality = "OT"
    dataset.ConversionType = "WSD"
    dataset.BurnedInAnnotation = "YES"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = None
    if can_be_referenced(reading):
        source = reference_to(reading)
        if reading.header.frames > 1:
            source.ReferencedFrameNumber = reading.frame
        source.PurposeOfReferenceCodeSequence = [coded(SOURCE_PURPOSE)]
        dataset.SourceImageSequence = [source]
    set_value(dataset, "BodyPartExamined", reading.header.body_part)
    describe_pixels(dataset, (jpeg.height, jpeg.width, 3), 8, "YBR_FULL_422")
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"
    dataset.LossyImageCompressionRatio = round(jpeg.height * jpeg.width * 3 / len(jpeg.content), 1)
    dataset.PixelData = encapsulate([jpeg.content])
    dataset["PixelData"].is_undefined_length = True
    return dataset
