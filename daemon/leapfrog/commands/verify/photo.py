"""The codes in a photo, read by a child without rights (`trials/code_photo.py`): the pixels are a stranger's."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from leapfrog.errors import EngineError, LeapfrogError
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.trial import Trials
from leapfrog.wording.verify_words import NOT_LOOKED_AT, UNFINISHED

PROGRAM = "leapfrog.trials.code_photo"
SECONDS = 120.0  # on a board that boots from an SD card
LONGEST_SENTENCE = 200
TEXTS = TypeAdapter(list[str])


def texts_in(photo: Path, content: bytes) -> list[str]:
    """The texts of the QR codes in `photo`, whose content is `content`. Raises LeapfrogError when it cannot be looked
    at.
    """
    end = Trials().run(our_program(PROGRAM), SECONDS, content)
    printed = end.printed.decode(errors="replace")
    if end.how != "by itself" or end.status not in (0, 1) or not printed:
        raise EngineError(NOT_LOOKED_AT.format(file=photo, reason=UNFINISHED))
    if end.status == 1:
        raise LeapfrogError(NOT_LOOKED_AT.format(file=photo, reason=printed[:LONGEST_SENTENCE]))
    try:
        return TEXTS.validate_json(printed)
    except ValidationError as problem:  # a photo has taken the program over
        raise EngineError(NOT_LOOKED_AT.format(file=photo, reason=UNFINISHED)) from problem
