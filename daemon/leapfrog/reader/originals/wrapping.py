"""Turns a picture that is not DICOM into a Secondary Capture object (PS3.3 A.8), so that all later steps handle DICOM.

Everything in the object comes from the job, so the same job gives the same bytes, even after a power cut.
"""

from datetime import datetime
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from leapfrog.exam import PictureHints, PictureIdentity
from leapfrog.processes.messages import ProducedObject
from leapfrog.reader.image.phantom_mark import mark_as_phantom
from leapfrog.reader.objects.common_modules import set_value
from leapfrog.reader.objects.dicom_object import describe_pixels, one_value, write_object
from leapfrog.reader.objects.finished_object import Purpose
from leapfrog.reader.objects.laterality import set_body_part
from leapfrog.reader.originals.picture_file import PictureFile, read_picture_file

WORKSTATION = "WSD"  # Conversion Type: converted by a program, not scanned or filmed
OTHER_MODALITY = "OT"
UTF_8 = "ISO_IR 192"
JPEG_BASELINE = "ISO_10918_1"
PAGE_NUMBER_VECTOR = 0x00182001
EMPTY_BUT_REQUIRED = (  # type 2: present even if unknown
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "ReferringPhysicianName",
    "Manufacturer",
    "PatientOrientation",
)


def wrap_picture(
    path: Path,
    identity: PictureIdentity,
    hints: PictureHints,
    received_at: str,
    out: Path,
    purpose: Purpose,
    byte_count: int | None = None,
) -> ProducedObject:
    """Write the picture in the first `byte_count` bytes of `path`, or in all, as a DICOM file to `out`, synced.

    `received_at` (ISO 8601) becomes the date of the capture; the date of the exam is unknown and stays empty. Burned In
    Annotation is left out, since nobody knows whether the picture shows a name. Raises UnreadableImage if the picture
    is damaged or too large.
    """
    picture = read_picture_file(path, byte_count)
    dataset = Dataset()
    _describe_exam(dataset, identity, hints)
    _describe_capture(dataset, picture, datetime.fromisoformat(received_at))
    _describe_pixels(dataset, picture, hints)
    if picture.phantom:
        mark_as_phantom(dataset)
    return write_object(dataset, purpose, out, ExplicitVRLittleEndian)


def _describe_exam(dataset: Dataset, identity: PictureIdentity, hints: PictureHints) -> None:
    dataset.SpecificCharacterSet = UTF_8
    for keyword in EMPTY_BUT_REQUIRED:
        setattr(dataset, keyword, "")
    set_value(dataset, "PatientName", identity.patient_name)
    dataset.PatientID = one_value(identity.patient_id)
    set_value(dataset, "AccessionNumber", identity.accession_number)
    dataset.StudyInstanceUID = identity.study_instance_uid
    dataset.SeriesInstanceUID = identity.series_instance_uid
    dataset.SOPInstanceUID = identity.sop_instance_uid
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.Modality = hints.modality or OTHER_MODALITY
    set_body_part(dataset, hints.body_part, laterality="")
    if hints.view:
        dataset.ViewPosition = hints.view


def _describe_capture(dataset: Dataset, picture: PictureFile, received_at: datetime) -> None:
    dataset.SOPClassUID = _sop_class(picture)
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.ConversionType = WORKSTATION
    dataset.DateOfSecondaryCapture = received_at.strftime("%Y%m%d")
    dataset.TimeOfSecondaryCapture = received_at.strftime("%H%M%S")
    dataset.DerivationDescription = " ".join(filter(None, (f"Converted from {picture.format}.", picture.note)))
    if picture.lossy_ratio is not None:
        dataset.LossyImageCompression = "01"
        dataset.LossyImageCompressionRatio = f"{picture.lossy_ratio:.2f}"
        dataset.LossyImageCompressionMethod = JPEG_BASELINE


def _describe_pixels(dataset: Dataset, picture: PictureFile, hints: PictureHints) -> None:
    first = picture.pages[0]
    gray = "MONOCHROME1" if picture.inverted else "MONOCHROME2"
    describe_pixels(dataset, first.shape, 8 * first.itemsize, "RGB" if first.ndim == 3 else gray)
    if hints.pixel_spacing_mm is not None:
        spacing = f"{hints.pixel_spacing_mm:.10g}"
        dataset.PixelSpacing = [spacing, spacing]
    if len(picture.pages) > 1:
        _describe_pages(dataset, len(picture.pages))
    content = b"".join(page.astype(page.dtype.newbyteorder("<"), copy=False).tobytes() for page in picture.pages)
    dataset.PixelData = content + b"\0" * (len(content) % 2)
    dataset["PixelData"].VR = "OB" if first.itemsize == 1 else "OW"


def _describe_pages(dataset: Dataset, page_count: int) -> None:
    """The SC Multi-frame modules (PS3.3 C.8.6.3 and C.8.6.4): each page is a frame, values are shown unchanged."""
    dataset.NumberOfFrames = page_count
    dataset.FrameIncrementPointer = PAGE_NUMBER_VECTOR
    dataset.PageNumberVector = list(range(1, page_count + 1))
    if dataset.SamplesPerPixel == 1:
        dataset.PresentationLUTShape = "INVERSE" if dataset.PhotometricInterpretation == "MONOCHROME1" else "IDENTITY"
        dataset.RescaleIntercept = 0
        dataset.RescaleSlope = 1
        dataset.RescaleType = "US"


def _sop_class(picture: PictureFile) -> str:
    first = picture.pages[0]
    if len(picture.pages) == 1 or picture.inverted:
        return SecondaryCaptureImageStorage
    if first.ndim == 3:
        return MultiFrameTrueColorSecondaryCaptureImageStorage
    if first.itemsize == 1:
        return MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    return MultiFrameGrayscaleWordSecondaryCaptureImageStorage
