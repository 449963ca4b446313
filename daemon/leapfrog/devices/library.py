"""Asks libedgetpu and the engine host's interpreter for the Edge TPUs, in a separate process because the library may
crash or hang.

Only the library knows the names by which devices are opened. That it lists a device does not prove that it works.
"""

import sys
from typing import Literal

from pydantic import ValidationError

from leapfrog.errors import EngineError, LibraryFailed
from leapfrog.exam import Frozen
from leapfrog.processes.command_lines import EDGE_TPU_LIBRARY, engine_host
from leapfrog.processes.trial import TrialEnd, Trials

INVENTORY_SECONDS = 30.0  # long enough for a first start of the interpreter from an SD card


class LibraryDevice(Frozen):
    """A device as libedgetpu lists it."""

    type: str
    path: str


class Inventory(Frozen):
    """What the engine host's interpreter has for an Edge TPU. `problem` is why the library could not be asked."""

    python: str
    runtime: str
    runtime_version: str
    pycoral: Literal["", "genuine", "impostor"]
    library_version: str
    devices: tuple[LibraryDevice, ...]
    problem: str

    @property
    def names(self) -> tuple[str, ...]:
        """The name by which libedgetpu opens each device, such as "usb:0" or "pci:0"."""
        buses = [device.type for device in self.devices]
        return tuple(f"{bus}:{buses[:index].count(bus)}" for index, bus in enumerate(buses))


def take_inventory(
    python: str = sys.executable,
    library: str = EDGE_TPU_LIBRARY,
    seconds: float = INVENTORY_SECONDS,
    trials: Trials | None = None,
) -> Inventory:
    """Ask the interpreter `python` and the library. With `trials`, another thread can end the wait.

    Raises LibraryFailed when the library crashes or hangs, EngineError when the interpreter cannot run the engine host.
    """
    end = (trials or Trials()).run(engine_host(python, "--inventory", "--library", library), seconds)
    if end.how == "late":
        raise LibraryFailed(f"{library} did not list its devices within {seconds:.0f} s.")
    if end.status < 0:
        raise LibraryFailed(f"{library} crashed when it was asked for its devices (signal {-end.status}).")
    try:
        return Inventory.model_validate_json(end.printed)
    except ValidationError as problem:
        raise EngineError(f"{python} cannot run the engine host: {_last_stderr_line(end)}") from problem


def _last_stderr_line(end: TrialEnd) -> str:
    return "".join(end.stderr.decode("utf-8", "replace").strip().splitlines()[-1:])[:300]
