"""How a child that sees pixels begins: it ends with its parent, says nothing that names a patient, and gives up all
rights that it does not need before it sees a byte of an image.
"""

import faulthandler
import logging
import resource
import sys
import traceback
import warnings
from types import TracebackType

from leapfrog.engine.host import die_with_parent, move_standard_output_to_stderr, yield_to_daemon
from leapfrog.processes.channel import READER_NOTE
from leapfrog.processes.confinement import Rights, confine

# What pydicom would import with itself, in 0.1 s and 20 MiB, and does without: `requests` and `tqdm` fetch its
# examples, and a reader must not use the network; gdcm is loaded when a picture needs it (`image/frames/`).
KEPT_AWAY = ("requests", "tqdm", "gdcm")


def begin(parent: int, memory_limit_bytes: int, rights: Rights) -> None:
    """Begin, with nothing but `rights` left. To be called before there is a second thread."""
    move_standard_output_to_stderr()
    die_with_parent(parent)
    yield_to_daemon()
    faulthandler.enable()
    sys.excepthook = _log_uncaught
    warnings.simplefilter("ignore")  # pydicom's warnings quote values, including patients' names
    logging.disable(logging.CRITICAL)
    for module in KEPT_AWAY:
        sys.modules[module] = None  # type: ignore[assignment]
    resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold a patient's image
    confine(rights)


def note(sentence: str) -> None:
    """Write a line to the daemon's log; it must not name a patient."""
    sys.stderr.write(f"{READER_NOTE}{sentence}\n")
    sys.stderr.flush()


def _log_uncaught(kind: type[BaseException], _value: BaseException, trace: TracebackType | None) -> None:
    """Log where an uncaught error came from. The error's own text is left out, since it may quote a patient's data."""
    note(f"ended by {kind.__name__}")
    for entry in traceback.extract_tb(trace):
        sys.stderr.write(f'  File "{entry.filename}", line {entry.lineno}, in {entry.name}\n')
