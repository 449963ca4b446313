"""Small files of nobody, each of another kind: gradients in every encoding that the box takes."""

import struct
from functools import cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

ROWS, COLUMNS = 12, 16
JPEG, JPEG_EXTENDED, JPEG_LOSSLESS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.70"
JPEG_LS, JPEG_2000_LOSSLESS, JPEG_2000 = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"
HT_JPEG_2000, RLE = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.5"
NATIVE = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
}


def gradient() -> NDArray[np.uint8]:
    """Every pixel another gray."""
    return np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)


def dataset(**attributes: object) -> Dataset:
    """A gray picture of 8 bits that names nobody."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, "2.25.1"
    made.StudyInstanceUID, made.SeriesInstanceUID = "2.25.2", "2.25.3"
    made.Modality, made.PatientID = "CR", "P1"
    made.Rows, made.Columns, made.SamplesPerPixel = ROWS, COLUMNS, 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.PixelData = gradient().tobytes()
    made["PixelData"].VR = "OB"
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def part10(made: Dataset, transfer_syntax_uid: str) -> bytes:
    """As a DICOM file; the pixels are written as they are."""
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    written = BytesIO()
    dcmwrite(written, made, enforce_file_format=True)
    return written.getvalue()


@cache
def compressed() -> dict[str, bytes]:
    """The gradient as a frame of each compressed transfer syntax that something here can write, by its UID."""
    frames = {JPEG: _encoded("JPEG"), JPEG_2000: _encoded("JPEG2000", no_jp2=True, irreversible=True)}
    frames[JPEG_2000_LOSSLESS] = _encoded("JPEG2000", no_jp2=True)
    frames[JPEG_LS] = _by_pydicom(JPEG_LS)
    frames[RLE] = _by_pydicom(RLE)
    return frames


def _encoded(kind: str, **options: object) -> bytes:
    written = BytesIO()
    Image.fromarray(gradient()).save(written, kind, **options)
    return written.getvalue()


def _by_pydicom(transfer_syntax_uid: str) -> bytes:
    made = dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.compress(UID(transfer_syntax_uid))
    content: bytes = made.PixelData
    table_bytes = struct.unpack_from("<L", content, 4)[0]
    length = struct.unpack_from("<L", content, 12 + table_bytes)[0]
    return content[16 + table_bytes : 16 + table_bytes + length]


@cache
def dicom_files() -> dict[str, bytes]:
    """A file of each transfer syntax, one without its meta information, and one with nested sequences."""
    files = {f"{name}.dcm": part10(dataset(), str(uid)) for name, uid in NATIVE.items()}
    for uid, frame in compressed().items():
        made = dataset(PixelData=encapsulate([frame]))
        made["PixelData"].is_undefined_length = True
        files[f"{uid}.dcm"] = part10(made, uid)
    inner = Dataset()
    inner.ReferencedSOPInstanceUID = "2.25.9"
    nested = Dataset()
    nested.SourceImageSequence = [inner, inner]
    files["nested.dcm"] = part10(dataset(SourceImageSequence=[nested]), str(ExplicitVRLittleEndian))
    files["no meta.dcm"] = files["explicit.dcm"][files["explicit.dcm"].index(b"\x08\0\x16\0") :]
    return files


@cache
def picture_files() -> dict[str, bytes]:
    """PNG, JPEG and TIFF files: gray and coloured, interlaced or in stages, of several pages, with a small picture of
    the picture in the head of a JPEG.
    """
    colours = np.stack([gradient(), gradient()[::-1], gradient().T.reshape(ROWS, COLUMNS)], axis=-1)
    pictures = {"gray": Image.fromarray(gradient()), "colour": Image.fromarray(colours)}
    files = {
        f"{name}.{kind.lower()}": _saved(picture, kind)
        for name, picture in pictures.items()
        for kind in ("PNG", "JPEG", "TIFF")
    }
    files["16 bits.png"] = _saved(Image.fromarray(gradient().astype(np.uint16) * 257), "PNG")
    files["progressive.jpeg"] = _saved(pictures["colour"], "JPEG", progressive=True)
    files["pages.tiff"] = _saved(pictures["gray"], "TIFF", save_all=True, append_images=[pictures["gray"]])
    files["deflate.tiff"] = _saved(pictures["gray"], "TIFF", compression="tiff_deflate")
    thumbnail = b"Exif\0\0" + files["gray.jpeg"]
    head, rest = files["colour.jpeg"][:2], files["colour.jpeg"][2:]
    files["thumbnail.jpeg"] = head + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + rest
    return files


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    written = BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()
