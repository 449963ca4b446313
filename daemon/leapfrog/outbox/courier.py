"""What every kind of destination can do: make one attempt to deliver something, and say what became of it."""

from dataclasses import dataclass
from typing import Literal, Protocol

from leapfrog.state.records import DeliveryRecord


@dataclass(frozen=True)
class Verdict:
    """What became of an attempt. `refused`: it will not be better next time; `doubtful`: refused without a reason that
    concerns the instance, so that the server may be the cause; `unclear`: neither refused nor confirmed; `unlisted`:
    said to be stored, but not found; `handed_over`: stored, but the promise to keep it has not come yet.
    """

    outcome: Literal["confirmed", "refused", "doubtful", "unclear", "unlisted", "handed_over"]
    reason: str = ""


CONFIRMED = Verdict("confirmed")


class Courier(Protocol):
    """One destination, as the sender uses it. For one thread; only `cut` may be called from another."""

    def make(self, delivery: DeliveryRecord, *, proven: bool) -> Verdict:
        """Deliver it, asking first whether it is there already where that can be asked and matters. `proven`: the link
        was proven just now. Raises DistrictUnreachable when no server answered, DistrictLocked when it does not let
        this box in, another DistrictError when it answered in a way that says nothing.
        """

    def cut(self) -> None:
        """Break off what is running, and allow nothing else."""

    def close(self) -> None:
        """End the connection."""
