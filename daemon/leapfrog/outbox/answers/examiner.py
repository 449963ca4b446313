"""Has a document examined by a child without rights (`trials/answer_document.py`): it is a stranger's."""

import tempfile
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from leapfrog.answers.document import Document
from leapfrog.answers.examined import LARGEST_EXAMINED_BYTES, Examined
from leapfrog.errors import EngineError
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.trial import Trials

PROGRAM = "leapfrog.trials.answer_document"
SECONDS = 120.0  # on a board that boots from an SD card
LONGEST_REASON = 200
JPEG_START = b"\xff\xd8\xff"
NOT_EXAMINED = "It could not be examined: the program that looked at it ended without a result."


@dataclass(frozen=True)
class Examination:
    """What came of looking at a document: what it says, with the pictures of its pages (JPEG); or the `reason` why it
    was not understood, a sentence without patient data. `cut_short`: the box is stopping.
    """

    document: Document | None = None
    pages: tuple[bytes, ...] = ()
    reason: str = ""
    cut_short: bool = False


class Examiner:
    """Examines one document at a time."""

    def __init__(self) -> None:
        """No child runs yet."""
        self._children = Trials()

    def stop(self) -> None:
        """End an examination that is under way. Any thread may call it."""
        self._children.stop()

    def examine(self, path: Path) -> Examination:
        """Examine the document in the file `path`. Raises OSError when that cannot be read."""
        with tempfile.TemporaryFile(dir=path.parent) as printed:
            try:
                end = self._children.run(our_program(PROGRAM), SECONDS, path.read_bytes(), printed=printed)
            except EngineError as problem:
                return Examination(reason=str(problem))
            printed.seek(0)
            said = printed.read(LARGEST_EXAMINED_BYTES)
        if end.how == "stopped":
            return Examination(cut_short=True)
        if end.how != "by itself" or end.status not in (0, 1):
            return Examination(reason=NOT_EXAMINED)
        if end.status == 1:
            return Examination(reason=said.decode(errors="replace")[:LONGEST_REASON])
        return _understood(said)


def _understood(said: bytes) -> Examination:
    """What a child said that a document may have taken over."""
    try:
        examined = Examined.model_validate_json(said)
        pages = tuple(b64decode(page, validate=True) for page in examined.pages)
    except (ValidationError, ValueError):
        return Examination(reason=NOT_EXAMINED)
    if len(pages) != examined.document.pages or not all(page.startswith(JPEG_START) for page in pages):
        return Examination(reason=NOT_EXAMINED)
    return Examination(examined.document, pages)
