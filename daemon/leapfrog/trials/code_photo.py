"""Reads the QR codes in a photo that comes on stdin, for `leapfrog verify`: a picture from a stranger.

This is a separate process that has given up its rights before it looks at the first pixel. It prints a JSON list of the
texts of all QR codes, or exits with status 1 after one sentence why the photo could not be looked at.
"""

import argparse
import json
import resource
import sys
from io import BytesIO
from typing import Any

import zxingcpp
from PIL import Image, JpegImagePlugin, MpoImagePlugin, PngImagePlugin

from leapfrog.engine.host import die_with_parent
from leapfrog.processes.confinement import Rights, confine

# Loaded now, since nothing can be later. Some telephones write MPO, a JPEG with more pictures behind it.
PLUGINS = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin)
FORMATS = ("JPEG", "PNG")
QR: Any = zxingcpp.BarcodeFormat.QRCode  # releases before 3 know no other way to say it
MEMORY_BYTES = 2 * 1024**3
MOST_PIXELS = 250_000_000  # the largest cameras of telephones have 200 million
LARGEST_SIDE = 4000  # pixels that are looked at; a code that is smaller than a hundredth of that is too small anyway
NO_PICTURE = (
    "It is no JPEG or PNG picture, or a damaged one. Take a photo of the sheet, or save the picture as JPEG or PNG."
)
TOO_LARGE = "It has more pixels than any camera makes."
TOO_MUCH = "It needs more memory than it is allowed."


def codes_in(content: bytes) -> list[str]:
    """The texts of the QR codes in a picture, the largest view of it first. Raises ValueError with a sentence."""
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as photo:
            if photo.width * photo.height > MOST_PIXELS:
                raise ValueError(TOO_LARGE)
            photo.draft("L", (LARGEST_SIDE, LARGEST_SIDE))
            gray = photo.convert("L")
    except (OSError, SyntaxError) as problem:
        raise ValueError(NO_PICTURE) from problem
    gray.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    for side in (LARGEST_SIDE, 2000, 1000):  # noise and moiré vanish in a smaller picture
        if max(gray.size) > side:
            gray.thumbnail((side, side))
        found = zxingcpp.read_barcodes(gray, formats=QR)
        if found:
            return list(dict.fromkeys(one.text for one in found))
    return []


def main() -> int:
    """Look at the photo on stdin. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Reads QR codes in a photo; `leapfrog verify` starts it.")
    parser.add_argument("--parent", type=int, required=True, help="the parent's process id; this process ends with it")
    die_with_parent(parser.parse_args().parent)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    Image.MAX_IMAGE_PIXELS = None  # we look at that ourselves, before a pixel is decoded
    confine(Rights())
    content = sys.stdin.buffer.read()
    try:
        sys.stdout.write(json.dumps(codes_in(content)))
    except ValueError as problem:
        sys.stdout.write(str(problem))
        return 1
    except MemoryError:
        sys.stdout.write(TOO_MUCH)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
