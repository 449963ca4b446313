"""The box's outbox, as the daemon has it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clinic_day.clinic import Clinic
from leapfrog.outbox.outbox import Outbox
from leapfrog.settings import DistrictSettings


@contextmanager
def running_outbox(clinic: Clinic, url: str, on_fatal: Callable[[str], None]) -> Iterator[Outbox]:
    """One that sends to the DICOMweb server at `url` as long as the context lasts."""
    district = DistrictSettings(url=url)
    destination = district.destination()
    assert destination is not None
    outbox = Outbox((destination,), district, clinic.deliveries, clinic.spool, on_fatal)
    outbox.start()
    try:
        yield outbox
    finally:
        outbox.stop()
