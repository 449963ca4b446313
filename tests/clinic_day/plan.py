"""What a made-up day brings: when exams come in, which are urgent, and how large what they owe is."""

import random
from dataclasses import dataclass

from leapfrog.state.records import DeliveryKind

QUIET_SECONDS = 20.0
READING_SECONDS = 6.0
URGENT_SHARE = 0.2
# Made-up sizes in bytes, from least to most, of what is sent of one exam.
RESULT_BYTES: dict[DeliveryKind, tuple[int, int]] = {
    "structured_report": (3_000, 10_000),
    "report_pdf": (50_000, 100_000),
    "preview": (50_000, 70_000),
    "segmentation": (4_000, 12_000),
    "overlay": (80_000, 150_000),
}
SEGMENTED_SHARE = 0.3


@dataclass(frozen=True)
class PlannedExam:
    """One exam. Its results are owed `results_at` seconds after the beginning: as soon as they are read if it is
    urgent, or else when it has been quiet.
    """

    film_at: float
    results_at: float
    urgent: bool
    film_bytes: int
    result_bytes: dict[DeliveryKind, int]


@dataclass(frozen=True)
class DayPlan:
    """A day, or a part of one: `queued` films wait at its beginning."""

    seconds: float
    queued: int
    exams: tuple[PlannedExam, ...]
    queued_film_bytes: int


def plan_day(seconds: float, exams_per_hour: float, queued: int, film_bytes: int, seed: int) -> DayPlan:
    """The same seed brings the same day."""
    chance = random.Random(seed)
    count = max(2, round(exams_per_hour * seconds / 3600))
    last_film_at = max(0.0, seconds - QUIET_SECONDS - READING_SECONDS - min(90.0, seconds / 10))
    moments = sorted(chance.uniform(0.0, last_film_at) for _ in range(count))
    return DayPlan(
        seconds, queued, tuple(_exam(chance, at, film_bytes, place) for place, at in enumerate(moments)), film_bytes
    )


def _exam(chance: random.Random, film_at: float, film_bytes: int, place: int) -> PlannedExam:
    urgent = place % round(1 / URGENT_SHARE) == 1
    sizes = {kind: chance.randint(*bounds) for kind, bounds in RESULT_BYTES.items()}
    if chance.random() >= SEGMENTED_SHARE:
        del sizes["segmentation"]
    return PlannedExam(
        film_at,
        film_at + READING_SECONDS + (0.0 if urgent else QUIET_SECONDS),
        urgent,
        film_bytes,
        sizes,
    )
