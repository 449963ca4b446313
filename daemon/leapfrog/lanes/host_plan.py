"""On what a lane's next engine host runs, and when it may start."""

import time
from collections import deque
from dataclasses import dataclass, field

from leapfrog.devices.pool import DevicePool, LentDevice
from leapfrog.devices.proof import too_hot
from leapfrog.exam import ImageReading
from leapfrog.processes.command_lines import on_edge_tpu
from leapfrog.processes.device_failures import DeviceFailure, FailureKind

LONGEST_PAUSE_SECONDS = 30.0  # between two starts of an engine host that keeps failing
# A device on USB does not tell its temperature: one that slows itself down is known by so many slow images on end.
SLOW_IMAGES = 5
SLOW_TIMES, SLOW_MS = 5.0, 100.0


@dataclass(frozen=True)
class LostDevice:
    """The Edge TPU that a lane had, why it was given up, and when (time.time())."""

    path: str
    failure: DeviceFailure
    at: float


@dataclass
class _Pace:
    """Milliseconds that a frame took on the device with a package's model: the best, and those of the last images."""

    best: float = float("inf")
    last: deque[float] = field(default_factory=lambda: deque(maxlen=SLOW_IMAGES))

    def add(self, milliseconds: float) -> None:
        self.best = min(self.best, milliseconds)
        self.last.append(milliseconds)

    @property
    def is_slow(self) -> bool:
        return len(self.last) == SLOW_IMAGES and min(self.last) > SLOW_TIMES * self.best + SLOW_MS


def milliseconds_a_frame(reading: ImageReading, frames_per_cine: int) -> float:
    """How long the model took; of a cine, of which at most `frames_per_cine` frames are read, a frame's share."""
    frames = max(1, min(reading.header.frames, frames_per_cine))
    return reading.milliseconds.get("inferring", 0.0) / frames


class HostPlan:
    """Keeps a lane's Edge TPU while it has one; without any, its hosts run on the processor."""

    def __init__(self, pool: DevicePool | None) -> None:
        """`pool` is None where the settings want the processor."""
        self._pool = pool
        self._device: LentDevice | None = None
        self._failures = 0  # since a host last answered
        self._may_start_at = 0.0
        self._paces: dict[str, _Pace] = {}  # of packages on the device
        self.lost: LostDevice | None = None  # until another device serves

    @property
    def pause_seconds(self) -> float:
        """How long until a host may start."""
        return max(0.0, self._may_start_at - time.monotonic())

    def options(self) -> list[str]:
        """What the next host is started with."""
        if self._device is None:
            return []
        return on_edge_tpu(self._device.name)

    def take(self) -> bool:
        """Take an Edge TPU instead of the processor; whether one was free."""
        if self._device is not None or self._pool is None:
            return False
        self._device = self._pool.take()
        return self._device is not None

    def answered(self, package: str, milliseconds: float) -> None:
        """A host has read an image with the model of `package`, which took so long a frame."""
        self._failures = 0
        if self._device is not None:
            self.lost = None
            self._paces.setdefault(package, _Pace()).add(milliseconds)

    def unfit(self) -> DeviceFailure | None:
        """Why the device, which answers still, should not be used further."""
        if self._pool is None or self._device is None:
            return None
        for package, pace in self._paces.items():
            if pace.is_slow:
                detail = (
                    f"{package} took {min(pace.last):.0f} ms and more for {SLOW_IMAGES} images, {pace.best:.0f} before."
                )
                return DeviceFailure(kind=FailureKind.SLOW, detail=detail)
        return too_hot(self._device.path)

    def failed(self, failure: DeviceFailure) -> float:
        """A host failed: seconds until the next may start. An Edge TPU is given back, and the processor takes over at
        once.
        """
        if self.give_back(failure):
            return 0.0
        self._failures += 1
        pause = 0.0 if self._failures == 1 else min(2.0 ** (self._failures - 2), LONGEST_PAUSE_SECONDS)
        self._may_start_at = time.monotonic() + pause
        return pause

    def give_back(self, failure: DeviceFailure | None = None) -> bool:
        """Part with the Edge TPU, if there is one; with `failure` it was lost."""
        if self._device is None or self._pool is None:
            return False
        self._pool.give_back(self._device, failure)
        if failure is not None:
            self.lost = LostDevice(self._device.path, failure, time.time())
        self._device = None
        self._paces = {}
        return True
