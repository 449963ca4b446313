"""How long the outbox waits before it tries again."""

from dataclasses import dataclass

from leapfrog.outbox.pacing.backoff import Backoff

LINK_BACKOFF = Backoff(first_seconds=5.0, cap_seconds=300.0)
DELIVERY_BACKOFF = Backoff(first_seconds=15.0, cap_seconds=3600.0)
# While a server answers, but fails over one instance after the other: until one is found that it takes, or all were
# tried.
PROBE_BACKOFF = Backoff(first_seconds=5.0, cap_seconds=20.0)


@dataclass(frozen=True)
class Timing:
    """After a failure of the link, of one instance after the other, of one delivery, and when a server does not let
    this box in.
    """

    link: Backoff = LINK_BACKOFF
    probe: Backoff = PROBE_BACKOFF
    delivery: Backoff = DELIVERY_BACKOFF
    locked_seconds: float = 300.0
