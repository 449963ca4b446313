"""`leapfrog verify TEXT | PHOTO | report.json`: tells the three apart, and checks what it was given."""

import codecs
import re
import sys
from pathlib import Path

from leapfrog.commands.stations import KnownStations, known_stations
from leapfrog.commands.verify.code import verify_code
from leapfrog.commands.verify.outcome import Outcome
from leapfrog.commands.verify.photo import texts_in
from leapfrog.commands.verify.report import verify_report
from leapfrog.errors import UsageError
from leapfrog.plain_file import NotPlain, content_of
from leapfrog.signed_summary.signing import is_code
from leapfrog.wording.verify_words import NO_CODE, SEVERAL

LARGEST_FILE_BYTES = 64 * 1024 * 1024
LARGEST_TEXT_BYTES = 64 * 1024  # of a file or a message with the text of a code in it
STDIN = "-"
FILE_NAME = re.compile(r"[^:\n]*\.[A-Za-z0-9]{2,5}")  # ends as the name of a file does
JSON_BEGINS = b"{"
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")  # no text has these, and every picture and PDF does


def verify(given: str, patient_id: str | None, stations: Path | None, state_dir: Path) -> Outcome:
    """Check the text of a code, or the file that `given` names: a photo of a sheet, a report.json, or a file with the
    text. `-` reads a photo or the text from stdin.

    `patient_id` is compared if it is not None. Stations are known that have a public key in the folder `stations`, and
    the box with `state_dir`. Raises UsageError for a file that is none of these, LeapfrogError for a photo that cannot
    be looked at.
    """
    known = known_stations(state_dir, stations)
    if given == STDIN:
        content = sys.stdin.buffer.read(LARGEST_FILE_BYTES + 1)
        if len(content) > LARGEST_FILE_BYTES:
            raise UsageError("What came on stdin is larger than any photo of a sheet.")
        return _text_or_photo(Path("stdin"), content, patient_id, known)
    path = Path(given)
    if _is_there(path):
        return _file(path, patient_id, known)
    if FILE_NAME.fullmatch(given) and not is_code(given):
        raise UsageError(f"{given} is not a file.")
    return verify_code(given, patient_id, known)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a text that can be no file's name, such as one of more than 255 letters
        return False


def _file(path: Path, patient_id: str | None, known: KnownStations) -> Outcome:
    try:
        content = content_of(path, LARGEST_FILE_BYTES)
    except NotPlain as problem:
        raise UsageError(f"{path} is not a file, or is larger than any photo of a sheet or report.json.") from problem
    except OSError as problem:
        raise UsageError(f"{path} cannot be read: {problem.strerror}.") from problem
    if content.removeprefix(codecs.BOM_UTF8).lstrip().startswith(JSON_BEGINS):
        outcome = verify_report(path, content, patient_id, known)
        if outcome is None:
            raise UsageError(f"{path} is no report.json of Leapfrog.")
        return outcome
    return _text_or_photo(path, content, patient_id, known)


def _text_or_photo(path: Path, content: bytes, patient_id: str | None, known: KnownStations) -> Outcome:
    text = _text(content)
    return _photo(path, content, patient_id, known) if text is None else verify_code(text, patient_id, known)


def _text(content: bytes) -> str | None:
    """The text that `content` is, if it has a code of ours in it; else it is left to whoever reads photos."""
    if len(content) > LARGEST_TEXT_BYTES:
        return None
    try:
        text = content.decode("utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8")
    except UnicodeDecodeError:
        return None
    return text if not CONTROL.search(text) and is_code(text) else None


def _photo(path: Path, content: bytes, patient_id: str | None, known: KnownStations) -> Outcome:
    texts = texts_in(path, content)
    ours = [text for text in texts if is_code(text)]
    if len(ours) > 1:
        return Outcome("code", trusted=False, lines=(SEVERAL.format(file=path),))
    if not texts:
        return Outcome("code", trusted=False, lines=(NO_CODE.format(file=path),))
    return verify_code((ours or texts)[0], patient_id, known)
