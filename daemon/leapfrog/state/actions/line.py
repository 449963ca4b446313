"""One line of the log of who did what: JSON, with the SHA-256 of the line before, so that none can be changed or taken
out without a trace.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from leapfrog.exam_number import is_right, meant
from leapfrog.state.actions.who import Who
from leapfrog.wording.text import clean

MOST_NAMED = 20  # exams, deliveries or images in one line; of more, only how many there are
LONGEST_DETAIL = 500  # characters
LONGEST_ACTION = 40
LONGEST_LINE_BYTES = 16 * 1024
FIRST_HASH = "0" * 64  # before the first line
# What lines of the log itself are called.
STARTED, REPAIRED, SHORTENED = "log started", "log repaired", "log shortened"

# `begun`: noted before it is done, since it may only be done if it is noted. `refused`: not done. `failed`: tried.
Outcome = Literal["begun", "done", "refused", "failed"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)

_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64}")


class ActionLine(BaseModel):
    """What one person did. It holds no patient data: exams by their numbers, everything else by our own ids."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sequence: int
    at: str  # UTC, by the box's clock, which may be wrong: the sequence says the order
    who: Who
    action: str
    about: tuple[str, ...] = ()
    more: int = 0  # of which it was about, and which are not named
    outcome: Outcome
    detail: str = ""
    begun: int | None = None  # the sequence of the line that said so before
    before: str  # the hash of the line before

    def as_bytes(self) -> bytes:
        """As it is written, without the end of the line."""
        return self.model_dump_json(exclude_defaults=True).encode("utf-8")


def line_in(raw: bytes) -> ActionLine | None:
    """What was written; None for what is no such line."""
    try:
        return ActionLine.model_validate_json(raw)
    except (ValidationError, ValueError):
        return None


def hash_of(raw: bytes) -> str:
    """By which the next line holds on to this one."""
    return hashlib.sha256(raw).hexdigest()


def shortened(detail: str, longest: int = LONGEST_DETAIL) -> str:
    """A detail as one line that steers no terminal, and is not too long."""
    return clean(detail, longest)


def named(about: str | Sequence[str]) -> tuple[tuple[str, ...], int]:
    """What an action was about, as it may stand in the log, and how many more there were."""
    every = [about] if isinstance(about, str) else list(about)
    shown = [clean(one, 64) for one in every if one]
    return tuple(shown[:MOST_NAMED]), max(0, len(shown) - MOST_NAMED)


def is_no_name(text: str) -> bool:
    """Whether this cannot be the name of a patient: the number of an exam, or an id of ours."""
    return is_right(meant(text) or "") or _ID.fullmatch(text) is not None
