"""Examines a document of a district that comes on stdin, for `outbox/answers/`: a file from a stranger.

This is a separate process that has given up its rights before it looks at the first byte. It prints an `Examined` as
JSON, or exits with status 1 after one sentence, without patient data, why the document could not be understood.
"""

import argparse
import resource
import sys
from base64 import b64encode

from PIL import JpegImagePlugin, PngImagePlugin

from leapfrog.answers.examined import LARGEST_EXAMINED_BYTES, Examined
from leapfrog.engine.host import die_with_parent
from leapfrog.errors import UnreadableImage
from leapfrog.processes.confinement import Rights, confine
from leapfrog.reader.answers.document_reader import read_document
from leapfrog.reader.answers.pdf_pages import draw_pages

# Loaded now, since nothing can be later.
PLUGINS = (JpegImagePlugin, PngImagePlugin)
MEMORY_BYTES = 2 * 1024**3
TOO_MUCH = "It needs more memory than it is allowed."


def examine(content: bytes) -> Examined:
    """What the document says, with the pages of a PDF. Raises UnreadableImage with a sentence."""
    document, pdf = read_document(content)
    if not pdf:
        return Examined(document=document)
    pages, left_out = draw_pages(pdf)
    described = document.model_copy(update={"pages": len(pages), "left_out": left_out})
    return Examined(document=described, pages=tuple(b64encode(page).decode("ascii") for page in pages))


def main() -> int:
    """Examine what is on stdin. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Examines an answer of a district; the daemon starts it.")
    parser.add_argument("--parent", type=int, required=True, help="the parent's process id; this process ends with it")
    die_with_parent(parser.parse_args().parent)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    confine(Rights())
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_EXAMINED_BYTES, LARGEST_EXAMINED_BYTES))
    content = sys.stdin.buffer.read()
    try:
        sys.stdout.write(examine(content).model_dump_json())
    except UnreadableImage as problem:
        sys.stdout.write(str(problem))
        return 1
    except MemoryError:
        sys.stdout.write(TOO_MUCH)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
