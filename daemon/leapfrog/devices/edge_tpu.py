"""Which Edge TPUs this box has: what the kernel shows under /sys, and what the library says in a child process.

The kernel sees a device before anyone opens it and tells speed, permission and temperature; only the library knows the
names by which a device is opened. Neither proves that the device works.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from leapfrog.errors import EngineError, LibraryFailed
from leapfrog.exam import Frozen

# Not imported: it would bring numpy into the main process.
ENGINE_HOST = Path(__file__).parent.parent / "engine" / "host.py"
EDGE_TPU_LIBRARY = "libedgetpu.so.1"
PROBE_SECONDS = 30.0  # a first opening of the interpreter on an SD card takes some of them

# USB ids: until the device is first opened, and after its firmware has been loaded.
USB_BEFORE_FIRMWARE = ("1a6e", "089a")
USB_AFTER_FIRMWARE = ("18d1", "9302")
SUPER_SPEED = 5000  # megabit per second; USB 2 has 480

APEX_DEAD = -89_700  # thousandths of a degree: what a chip shows that does not answer

Bus = Literal["usb", "pci"]


@dataclass(frozen=True)
class KernelDevice:
    """An Edge TPU as the kernel shows it. `node` is the file under /dev by which it is opened; `speed` in Mbit/s for
    USB, 0 when unknown; `celsius` for PCIe. `has_firmware` is false for a USB device that nobody has opened yet.
    """

    bus: Bus
    path: Path
    node: Path
    has_firmware: bool = True
    speed: int = 0
    celsius: float | None = None
    is_dead: bool = False

    @property
    def may_be_opened(self) -> bool:
        """Whether this process may read and write the device's file."""
        return os.access(self.node, os.R_OK | os.W_OK)

    @property
    def is_slow_usb(self) -> bool:
        """Whether it hangs on USB 2, where parameters take ten times as long to reach it."""
        return self.bus == "usb" and 0 < self.speed < SUPER_SPEED

    @property
    def title(self) -> str:
        """In words, for staff and technicians."""
        return f"USB {self.path.name}" if self.bus == "usb" else f"PCIe {self.path.name}"


class LibraryDevice(Frozen):
    """A device as libedgetpu lists it."""

    type: str
    path: str


class Probe(Frozen):
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


def kernel_devices(root: Path = Path("/")) -> tuple[KernelDevice, ...]:
    """Every Edge TPU that the kernel knows, USB first; `root` is where /sys and /dev are."""
    return (*_usb_devices(root), *_apex_devices(root))


class Question:
    """What the interpreter `python` and the library say is being asked, in a child process.

    That ends with the thread that began it, at the latest.
    """

    def __init__(self, python: str = sys.executable, library: str = EDGE_TPU_LIBRARY) -> None:
        """Begin to ask. Raises EngineError when the interpreter cannot be started."""
        self._python, self._library = python, library
        command = [python, "-I", str(ENGINE_HOST), "--probe", "--library", library, "--parent", str(os.getpid())]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as problem:
            raise EngineError(f"{python} cannot be started: {problem.strerror}.") from problem

    def kill(self) -> None:
        """End it without an answer. From any thread."""
        self._process.kill()

    def result(self, seconds: float = PROBE_SECONDS) -> Probe:
        """Wait for the answer. Raises LibraryFailed, or EngineError when the interpreter cannot ask."""
        try:
            said, complained = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as problem:
            self._process.kill()
            self._process.communicate()
            raise LibraryFailed(
                f"{self._library} does not say within {seconds:.0f} s which devices there are."
            ) from problem
        if self._process.returncode < 0:
            raise LibraryFailed(
                f"{self._library} ended the process that asked it for its devices (signal {-self._process.returncode})."
            )
        try:
            return Probe.model_validate_json(said)
        except ValidationError as problem:
            last = complained.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise EngineError(f"{self._python} cannot run the engine host: {''.join(last)[:300]}") from problem


def probe(python: str = sys.executable, library: str = EDGE_TPU_LIBRARY, seconds: float = PROBE_SECONDS) -> Probe:
    """Ask, and wait for the answer. Raises as `Question` does."""
    return Question(python, library).result(seconds)


def _usb_devices(root: Path) -> Iterable[KernelDevice]:
    for folder in sorted((root / "sys/bus/usb/devices").glob("*")):
        ids = (_read(folder / "idVendor"), _read(folder / "idProduct"))
        if ids in (USB_BEFORE_FIRMWARE, USB_AFTER_FIRMWARE):
            bus, number = _number(folder / "busnum"), _number(folder / "devnum")
            yield KernelDevice(
                "usb",
                folder,
                root / f"dev/bus/usb/{bus:03}/{number:03}",
                has_firmware=ids == USB_AFTER_FIRMWARE,
                speed=_number(folder / "speed"),
            )


def _apex_devices(root: Path) -> Iterable[KernelDevice]:
    for folder in sorted((root / "sys/class/apex").glob("apex_*")):
        thousandths = _number(folder / "temp")
        is_dead = thousandths <= APEX_DEAD
        yield KernelDevice(
            "pci",
            folder,
            root / "dev" / folder.name,
            celsius=None if is_dead or not thousandths else thousandths / 1000,
            is_dead=is_dead,
        )


def _read(path: Path) -> str:
    """A line that the kernel shows; "" when it shows none, as of a device that has just been taken out."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    try:
        return int(float(_read(path)))
    except ValueError:
        return 0
