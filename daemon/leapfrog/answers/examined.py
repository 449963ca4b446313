"""What the child that examines a document says: what travels from it to the main process."""

from typing import Annotated

from pydantic import Field

from leapfrog.answers.document import MOST_PAGES, Document
from leapfrog.exam import Frozen

LARGEST_EXAMINED_BYTES = 32 * 1024**2  # of JSON, pictures of pages included


class Examined(Frozen):
    """A document, and the pages of a PDF: JPEG files in Base64."""

    document: Document
    pages: Annotated[tuple[str, ...], Field(max_length=MOST_PAGES)] = ()
