"""What libedgetpu and the engine host's interpreter say of the Edge TPUs, asked in a process of its own.

Only the library knows the names by which a device is opened. It may crash or hang, and does not prove that a device
works.
"""

import sys
from typing import Literal

from pydantic import ValidationError

from leapfrog.errors import EngineError, LibraryFailed
from leapfrog.exam import Frozen
from leapfrog.processes.command_lines import EDGE_TPU_LIBRARY, engine_host
from leapfrog.processes.trial import TrialEnd, Trials

INVENTORY_SECONDS = 30.0  # a first opening of the interpreter on an SD card takes some of them


class LibraryDevice(Frozen):
    """A device as libedgetpu lists it."""

    type: str
    path: str


class Inventory(Frozen):
    """What the interpreter of the engine host has for an Edge TPU; `problem` says why nothing could be asked."""

    python: str
    runtime: str
    runtime_version: str
    pycoral: Literal["", "genuine", "impostor"]
    library_version: str
    devices: tuple[LibraryDevice, ...]
    problem: str

    @property
    def names(self) -> tuple[str, ...]:
        """By which libedgetpu opens each device, such as "usb:0" and "pci:0"."""
        buses = [device.type for device in self.devices]
        return tuple(f"{bus}:{buses[:place].count(bus)}" for place, bus in enumerate(buses))


def take_inventory(
    python: str = sys.executable,
    library: str = EDGE_TPU_LIBRARY,
    seconds: float = INVENTORY_SECONDS,
    trials: Trials | None = None,
) -> Inventory:
    """Ask the interpreter `python` and the library; `trials` lets another thread end the wait.

    Raises LibraryFailed, or EngineError when the interpreter cannot be started or cannot ask.
    """
    end = (trials or Trials()).run(engine_host(python, "--inventory", "--library", library), seconds)
    if end.how == "late":
        raise LibraryFailed(f"{library} does not say within {seconds:.0f} s which devices there are.")
    if end.status < 0:
        raise LibraryFailed(f"{library} ended the process that asked it for its devices (signal {-end.status}).")
    try:
        return Inventory.model_validate_json(end.printed)
    except ValidationError as problem:
        raise EngineError(f"{python} cannot run the engine host: {_last_words(end)}") from problem


def _last_words(end: TrialEnd) -> str:
    return "".join(end.complained.decode("utf-8", "replace").strip().splitlines()[-1:])[:300]
