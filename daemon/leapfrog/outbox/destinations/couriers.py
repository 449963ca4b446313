"""Which courier brings things to a destination of which kind."""

from leapfrog.outbox.courier import Courier, Surroundings
from leapfrog.outbox.destinations.dicomweb.courier import DicomwebCourier
from leapfrog.settings import DestinationSettings


def courier_for(destination: DestinationSettings, around: Surroundings) -> Courier:
    """A courier of the destination's kind. It connects only when it has something to bring."""
    return DicomwebCourier(destination, around)
