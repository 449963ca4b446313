"""Decides whether a lane's next engine host uses an Edge TPU or the processor, and when it may start."""

import time
from collections import deque
from dataclasses import dataclass, field

from leapfrog.devices.pool import DevicePool, LentDevice
from leapfrog.devices.proof import too_hot
from leapfrog.exam import ImageReading
from leapfrog.processes.command_lines import on_edge_tpu
from leapfrog.processes.device_failures import DeviceFailure, FailureKind

LONGEST_PAUSE_SECONDS = 30.0  # between two starts of an engine host that keeps failing
MANY_FAILURES = 3  # one after the other, with no image read between them
# An overheated device slows itself down, but one on USB does not report its temperature. So it counts as overheated
# when this many images in a row each took longer than SLOW_FACTOR times its best time plus SLOW_MARGIN_MS.
SLOW_IMAGES = 5
SLOW_FACTOR, SLOW_MARGIN_MS = 5.0, 100.0


@dataclass(frozen=True)
class LostDevice:
    """An Edge TPU that a lane gave up, why, and when (time.time())."""

    path: str
    failure: DeviceFailure
    at: float


@dataclass
class _Pace:
    """How many milliseconds per frame a package's model takes on the device: the best time, and the latest times."""

    best: float = float("inf")
    last: deque[float] = field(default_factory=lambda: deque(maxlen=SLOW_IMAGES))

    def add(self, milliseconds: float) -> None:
        self.best = min(self.best, milliseconds)
        self.last.append(milliseconds)

    @property
    def is_slow(self) -> bool:
        return len(self.last) == SLOW_IMAGES and min(self.last) > SLOW_FACTOR * self.best + SLOW_MARGIN_MS


def milliseconds_per_frame(reading: ImageReading) -> float:
    """How long the model took for each frame on average."""
    return reading.milliseconds.get("inferring", 0.0) / max(1, reading.frames_read)


class HostPlan:
    """Holds the Edge TPU that a lane has borrowed. While it has none, its engine hosts use the processor."""

    def __init__(self, pool: DevicePool | None) -> None:
        """`pool` is None when the settings ask for the processor."""
        self._pool = pool
        self._device: LentDevice | None = None
        self._failures = 0  # since a host last read an image
        self._may_start_at = 0.0
        self._paces: dict[str, _Pace] = {}  # on the present device, by package
        self.lost: LostDevice | None = None  # the last device given up after a failure; None once another works
        self.broken: DeviceFailure | None = None  # why hosts on the processor fail again and again

    @property
    def pause_seconds(self) -> float:
        """How long to wait before the next host may start."""
        return max(0.0, self._may_start_at - time.monotonic())

    def options(self) -> list[str]:
        """The command-line options for the next host."""
        if self._device is None:
            return []
        return on_edge_tpu(self._device.name)

    def take(self) -> bool:
        """Borrow an Edge TPU if the lane has none and one is free. Returns whether it did."""
        if self._device is not None or self._pool is None:
            return False
        self._device = self._pool.take()
        return self._device is not None

    def image_read(self, package: str, milliseconds: float) -> None:
        """Record that a host read an image with the model of `package`, which took `milliseconds` per frame."""
        self._failures, self.broken = 0, None
        if self._device is not None:
            self.lost = None
            self._paces.setdefault(package, _Pace()).add(milliseconds)

    def reason_to_give_up(self) -> DeviceFailure | None:
        """Why the device should be given up although it still answers: too slow or too hot. None if it is fine."""
        if self._pool is None or self._device is None:
            return None
        for package, pace in self._paces.items():
            if pace.is_slow:
                detail = (
                    f"{package} took {min(pace.last):.0f} ms or more for each of the last {SLOW_IMAGES} images; its"
                    f" best time was {pace.best:.0f} ms."
                )
                return DeviceFailure(kind=FailureKind.SLOW, detail=detail)
        return too_hot(self._device.path)

    def failed(self, failure: DeviceFailure) -> float:
        """Record that a host failed. Returns the seconds until the next one may start.

        If the host used an Edge TPU, the device is given back and the processor takes over at once.
        """
        if self.give_back(failure):
            return 0.0
        self._failures += 1
        self.broken = failure if self._failures >= MANY_FAILURES else None
        pause = 0.0 if self._failures == 1 else min(2.0 ** (self._failures - 2), LONGEST_PAUSE_SECONDS)
        self._may_start_at = time.monotonic() + pause
        return pause

    def give_back(self, failure: DeviceFailure | None = None) -> bool:
        """Give the Edge TPU back, because of `failure` if there was one. Returns whether the lane had a device."""
        if self._device is None or self._pool is None:
            return False
        self._pool.give_back(self._device, failure)
        if failure is not None:
            self.lost = LostDevice(self._device.path, failure, time.time())
        self._device = None
        self._paces = {}
        return True
