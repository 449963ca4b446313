"""The Edge TPUs of a box: which are present, which are proven, which lane has which, and when one is tried again.

A device is lent to one lane at a time, and only after a proof, which runs in a separate process while the lanes keep
reading. A device that failed rests, longer each time, and then needs a new proof.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from leapfrog.devices.kernel import kernel_devices
from leapfrog.devices.library import Inventory, take_inventory
from leapfrog.devices.proof import prove, too_hot
from leapfrog.errors import EngineError
from leapfrog.processes.device_failures import DeviceFailure, DeviceProof, FailureKind
from leapfrog.processes.messages import ReaderSetup
from leapfrog.processes.trial import Trials
from leapfrog.worker import Worker

LOOK_SECONDS = 2.0  # how often the kernel's list is checked for devices that were plugged in or unplugged
ASK_SECONDS = 30.0  # how often the library is asked while a device is not in use
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0
FORGIVEN_AFTER_SECONDS = 600.0  # of use without a failure; then earlier failures no longer count
NAMES_HOLD_SECONDS = 5.0  # names are valid only this long: libedgetpu renumbers devices when one comes or goes

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LentDevice:
    """A proven device that a lane has: its path, and the name by which libedgetpu opens it now."""

    path: str
    name: str


@dataclass(frozen=True)
class DeviceState:
    """The state of a device. `name` is the last name that libedgetpu gave it. `proof` is set while it is proven,
    `in_use` while a lane has it, `failure` after it failed. `next_try`, the earliest time for a new proof, and `since`
    are on the monotonic clock.
    """

    path: str
    name: str = ""
    proof: DeviceProof | None = None
    in_use: bool = False
    present: bool = True
    failure: DeviceFailure | None = None
    failures: int = 0
    next_try: float = 0.0
    since: float = 0.0

    @property
    def is_free(self) -> bool:
        """Whether a lane may take it."""
        return self.present and self.proof is not None and not self.in_use

    def is_due(self, now: float) -> bool:
        """Whether it should be proven now."""
        return self.present and self.proof is None and not self.in_use and now >= self.next_try

    def failed(self, failure: DeviceFailure, now: float) -> "DeviceState":
        """The state after a failure. The device rests twice as long as after the last one, unless it worked for a long
        time in between.
        """
        worked_long = self.in_use and now - self.since >= FORGIVEN_AFTER_SECONDS
        failures = 1 if worked_long else self.failures + 1
        next_try = now + _pause_seconds(failures)
        return replace(self, proof=None, in_use=False, failure=failure, failures=failures, next_try=next_try, since=now)


class DevicePool(Worker):
    """Manages the devices. Its own thread looks for them and proves them."""

    def __init__(self, python: str, setup: ReaderSetup, on_free: Callable[[], None]) -> None:
        """`on_free` is called on the pool's thread when a device can be taken."""
        super().__init__("edge-tpus")
        self._python = python
        self._setup = setup
        self._on_free = on_free
        self._trials = Trials()
        self._lock = threading.Lock()  # guards all up to _failure
        self._states: dict[str, DeviceState] = {}
        self._named_at = -NAMES_HOLD_SECONDS  # when the library last listed the names
        self._names_wanted = False
        self._failure: DeviceFailure | None = None  # of the library: why no device can be found
        self._seen: tuple[Path, ...] | None = None  # the kernel's list when the library was last asked
        self._asked_at, self._failures, self._rests_until = 0.0, 0, 0.0

    # ------------------------------------------------------------ what others call

    def stop(self) -> None:
        """Stop, and end a proof or an inventory that is running."""
        self._stopping.set()
        self._trials.stop()
        super().stop()

    def states(self) -> tuple[DeviceState, ...]:
        """Every device that was ever seen. From any thread."""
        with self._lock:
            return tuple(self._states.values())

    @property
    def failure(self) -> DeviceFailure | None:
        """Why no device can be found at all."""
        with self._lock:
            return self._failure

    def take(self) -> LentDevice | None:
        """Lend a free, proven device, or return None; never waits. If the devices' names may have changed, it returns
        None too: the library is asked again, and then `on_free` is called.
        """
        with self._lock:
            free = next((state for state in self._states.values() if state.is_free), None)
            if free is None:
                return None
            if time.monotonic() - self._named_at <= NAMES_HOLD_SECONDS:
                self._states[free.path] = replace(free, in_use=True, since=time.monotonic())
                return LentDevice(free.path, free.name)
            self._names_wanted = True
        self.wake()
        return None

    def give_back(self, device: LentDevice, failure: DeviceFailure | None = None) -> None:
        """Take `device` back from a lane. After a `failure` it needs a new proof."""
        with self._lock:
            state = self._states[device.path]
            if failure is None:
                self._states[device.path] = replace(state, in_use=False)
            else:
                self._states[device.path] = state.failed(failure, time.monotonic())
                _log.warning("Edge TPU %s: %s %s", device.path, failure.detail, failure.remedy)
        self.wake()

    # ------------------------------------------------------------ the pool's thread

    def turn(self) -> float:
        """Check the kernel's list, ask the library if there is a reason to, and prove one device that is due."""
        now = time.monotonic()
        listed = tuple(device.path for device in kernel_devices())
        is_time = self._one_is_idle() and now - self._asked_at >= ASK_SECONDS
        if (listed != self._seen or is_time or self._is_needed(now)) and now >= self._rests_until:
            self._seen, self._asked_at = listed, now
            if self._ask():
                self._failures = 0
                self._prove_one()
            else:
                self._failures += 1
                self._rests_until = time.monotonic() + _pause_seconds(self._failures)
        now = time.monotonic()
        return LOOK_SECONDS if now < self._rests_until or not self._is_needed(now) else 0.0

    def _one_is_idle(self) -> bool:
        with self._lock:
            return any(not state.in_use for state in self._states.values())

    def _is_needed(self, now: float) -> bool:
        """Whether the library is needed now: a lane is waiting for names, or a device for its proof."""
        with self._lock:
            return self._names_wanted or any(state.is_due(now) for state in self._states.values())

    def _ask(self) -> bool:
        """Ask the library for its devices and update the states. Returns whether it answered."""
        with self._lock:
            self._names_wanted = False
        try:
            inventory = take_inventory(self._python, trials=self._trials)
        except EngineError as problem:
            if not self._stopping.is_set():
                self._note_library(DeviceFailure(kind=FailureKind.REFUSED, detail=str(problem)))
            return False
        self._note_library(_library_failure(inventory))
        names = {device.path: name for device, name in zip(inventory.devices, inventory.names, strict=True)}
        with self._lock:
            self._named_at = time.monotonic()
            for path, name in names.items():
                state = self._states.get(path, DeviceState(path, since=time.monotonic()))
                if not state.present:  # plugged in again: it may be proven at once
                    state = replace(state, present=True, next_try=0.0)
                self._states[path] = replace(state, name=name)
            for path, state in self._states.items():
                if path not in names:
                    gone = DeviceFailure(kind=FailureKind.NO_DEVICE, detail="It is no longer connected.")
                    self._states[path] = replace(state, present=False, proof=None, failure=gone)
            one_is_free = any(state.is_free for state in self._states.values())
        if one_is_free:
            self._on_free()
        return True

    def _note_library(self, failure: DeviceFailure | None) -> None:
        with self._lock:
            if failure is not None and failure != self._failure:
                _log.info("No Edge TPU can be used: %s", failure.detail)
            self._failure = failure

    def _prove_one(self) -> None:
        now = time.monotonic()
        due = next((state for state in self.states() if state.is_due(now)), None)
        if due is None:
            return
        proof = self._prove(due)
        if proof is None:
            return
        with self._lock:
            state = self._states[due.path]
            if proof.failure is not None:
                self._states[due.path] = state.failed(proof.failure, time.monotonic())
            else:
                self._states[due.path] = replace(state, proof=proof, failure=None)
        if proof.failure is not None:
            level = logging.DEBUG if proof.failure == due.failure else logging.WARNING  # warn once about each failure
            _log.log(level, "Edge TPU %s cannot be used: %s %s", due.path, proof.failure.detail, proof.failure.remedy)
            return
        times = "; ".join(
            f"{package.package} {package.median_ms:.1f} ms (CPU {package.cpu_ms:.1f} ms)" for package in proof.packages
        )
        _log.info("Edge TPU %s is proven: %s.", due.path, times)
        self._on_free()

    def _prove(self, device: DeviceState) -> DeviceProof | None:
        """The result of a proof; None when the daemon stopped in the meantime."""
        if hot := too_hot(device.path):
            return DeviceProof(device=device.name, failure=hot)
        proof = prove(self._python, self._setup, device.name, device.path, trials=self._trials)
        return None if self._stopping.is_set() else proof


def _pause_seconds(failures: int) -> float:
    """How long to rest after this many failures in a row."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS)


def _library_failure(inventory: Inventory) -> DeviceFailure | None:
    if inventory.problem:
        return DeviceFailure(kind=FailureKind.NO_LIBRARY, detail=f"libedgetpu cannot be used: {inventory.problem}")
    if not inventory.devices:
        return DeviceFailure(kind=FailureKind.NO_DEVICE, detail="No Edge TPU is connected.")
    return None
