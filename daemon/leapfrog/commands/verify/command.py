"""`leapfrog verify TEXT | PHOTO | report.json`: tells the three apart, and checks what it was given."""

from pathlib import Path

from leapfrog.commands.verify.code import verify_code
from leapfrog.commands.verify.outcome import Outcome
from leapfrog.commands.verify.photo import texts_in
from leapfrog.commands.verify.report import verify_report
from leapfrog.commands.verify.stations import KnownStations, known_stations
from leapfrog.errors import UsageError
from leapfrog.signed_summary.code_text import FIRST_WORD
from leapfrog.wording.verify_words import NO_CODE, SEVERAL

LARGEST_FILE_BYTES = 64 * 1024 * 1024
FILE_ENDINGS = (".jpg", ".jpeg", ".png", ".json")
JSON_BEGINS = b"{"


def verify(given: str, patient_id: str | None, stations: Path | None, state_dir: Path) -> Outcome:
    """Check the text of a code, or the file that `given` names: a photo of a sheet, or a report.json.

    `patient_id` is compared if it is not None. Stations are known that have a public key in the folder `stations`, and
    the box with `state_dir`. Raises UsageError for a file that is neither, LeapfrogError for a photo that cannot be
    looked at.
    """
    known = known_stations(state_dir, stations)
    path = Path(given)
    if _is_file(path):
        return _file(path, patient_id, known)
    if given.lower().endswith(FILE_ENDINGS):
        raise UsageError(f"{given} is not a file.")
    return verify_code(given, patient_id, known)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that can be no file's name, such as one of more than 255 letters
        return False


def _file(path: Path, patient_id: str | None, known: KnownStations) -> Outcome:
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise UsageError(f"{path} is larger than any photo of a sheet or report.json.")
    content = path.read_bytes()
    if content.lstrip().startswith(JSON_BEGINS):
        outcome = verify_report(path, content, patient_id, known)
        if outcome is None:
            raise UsageError(f"{path} is no report.json of Leapfrog.")
        return outcome
    return _photo(path, content, patient_id, known)


def _photo(path: Path, content: bytes, patient_id: str | None, known: KnownStations) -> Outcome:
    texts = texts_in(path, content)
    ours = [text for text in texts if text.startswith(FIRST_WORD)]
    if len(ours) > 1:
        return Outcome("code", trusted=False, lines=(SEVERAL.format(file=path),))
    if not texts:
        return Outcome("code", trusted=False, lines=(NO_CODE.format(file=path),))
    return verify_code((ours or texts)[0], patient_id, known)
