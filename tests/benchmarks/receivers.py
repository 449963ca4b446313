"""What images are sent to: the box without its readers, the whole box, Orthanc, DCMTK's storescp, and a receiver that
does nothing but store.
"""

import os
import shutil
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

import leapfrog
from support.dcmtk import LARGEST_PDU, dcmtk_program
from support.kiosk import Kiosk
from support.orthanc import Orthanc
from support.ports import free_port
from support.waiting import wait_until

DRAIN_SECONDS = 600.0
TESTS = Path(__file__).parents[1]


class Receiver(Protocol):
    """A DICOM server that is started for one measurement, with nothing in it, and then removed."""

    port: int

    @abstractmethod
    def __enter__(self) -> Self:
        """Start; returns once it listens."""

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""

    def drain(self, count: int) -> None:
        """Wait until it has done all that `count` images give it to do."""


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class _Program(ABC):
    """A server that is one process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    def environment(self) -> dict[str, str]:
        """Its environment, in which it finds what of these tests it needs."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))}

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True)
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=self.environment())
        wait_until(lambda: _accepts(self.port), "it listens")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def drain(self, _count: int) -> None:
        os.sync()


class IntakeAlone(_Program):
    """The box's receiver, journal and spool, without readers: what durability alone costs. `variables` go to its
    environment.
    """

    def __init__(self, directory: Path, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(directory)
        self._variables = variables

    def command(self) -> list[str]:
        return [sys.executable, "-m", "benchmarks.intake_alone", str(self.directory / "state"), str(self.port)]

    def environment(self) -> dict[str, str]:
        """The program puts parts of the daemon together, so that of the daemon's own version is taken."""
        environment = super().environment()
        own_tests = Path(leapfrog.__file__).parents[2] / "tests"
        environment["PYTHONPATH"] = os.pathsep.join([str(own_tests), environment["PYTHONPATH"]])
        return {**environment, **self._variables}


class Storescp(_Program):
    """DCMTK's storescp, one process per association. It does not fsync: what it acknowledged, a power cut can lose."""

    def command(self) -> list[str]:
        (self.directory / "received").mkdir()
        return [
            dcmtk_program("storescp"), "--fork", "+xa", "-pdu", LARGEST_PDU,
            "-od", str(self.directory / "received"), str(self.port),
        ]  # fmt: skip


class BareReceiver(_Program):
    """A receiver that only stores: what `storescu` and this disk reach with next to nothing between them."""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "benchmarks.bare.receiver", str(self.directory / "stored"), str(self.port)]


class OrthancReceiver:
    """Orthanc with SyncStorageArea on, so that it writes through to the disk as well."""

    def __init__(self, directory: Path) -> None:
        """Everything lies below `directory`."""
        self._server = Orthanc(directory)
        self.port = self._server.dicom_port

    def __enter__(self) -> Self:
        """Start it."""
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self._server.stop()

    def drain(self, count: int) -> None:
        """Wait until it holds them all."""
        wait_until(lambda: sum(self._server.held().values()) >= count, "Orthanc holds everything")
        os.sync()


class WholeBox:
    """The daemon with its reader and its model at work on what comes in."""

    def __init__(self, directory: Path, lanes: int = 1, district_url: str = "") -> None:
        """Everything lies below `directory`."""
        self.kiosk = Kiosk(directory, engine={"lanes": lanes}, district={"url": district_url})
        self.port = self.kiosk.port

    def __enter__(self) -> Self:
        """Start it, and wait until its reader and model are ready."""
        self.kiosk.start().wait_until_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.kiosk.__exit__(kind, problem, trace)

    def drain(self, count: int) -> None:
        """Wait until everything was read and reported."""
        self.kiosk.wait_until_read(count, deadline_seconds=DRAIN_SECONDS)
        self.kiosk.wait_until_quiet(deadline_seconds=DRAIN_SECONDS)
        os.sync()


MakeReceiver = Callable[[Path], Receiver]
INTAKE_ALONE, AT_WORK, ORTHANC, STORESCP = "Leapfrog, intake alone", "Leapfrog, readers at work", "Orthanc", "storescp"
BARE_RECEIVER = "a receiver that only stores"
OURS: dict[str, MakeReceiver] = {INTAKE_ALONE: IntakeAlone, AT_WORK: WholeBox}
PEERS: dict[str, MakeReceiver] = {ORTHANC: OrthancReceiver, STORESCP: Storescp, BARE_RECEIVER: BareReceiver}
RECEIVERS = OURS | PEERS


def remove(directory: Path) -> None:
    """Give the disk back before the next measurement."""
    shutil.rmtree(directory)
