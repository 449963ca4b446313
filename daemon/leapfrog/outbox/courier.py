"""What every kind of destination can do: make one attempt to deliver something, and say what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from leapfrog.outbox.associations import Associations
from leapfrog.outbox.forms import Forms
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.known_instances import KnownInstances
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.spool import Spool

# Why something is refused that a person must look at: what is held there already stands under the same identifier.
OTHER_CONTENT = (
    "The district already held another image under the identifier (SOP Instance UID) of this one, and keeps that. Ask"
    " the district which of the two is right: this one is kept here until then."
)
NOT_COMPARED = (
    "The district already held something under the identifier (SOP Instance UID) of this image, and does not let this"
    " box compare the two. Look at the image there: if it is this one, dismiss this delivery."
)


@dataclass(frozen=True)
class Verdict:
    """What became of an attempt. `refused`: it will not be better next time; `doubtful`: refused without a reason that
    concerns the instance, so that the server may be the cause; `unclear`: neither refused nor confirmed; `unlisted`:
    said to be stored, but not found; `handed_over`: stored, but the promise to keep it has not come yet; `awaited`:
    nothing was tried, since something has to come first.
    """

    outcome: Literal["confirmed", "refused", "doubtful", "unclear", "unlisted", "handed_over", "awaited"]
    reason: str = ""


CONFIRMED = Verdict("confirmed")


@dataclass(frozen=True)
class Shortcoming:
    """What a server cannot do that it should, for a technician, although sending goes on; and what would mend it."""

    what: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a courier finds at the box, which calls itself `ae_title` where DICOM is spoken.

    `answered` is to be called when something proved that the server is there; `progress`, whenever bytes are about to
    move: it is a sign of life, and what it raises ends the transfer; `handed_over`, when a server stored something that
    it is to promise to keep. `forms`: in which form originals go; without, as they came. `associations`: which archives
    other senders are just sending to. Whoever sends bytes gives them to `pace`, which makes them wait where something
    is worth more, keeps to `throttle`, and calls `progress`.
    """

    deliveries: Deliveries
    spool: Spool
    known: KnownInstances
    throttle: Throttle
    pace: Pace
    timeouts: Timeouts
    progress: Callable[[], None]
    answered: Callable[[], None]
    ae_title: str = "LEAPFROG"
    handed_over: Callable[[], None] = lambda: None
    associations: Associations = field(default_factory=Associations)
    forms: Forms | None = None


class Courier(Protocol):
    """One destination, as a sender uses it. For one thread; only `cut` may be called from another."""

    def make(self, delivery: DeliveryRecord, *, proven: bool) -> Verdict:
        """Deliver it, asking first whether it is there already where that can be asked and matters. `proven`: the link
        was proven just now. Raises DistrictUnreachable when no server answered, DistrictLocked when it does not let
        this box in, another DistrictError when it answered in a way that says nothing.
        """

    def cut(self) -> None:
        """Break off what is running, and allow nothing else."""

    def break_off(self) -> None:
        """Break off what is running; others may follow. Any thread may call it."""

    def close(self) -> None:
        """End the connection."""

    def shortcomings(self) -> tuple[Shortcoming, ...]:
        """What the server was found not to do that it should."""


@runtime_checkable
class TakesSeveral(Protocol):
    """A courier that can bring several small things at once."""

    def make_together(self, deliveries: Sequence[DeliveryRecord]) -> Sequence[DeliveryRecord]:
        """Deliver several results that were never sent, while the link is proven. Returns those that are confirmed. The
        others have to be delivered one by one. Raises as `Courier.make`.
        """

    @property
    def takes_several(self) -> bool:
        """Whether that seems to be worth it."""
