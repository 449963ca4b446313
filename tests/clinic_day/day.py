"""Lives through a planned day with the real outbox, a real Orthanc and a slow link between them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from clinic_day.clinic import Clinic, OwedObject
from clinic_day.outbox import running_outbox
from clinic_day.plan import DayPlan
from clinic_day.readings import Reading
from leapfrog.outbox.outbox import Outbox
from support.orthanc import Orthanc
from support.shaped_link import BITS_PER_SECOND, DISTRICT, shaped_link

SAMPLE_SECONDS = 5.0


@dataclass
class DayResult:
    """What came of a day. Moments are seconds from its beginning."""

    plan: DayPlan
    bits_per_second: int
    begun_at: float
    seconds: float = 0.0
    objects: list[OwedObject] = field(default_factory=list)
    samples: list[tuple[float, dict[str, int]]] = field(default_factory=list)  # bytes handed over, by thread
    link_bytes: int = 0
    doubled: int = 0
    missing: int = 0
    fatal: list[str] = field(default_factory=list)


def live(
    plan: DayPlan,
    directory: Path,
    say: Callable[[str], None],
    bits_per_second: int = BITS_PER_SECOND,
    readings: Sequence[Reading] = (),
) -> DayResult:
    """Live through it, in `directory`. Needs root. What exams owe is the like of `readings`, one after the other, or
    without them made-up objects of the planned sizes.
    """
    clinic = Clinic.at(directory / "state")
    try:
        say(f"{plan.queued} films of {plan.queued_film_bytes / 1e6:g} MB are queued")
        for _ in range(plan.queued):
            clinic.owe_film(plan.queued_film_bytes, queued=True)
        with (
            shaped_link(bits_per_second) as link,
            Orthanc(directory / "district", host=DISTRICT, launcher=link.at_district) as district,
        ):
            return _live(plan, clinic, district, link.bytes_sent, say, bits_per_second, readings)
    finally:
        clinic.journal.close()


def _live(
    plan: DayPlan,
    clinic: Clinic,
    district: Orthanc,
    link_bytes: Callable[[], int],
    say: Callable[[str], None],
    bits_per_second: int,
    readings: Sequence[Reading],
) -> DayResult:
    result = DayResult(plan, bits_per_second, time.monotonic())
    before = link_bytes()
    with running_outbox(clinic, district.dicomweb_url, result.fatal.append) as outbox:
        _bring_exams(plan, clinic, outbox, result, say, readings)
        result.seconds = time.monotonic() - result.begun_at
        result.link_bytes = link_bytes() - before
        result.objects = list(clinic.deliveries.objects.values())
    confirmed = clinic.journal.rows("SELECT sop_instance_uid FROM deliveries WHERE state = 'confirmed'")
    held = district.held()
    result.missing = sum(not held[row["sop_instance_uid"]] for row in confirmed)
    result.doubled = sum(count > 1 for count in held.values())
    return result


def _bring_exams(
    plan: DayPlan,
    clinic: Clinic,
    outbox: Outbox,
    result: DayResult,
    say: Callable[[str], None],
    readings: Sequence[Reading],
) -> None:
    steps: list[tuple[float, Callable[[], None]]] = []
    studies: dict[int, tuple[str, str]] = {}

    def film(number: int) -> None:
        studies[number] = clinic.owe_film(plan.exams[number].film_bytes)
        outbox.wake()

    def results(number: int) -> None:
        reading = readings[number % len(readings)] if readings else None
        clinic.owe_results(plan.exams[number], *studies[number], reading)
        outbox.wake()
        say(f"{time.monotonic() - result.begun_at:.0f} s: results of an exam, {len(studies)} of {len(plan.exams)}")

    for number, exam in enumerate(plan.exams):
        steps += [(exam.film_at, partial(film, number)), (exam.results_at, partial(results, number))]
    steps += [(count * SAMPLE_SECONDS, lambda: None) for count in range(round(plan.seconds / SAMPLE_SECONDS) + 1)]
    for at, step in sorted(steps, key=lambda step: step[0]):
        time.sleep(max(0.0, result.begun_at + at - time.monotonic()))
        step()
        result.samples.append((time.monotonic() - result.begun_at, _handed_over(outbox)))


def _handed_over(outbox: Outbox) -> dict[str, int]:
    """How many bytes each sender has handed to its connection."""
    return {sender._thread.name: sender._pace.handed_over_bytes for sender in outbox.senders}
