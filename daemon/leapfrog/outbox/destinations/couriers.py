"""Which courier brings things to a destination of which kind."""

from leapfrog.outbox.courier import Courier, Surroundings
from leapfrog.outbox.destinations.dicom.courier import DicomCourier
from leapfrog.settings import DestinationSettings


def courier_for(destination: DestinationSettings, around: Surroundings) -> Courier:
    """A courier of the destination's kind. It connects only when it has something to bring."""
    if destination.kind == "dicom":
        return DicomCourier(destination, around)
    from leapfrog.outbox.destinations.dicomweb.courier import DicomwebCourier  # `requests` takes 4 MiB

    return DicomwebCourier(destination, around)
