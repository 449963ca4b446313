"""Reads PNG, JPEG and TIFF pictures safely: the size is checked before any pixel is decoded."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from leapfrog.errors import UnreadableImage
from leapfrog.language.sentence import sentence
from leapfrog.reader.image.frames.decoding import LARGEST_FRAME_BYTES, LARGEST_FRAME_PIXELS
from leapfrog.reader.image.phantom_mark import is_phantom_comment
from leapfrog.spool_file.content import content_byte_count, open_content

FORMATS = ("PNG", "JPEG", "TIFF")
MOST_PAGES = 1000
WHITE_IS_ZERO = 0  # TIFF Photometric Interpretation
TIFF_PHOTOMETRIC = 262
TOP_OF_16_BITS = 65535

NOT_A_PICTURE = sentence("This is not a PNG, JPEG or TIFF picture.")
ENDS_EARLY = sentence("The file is damaged: the picture ends early. Export it again from the machine that made it.")
CANNOT_DECODE = sentence(
    "The file is damaged: its picture could not be decoded. Export it again from the machine that made it."
)
TOO_LARGE = sentence("The picture is too large for this box. It is kept unread. Export it again at a smaller size.")
FIRST_PAGE_ONLY = "Only the first of {count} pages is kept: the others differ in size or kind."
FIRST_PAGES_ONLY = "Only the first {count} pages are kept: the file has more than this box takes."

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class PictureFile:
    """Decoded pages, each (H, W) with 8 or 16 bits or (H, W, 3) with 8 bits, all of the same shape and type.

    `inverted`: 0 is white. `lossy_ratio` is the compression ratio of a JPEG, None for other pictures. `note` says which
    pages were left out. `phantom`: its comment says that it is one of Leapfrog's own.
    """

    pages: tuple[Pixels, ...]
    format: str
    inverted: bool = False
    lossy_ratio: float | None = None
    note: str = ""
    phantom: bool = False


def read_picture_file(path: Path, byte_count: int | None = None) -> PictureFile:
    """Decode the picture in the first `byte_count` bytes of `path`, or in all, rotated as its EXIF data says.

    A colour picture that has only grays becomes gray; transparency becomes black. Raises UnreadableImage with a
    sentence for staff, OSError if the disk fails.
    """
    with (
        _decoder_errors(),
        open_content(path, byte_count, may_wait=True) as stream,
        Image.open(stream, formats=FORMATS) as image,
    ):
        first = _page(image)
        page_count, has_more = _page_count(image)
        if page_count * first.nbytes > LARGEST_FRAME_BYTES:
            raise UnreadableImage(TOO_LARGE)
        pages = (first, *_more_pages(image, first, page_count))
        return PictureFile(
            pages=pages,
            format=image.format or "",
            inverted=_is_inverted(image),
            lossy_ratio=_lossy_ratio(content_byte_count(stream), image, first),
            note=_note(len(pages), page_count, has_more=has_more),
            phantom=is_phantom_comment(image.info.get("Comment")),
        )


@contextmanager
def _decoder_errors() -> Iterator[None]:
    """Turn Pillow's errors into ours: it raises many types for damaged files, and warns about sizes already checked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError as error:
        raise UnreadableImage(NOT_A_PICTURE) from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise UnreadableImage(TOO_LARGE) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise UnreadableImage(ENDS_EARLY if "truncated" in str(error) else CANNOT_DECODE) from error
    except UnreadableImage:
        raise
    except Exception as error:  # SyntaxError, ValueError, struct.error, KeyError, ZeroDivisionError ...
        raise UnreadableImage(CANNOT_DECODE) from error


def _page_count(image: Image.Image) -> tuple[int, bool]:
    """How many pages are looked at, and whether there are more. Not by `n_frames`, which walks through all of them: a
    small file can name millions.
    """
    if image.format != "TIFF":
        return 1, False
    try:
        for number in range(1, MOST_PAGES + 1):  # one after the other: Pillow miscounts after a leap beyond the last
            image.seek(number)
    except EOFError:
        return number, False
    finally:
        image.seek(0)
    return MOST_PAGES, True


def _note(kept: int, looked_at: int, *, has_more: bool) -> str:
    if kept < looked_at:
        return FIRST_PAGE_ONLY.format(count=f"more than {looked_at}" if has_more else looked_at)
    return FIRST_PAGES_ONLY.format(count=kept) if has_more else ""


def _more_pages(image: Image.Image, first: Pixels, page_count: int) -> tuple[Pixels, ...]:
    """The pages after the first; none when one of them does not match it."""
    pages = []
    for number in range(1, page_count):
        image.seek(number)
        page = _page(image)
        if page.shape != first.shape or page.dtype != first.dtype:
            return ()
        pages.append(page)
    return tuple(pages)


def _page(image: Image.Image) -> Pixels:
    if image.width * image.height > LARGEST_FRAME_PIXELS:
        raise UnreadableImage(TOO_LARGE)
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        return _sixteen_bits(np.asarray(upright))
    if upright.mode in ("1", "L"):
        return np.asarray(upright.convert("L"), dtype=np.uint8)
    if upright.has_transparency_data:
        opaque = Image.new("RGBA", upright.size, (0, 0, 0, 255))
        upright = Image.alpha_composite(opaque, upright.convert("RGBA"))
    return _gray_if_colourless(np.asarray(upright.convert("RGB"), dtype=np.uint8))


def _gray_if_colourless(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One channel instead of three if red, green and blue are equal everywhere: less to send over a slow link."""
    red = colours[..., 0]
    if np.array_equal(red, colours[..., 1]) and np.array_equal(red, colours[..., 2]):
        return np.ascontiguousarray(red)
    return colours


def _sixteen_bits(values: NDArray[Any]) -> NDArray[np.uint16]:
    """16-bit values unchanged; wider, negative or floating-point values stretched to 16 bits."""
    lowest, highest = float(values.min()), float(values.max())
    if not np.isfinite((lowest, highest)).all():
        raise UnreadableImage(CANNOT_DECODE)
    if values.dtype.kind in "iu" and lowest >= 0 and highest <= TOP_OF_16_BITS:
        return values.astype(np.uint16)
    scale = TOP_OF_16_BITS / (highest - lowest) if highest > lowest else 0.0
    return np.rint((values.astype(np.float64) - lowest) * scale).astype(np.uint16)


def _is_inverted(image: Image.Image) -> bool:
    """Whether 0 is white. Pillow inverts such pictures itself if they have at most 8 bits, but not if they have 16."""
    tags = getattr(image, "tag_v2", {})
    return image.mode.startswith("I") and tags.get(TIFF_PHOTOMETRIC) == WHITE_IS_ZERO


def _lossy_ratio(byte_count: int, image: Image.Image, page: Pixels) -> float | None:
    is_jpeg = image.format in ("JPEG", "MPO") or image.info.get("compression") == "jpeg"
    return max(page.nbytes / max(byte_count, 1), 1.0) if is_jpeg else None
