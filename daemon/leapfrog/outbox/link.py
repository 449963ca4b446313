"""The state of the link to a destination, and of the outbox as `status` shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from leapfrog.state.records import DeliveryState
from leapfrog.state.sending.exported import Sticks

# "stick": no link leads there, and what is owed is carried.
LinkState = Literal["ok", "down", "locked", "window closed", "stick", "none"]

NOT_CONFIGURED = "no district server is configured: nothing is sent"
NOT_SENDING = "nothing is sent while no daemon is running"
GONE = "the settings do not have it any more, so nothing is sent to it"


@dataclass(frozen=True, kw_only=True)
class Link:
    """The link now. `proven` means that a district server answered, and nothing has failed since.

    `failures` is how many times in a row the link failed since a delivery was last confirmed or refused. Nothing is
    tried before `due_at`, on the monotonic clock.
    """

    proven: bool = False
    locked: bool = False
    failures: int = 0
    due_at: float = 0.0
    last_error: str = ""


@dataclass(frozen=True, kw_only=True)
class DestinationState:
    """One destination at one moment, for `status`: as OutboxState has it for all of them. `deliveries` counts those to
    it by their states. `sticks`: what was written on sticks for it; None when it has no key for that.
    `bytes_per_second` is what was really sent, on a moving average; None while too little was sent
    to tell.
    """

    name: str
    link: LinkState
    explanation: str
    last_error: str
    next_attempt_in_seconds: float | None
    last_confirmed_at: str | None
    failing_since: str = ""
    bytes_per_second: float | None = None
    seconds_left: float | None = None
    deliveries: Mapping[DeliveryState, int] = field(default_factory=dict)
    oldest_owed_seconds: float | None = None
    sticks: Sticks | None = None


@dataclass(frozen=True, kw_only=True)
class OutboxState:
    """The outbox at one moment, for `status`. Its texts contain no patient data. With several `destinations`, its link
    is the worst of theirs.

    `explanation` is a sentence for people. `next_attempt_in_seconds` is None when nothing is planned.
    `last_confirmed_at` is local ISO text, or None when nothing was confirmed yet. `failing_since` is
    local ISO text, or "" while the link works. `seconds_left`: what sending all that waits takes, at the rate that was
    measured, without the hours outside the sync windows; None while that is unknown.
    """

    configured: bool
    link: LinkState
    explanation: str
    last_error: str
    next_attempt_in_seconds: float | None
    last_confirmed_at: str | None
    failing_since: str = ""
    seconds_left: float | None = None
    destinations: tuple[DestinationState, ...] = ()
