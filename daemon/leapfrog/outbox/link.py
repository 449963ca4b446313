"""What the outbox knows of the link to the district server, and what it tells of it."""

from dataclasses import dataclass
from typing import Literal

LinkWord = Literal["ok", "down", "locked", "window closed", "none"]

NOT_CONFIGURED = "no district server is configured: nothing is sent"


@dataclass(frozen=True, kw_only=True)
class Link:
    """`proven`: the far side answered as a district server does, and nothing failed since.

    `failures` counts those in a row since something was last settled; `due_at` is on the monotonic clock: before it
    nothing is tried.
    """

    proven: bool = False
    locked: bool = False
    failures: int = 0
    due_at: float = 0.0
    last_error: str = ""


@dataclass(frozen=True, kw_only=True)
class OutboxState:
    """The outbox at one moment, for `status`. Its texts hold nothing of patients.

    `explanation` is one sentence for people. `next_attempt_in_seconds` is None when nothing is planned, and
    `last_confirmed_at`, local ISO text, when the district has confirmed nothing yet.
    """

    configured: bool
    link: LinkWord
    explanation: str
    last_error: str
    next_attempt_in_seconds: float | None
    last_confirmed_at: str | None
