"""The inputs in the repository, for each target: the corpus, which reaches what was reached; the finds, which once
broke something; and the ends, at which a decoder ends the process. All are made up, by `seeds` of a target or by a
fuzzer from those.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from fuzzing.target import Target, check

CORPUS = Path(__file__).with_name("corpus")
FINDS = Path(__file__).with_name("finds")
ENDS = Path(__file__).with_name("ends")  # at which a decoder ended the process
LARGEST_CORPUS_BYTES = 60_000  # of one target, its seeds not counted


def kept(target: Target) -> list[Path]:
    """The files of the corpus and of the finds."""
    folders = (CORPUS / target.name, FINDS / target.name)
    return sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir() if not path.suffix)


def write(folder: Path, contents: Iterable[bytes]) -> None:
    """Write inputs, each under its own digest."""
    folder.mkdir(parents=True, exist_ok=True)
    for content in contents:
        (folder / hashlib.sha1(content).hexdigest()[:16]).write_bytes(content)


def choose(target: Target, candidates: Iterable[bytes]) -> list[bytes]:
    """Of inputs that break nothing, the fewest bytes that take every way through the code which the `candidates` take
    and the target's seeds do not: the smallest first, as long as there is room.
    """
    known: set[Any] = set()
    for seed in target.seeds().values():
        known |= _ways(target, seed) or set()
    chosen, room = [], LARGEST_CORPUS_BYTES
    for content in sorted(set(candidates), key=len):
        ways = _ways(target, content) if len(content) <= room else None
        if ways is not None and ways - known:
            known |= ways
            room -= len(content)
            chosen.append(content)
    return chosen


def _ways(target: Target, content: bytes) -> set[Any] | None:
    """The pairs of lines in our code that follow one another; None where the input breaks something."""
    found: set[Any] = set()

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        if "/leapfrog/" not in frame.f_code.co_filename:
            return None
        last = frame.f_lineno

        def lines(within: FrameType, event: str, _argument: object) -> Any:
            nonlocal last
            if event == "line":
                found.add((within.f_code.co_filename, last, within.f_lineno))
                last = within.f_lineno
            return lines

        return lines

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        check(target, content)
    except Exception:
        return None
    finally:
        sys.settrace(before)
    return found
