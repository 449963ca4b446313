"""The signature of this box beside an `evaluation.json`: only from figures that it measured itself does it take a
threshold over.
"""

from collections.abc import Mapping
from pathlib import Path

from leapfrog.commands.evaluate.kept import FILE_MODE
from leapfrog.durable import write_durably
from leapfrog.errors import StorageError, UsageError
from leapfrog.state.station.station_signature import SignedHere, signature_line, signed_here
from leapfrog.wording.threshold_words import evaluate_again

SUFFIX = ".sig"
REFUSED: Mapping[SignedHere, str] = {
    "altered": "{file} was altered after it was measured",
    "no key": "the station key that could tell whether this box measured {file} is missing",
    "another key": "{file} was measured by another box, or before this one got a new station key",
}


def signature_file(run: Path) -> Path:
    """Where the signature of the `evaluation.json` that is called `run` lies."""
    return run.with_name(run.name + SUFFIX)


def write_signed(run: Path, content: bytes, state_dir: Path) -> str:
    """Write `content` to `run`, and its signature beside it. Returns why it could not be signed, as a sentence; "" if
    it was. Raises OSError where neither can be written.
    """
    signature_file(run).unlink(missing_ok=True)
    write_durably(run, content, mode=FILE_MODE)
    try:
        line = signature_line(state_dir, content)
    except StorageError as problem:
        return f"No threshold can be taken over from this run, since this box could not sign it: {problem}"
    write_durably(signature_file(run), line, mode=FILE_MODE)
    return ""


def require_signed(run: Path, content: bytes, package: str, state_dir: Path) -> None:
    """Raises UsageError unless this box signed `content`, which `run` holds."""
    signature = signature_file(run)
    try:
        state = signed_here(state_dir, content, signature.read_bytes())
    except FileNotFoundError:
        reason = f"{run} is not signed: there is no {signature.name} beside it"
    except OSError as problem:
        raise UsageError(f"{signature} cannot be read: {problem.strerror}.") from problem
    else:
        if state == "signed":
            return
        reason = REFUSED[state].format(file=run)
    raise UsageError(
        f"No threshold is taken over: {reason}. {evaluate_again(package)} on this box, as root or as the daemon's user."
    )
