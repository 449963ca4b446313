"""What all DICOM objects made here share: file meta information, the description of their pixels, safe values."""

from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from leapfrog.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from leapfrog.durable import replacing
from leapfrog.processes.messages import ProducedObject
from leapfrog.reader.objects.finished_object import Purpose, finish
from leapfrog.wording.text import one_line


def write_object(dataset: Dataset, purpose: Purpose, out: Path, transfer_syntax: UID) -> ProducedObject:
    """Write `dataset` as a DICOM file to `out`, with its record, synced. Its pixels are already encoded in
    `transfer_syntax`.
    """
    with replacing(out) as stream:
        write_file(dataset, stream, transfer_syntax)
        uids = (dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.SeriesInstanceUID)
        return finish(stream, out.name, purpose, *uids)


def write_file(dataset: Dataset, stream: BinaryIO, transfer_syntax: UID) -> None:
    """Write `dataset` as a DICOM file to `stream`, without a record. Raises OSError, with its errno, when the disk
    fails or is full.
    """
    dataset.file_meta = FileMetaDataset()  # pydicom adds the rest when it writes the file
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    dataset.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    dataset.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    try:
        dcmwrite(stream, dataset, enforce_file_format=True)
    except OSError as problem:  # pydicom's own says which element it wrote, and no longer that the disk is full
        raise _of_the_disk(problem) from problem


def _of_the_disk(problem: OSError) -> OSError:
    cause: BaseException | None = problem
    while isinstance(cause, OSError) and cause.errno is None:
        cause = cause.__cause__
    return cause if isinstance(cause, OSError) else problem


def describe_pixels(dataset: Dataset, shape: tuple[int, ...], bits: int, photometric: str) -> None:
    """The Image Pixel module (PS3.3 C.7.6.3) for unsigned samples, (rows, columns) or (rows, columns, 3), that use all
    of their `bits`.
    """
    dataset.Rows, dataset.Columns = shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = 0
    dataset.PhotometricInterpretation = photometric
    dataset.SamplesPerPixel = 3 if len(shape) == 3 else 1
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration = 0


def one_value(text: str) -> str:
    """`text` as a single DICOM value: without backslashes, which would split it in two, and control characters."""
    return one_line(text).replace("\\", " ").strip()


def shortened(text: str, most_bytes: int) -> str:
    """`text` as a single DICOM value of at most so many bytes, which is how some archives and checks count what PS3.5
    Section 6.2 limits in characters.
    """
    return one_value(text).encode()[:most_bytes].decode(errors="ignore").strip()
