"""How a job on a lane ended: with a result, or with who failed."""

from dataclasses import dataclass
from typing import Literal

from leapfrog.processes.messages import ReadResult, ReportResult

Side = Literal["reader", "engine"]


@dataclass(frozen=True)
class ReaderDied:
    """The reader ended in the middle of a job; charged to the image."""

    detail: str


@dataclass(frozen=True)
class EngineDied:
    """The engine host ended or answered nonsense; charged to the device, the image is read again."""

    detail: str


@dataclass(frozen=True)
class DeadlineMissed:
    """The job took too long; charged to the side that had the work."""

    charged_to: Side


JobEnd = ReadResult | ReportResult | ReaderDied | EngineDied | DeadlineMissed
