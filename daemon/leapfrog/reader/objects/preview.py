"""A small copy of a large image, which is there long before the image itself: Secondary Capture Image Storage."""

from pathlib import Path

from PIL import Image
from pydicom import Dataset

from leapfrog.dicom.uids import uid_of
from leapfrog.exam import ImageReading
from leapfrog.language.sentence import sentence
from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ReportJob
from leapfrog.reader.objects.budget import jpeg_within
from leapfrog.reader.objects.secondary_capture import Jpeg, secondary_capture
from leapfrog.reader.objects.series import PREVIEWS

LONGEST_SIDE = 1024  # pixels
MOST_BYTES = 60_000  # 8 s at 64 kbit/s
SMALL_ORIGINAL_BYTES = 1_000_000  # an original up to here needs no preview
SMALLER_COPY = sentence("The image as displayed, smaller and compressed with loss")


def is_wanted(reading: ImageReading) -> bool:
    """Whether the image is so large that a small copy of it goes ahead."""
    return reading.plain is not None and reading.header.byte_count > SMALL_ORIGINAL_BYTES


def preview_uid(reading: ImageReading) -> str:
    """The UID of its preview, made once: another version of the report has the same. Each reading draws a new picture,
    under a new name.
    """
    return uid_of("preview", reading.instance_id, reading.plain or "")


def preview(job: ReportJob, reading: ImageReading, speaker: Speaker, number: int) -> Dataset:
    """A small copy of the picture `reading.plain`, image `number` of the exam; all of an exam lie in one series. Raises
    OSError if it cannot be read.
    """
    assert reading.plain is not None, "is_wanted says so"
    dataset = secondary_capture(job.station, reading, _jpeg(job.picture_dir / reading.plain))
    dataset.SOPInstanceUID = preview_uid(reading)
    dataset.SeriesInstanceUID = uid_of("previews", job.study_key)
    PREVIEWS.describe(dataset, job, speaker)
    dataset.InstanceNumber = number
    dataset.DerivationDescription = speaker.say(SMALLER_COPY)
    # The box cannot see writing. So only where the original says that there is none, and none was drawn: NO.
    has_none = reading.header.burned_in_annotation == "NO" and not (reading.header.has_graphics or reading.phantom)
    dataset.BurnedInAnnotation = "NO" if has_none else "YES"
    return dataset


def _jpeg(path: Path) -> Jpeg:
    with Image.open(path) as source:
        source.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        picture = source if source.mode == "L" else source.convert("RGB")
        content = jpeg_within(picture, MOST_BYTES)
    return Jpeg(content, *picture.size, gray=picture.mode == "L")
