"""How a job on a lane ended: with a result, or with the side that failed."""

from dataclasses import dataclass
from typing import Literal

from leapfrog.processes.messages import ReadResult, ReportResult

Side = Literal["reader", "engine"]


@dataclass(frozen=True)
class ReaderDied:
    """The reader ended in the middle of a job. This counts against the image."""

    detail: str


@dataclass(frozen=True)
class EngineDied:
    """The engine host ended, or its answer was invalid. This counts against the device; the image is read again."""

    detail: str


@dataclass(frozen=True)
class DeadlineMissed:
    """The job took too long. This counts against the side that was working at the time."""

    charged_to: Side


@dataclass(frozen=True)
class DiskRefused:
    """The disk of the state directory took no more. This counts against nobody; the job is done again later."""

    detail: str


@dataclass(frozen=True)
class GivenUp:
    """The report was given up for one that cannot wait. This counts against nobody."""


JobEnd = ReadResult | ReportResult | ReaderDied | EngineDied | DeadlineMissed | DiskRefused | GivenUp
