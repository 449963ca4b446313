"""What the main process asks of the publishing program, and what that answers: a line of JSON each.

While it works, the program sends an empty line now and then as a sign of life.
"""

import errno
import json
from dataclasses import asdict, dataclass
from typing import Literal, Self

# What is wrong with the folder of the reports, if anything. "another": it is not the folder that was looked at last.
# "not_looked": nothing is known of it yet.
Condition = Literal[
    "good", "another", "missing", "not_mounted", "not_a_folder", "no_permission", "read_only", "full", "failing",
    "no_answer", "not_looked",
]  # fmt: skip

JobKind = Literal["inspect", "look", "publish", "take_back", "list", "tell", "alive", "remove"]

CONDITIONS: dict[int, Condition] = {
    errno.ENOENT: "missing",
    errno.ENOTDIR: "not_a_folder",
    errno.EACCES: "no_permission",
    errno.EPERM: "no_permission",
    errno.EROFS: "read_only",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
}


@dataclass(frozen=True, kw_only=True)
class DiskJob:
    """One thing to do in `reports_dir`, which must carry the mark `token`, so that nothing is written below the mount
    point of a disk that is gone. Paths are absolute.

    inspect: see how the folder is, and try to write there. look: see how it is, and mark it if it has no mark. `make`:
    create it if it is missing. `apart`: it was on a disk of its own when it was last seen, that is, on another than
    `state_dir` and the system. publish: bring version `version` of the report in `source` to `target`, and say
    `text` and its `signature` beside it. take_back: the reverse. list: make `target` what `source` is, or remove it
    where that is gone. tell: write `text` to `target`, not durably. alive: say `text` to the pages that listen to
    `target`, where they listen. remove: remove `target`.
    """

    kind: JobKind
    reports_dir: str
    token: str = ""
    state_dir: str = ""
    make: bool = False
    apart: bool = False
    source: str = ""
    target: str = ""
    version: int = 0
    text: str = ""
    signature: str = ""

    def line(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, line: bytes) -> Self:
        """The job that `line` says."""
        return cls(**json.loads(line))


@dataclass(frozen=True, kw_only=True)
class DiskAnswer:
    """How a job ended. `condition` is "good" when it was done; else `detail` is the system's own word for the error and
    `path` what it was about. `not_rendered`: the state directory does not have that report.

    `token`, `apart` and the bytes are how the folder is; only after a look or an inspection.
    """

    condition: Condition
    detail: str = ""
    path: str = ""
    not_rendered: bool = False
    token: str = ""
    apart: bool = False
    free_bytes: int = 0
    total_bytes: int = 0

    def line(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, line: bytes) -> Self:
        """The answer that `line` says."""
        return cls(**json.loads(line))


def condition_of(problem: OSError) -> Condition:
    """What an error says about the disk."""
    return CONDITIONS.get(problem.errno or 0, "failing")
