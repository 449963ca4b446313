"""The path of pixels: files as they are, frames of every codec, and picture files."""

import struct
import warnings

import numpy as np
from pydicom.encaps import encapsulate

from fuzzing import scratch
from fuzzing.made_up_files import (
    COLUMNS,
    HT_JPEG_2000,
    JPEG_EXTENDED,
    JPEG_LOSSLESS,
    ROWS,
    compressed,
    dataset,
    dicom_files,
    part10,
    picture_files,
)
from fuzzing.target import Target, require
from leapfrog.errors import LeapfrogError, NothingToRead, UnreadableImage
from leapfrog.exam import PictureHints
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.frames.codestream import codestream_header
from leapfrog.reader.image.frames.decoders import DECODERS
from leapfrog.reader.image.identity import header_of, identity_of
from leapfrog.reader.image.image import open_image
from leapfrog.reader.originals.picture_file import read_picture_file

FILE, PICTURE, FRAME = 0, 1, 2  # the first byte, and from FRAME on the codec
SYNTAXES = tuple(DECODERS)
LAYOUT = struct.Struct("<BBBB")  # bits allocated, stored, colours, signed: small numbers that stand for likely ones
MOST_FRAMES = 3
LARGEST_SIDE = 512  # as a codestream says of itself; beyond, the data set contradicts it


def check(content: bytes) -> None:
    """The first byte says how the others come to the reader."""
    kind, content = (content or b"\0")[0] % (FRAME + len(SYNTAXES)), content[1:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == PICTURE:
            _check_picture(content)
        else:
            _check_file(content if kind == FILE else _file_of_frame(content, SYNTAXES[kind - FRAME]))


def _check_file(content: bytes) -> None:
    path = scratch.written("film.dcm", content)
    try:
        file = open_dicom_file(path)
        identity_of(file.dataset, PictureHints())
        header_of(file.dataset, file.transfer_syntax_uid, PictureHints())
        image = open_image(file)
    except (UnreadableImage, NothingToRead) as problem:
        _check_sentence(problem)
        return
    for index in image.present[:MOST_FRAMES]:
        try:
            shown, again = image.frame(index), image.frame(index)
        except UnreadableImage as problem:
            _check_sentence(problem)
            continue
        require(shown.shown.dtype == np.uint8, "A picture is not in bytes.")
        require(shown.shown.shape[:2] == (image.layout.rows, image.layout.columns), "A picture is of another size.")
        # Memory that a decoder did not fill may hold another patient's picture.
        require(np.array_equal(shown.shown, again.shown), "A frame is another one when it is decoded again.")
        shown.picture()


def _check_picture(content: bytes) -> None:
    try:
        picture = read_picture_file(scratch.written("film.png", content))
    except UnreadableImage as problem:
        _check_sentence(problem)
        return
    require(len({(page.shape, page.dtype) for page in picture.pages}) == 1, "Pages differ.")


def _check_sentence(problem: LeapfrogError) -> None:
    require(str(problem).endswith("."), "What staff are told is no sentence.")


def _file_of_frame(content: bytes, syntax: str) -> bytes:
    """A file around one frame, as large as the frame says that it is."""
    numbers, frame = content[: LAYOUT.size].ljust(LAYOUT.size, b"\0"), content[LAYOUT.size :]
    allocated, stored, colours, signed = LAYOUT.unpack(numbers)
    header = codestream_header(frame)
    rows, columns = (header.rows, header.columns) if header else (ROWS, COLUMNS)
    bits = (8, 16, 32)[allocated % 3]
    made = dataset(
        Rows=rows if 0 < rows <= LARGEST_SIDE else ROWS,
        Columns=columns if 0 < columns <= LARGEST_SIDE else COLUMNS,
        BitsAllocated=bits,
        BitsStored=max(1, bits - stored % bits),
        HighBit=max(0, bits - stored % bits - 1),
        SamplesPerPixel=3 if colours % 2 else 1,
        PhotometricInterpretation=("MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL_422")[colours % 4],
        PlanarConfiguration=colours // 4 % 2,
        PixelRepresentation=signed % 2,
        PixelData=encapsulate([frame or b"\0\0"]),
    )
    made["PixelData"].is_undefined_length = True
    return part10(made, syntax)


def seeds() -> dict[str, bytes]:
    """A file of each kind, a frame for each codec (where nothing here writes it, of its kin), and picture files."""
    found = {name: bytes((FILE,)) + content for name, content in dicom_files().items()}
    found |= {name: bytes((PICTURE,)) + content for name, content in picture_files().items()}
    kin = {JPEG_EXTENDED: 0, HT_JPEG_2000: 1}
    frames = list(compressed().values())
    for number, syntax in enumerate(SYNTAXES):
        frame = compressed().get(syntax) or frames[kin.get(syntax, 1 if syntax > JPEG_LOSSLESS else 0)]
        found[f"frame of {syntax}"] = bytes((FRAME + number, 0, 0, 0, 0)) + frame
    return found


TARGET = Target(
    name="pixels",
    invariant=(
        "A file is shown, or is an UnreadableImage or NothingToRead with a sentence for staff; a picture has the size"
        " that its file says; a frame that is decoded again is the same. Decoders that end the process are counted"
        " apart: a reader is one of its own."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.reader.image", "leapfrog.reader.originals", "leapfrog.dicom"),
    seconds=5.0,
    mebibytes=512,
)
