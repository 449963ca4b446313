"""DICOM archives: DCMTK's, and made-up ones that do what a test says."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pynetdicom import AE, evt
from pynetdicom.presentation import build_context

from support.certificates import Certificate
from support.dcmtk import dcmtk_program, run_program
from support.ports import free_port
from support.waiting import wait_until

VERIFICATION = "1.2.840.10008.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
JPEG_LS = "1.2.840.10008.1.2.4.80"
START_SECONDS = 10.0

QUERY_SCP = """
NetworkTCPPort  = {port}
MaxPDUSize      = 16384
MaxAssociations = 16
HostTable BEGIN
box = (LEAPFROG, 127.0.0.1, 11112)
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
ARCHIVE  {folder}  RW  (200, 1024mb)  ANY
AETable END
"""


@dataclass
class DcmtkArchive:
    """One of DCMTK's servers, listening on `port` and keeping what it gets in `folder`."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file() and path.name != "index.dat")

    def held(self) -> Counter[str]:
        """How often it holds each SOP Instance UID."""
        return Counter(str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in self.files())

    def kill(self) -> None:
        """End it and what it started: dcmqrscp has a process for each association."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def store_scp(folder: Path, *options: str, port: int | None = None) -> Iterator[DcmtkArchive]:
    """DCMTK's storescp, which takes every transfer syntax unless `options` say otherwise. Bytes stay as they are."""
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    command = [dcmtk_program("storescp"), "-od", str(folder), "--bit-preserving", *(options or ("+xa",)), str(port)]
    with _running(command, folder, port) as archive:
        yield archive


@contextmanager
def tls_store_scp(folder: Path, server: Certificate, client: Certificate) -> Iterator[DcmtkArchive]:
    """The same behind TLS, for nobody but who has `client`'s certificate."""
    port = free_port()
    folder.mkdir(exist_ok=True)
    command = [
        dcmtk_program("storescp"), "-od", str(folder), "--bit-preserving", "+xa",
        "+tls", str(server.key), str(server.certificate), "+cf", str(client.certificate), "-rc", str(port),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    archive = DcmtkArchive(port, folder, process)
    try:
        wait_until(lambda: _listens(port), "storescp listens")
        yield archive
    finally:
        archive.kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def query_scp(folder: Path, *options: str) -> Iterator[DcmtkArchive]:
    """DCMTK's dcmqrscp, called ARCHIVE, which answers C-FIND and knows no other box than LEAPFROG. Unless `options` say
    otherwise, it takes nothing compressed.
    """
    port, kept = free_port(), folder / "kept"
    kept.mkdir(parents=True)
    settings = folder / "dcmqrscp.cfg"
    settings.write_text(QUERY_SCP.format(port=port, folder=kept))
    with _running([dcmtk_program("dcmqrscp"), "-c", str(settings), *options], kept, port) as archive:
        yield archive


@contextmanager
def _running(command: Sequence[str], folder: Path, port: int) -> Iterator[DcmtkArchive]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    archive = DcmtkArchive(port, folder, process)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not run_program("echoscu", "-aet", "LEAPFROG", "-aec", "ARCHIVE", "127.0.0.1", str(port)).succeeded:
            assert time.monotonic() < deadline and process.poll() is None, f"{command[0]} did not start"
            time.sleep(0.05)
        yield archive
    finally:
        archive.kill()


@dataclass
class MadeUpArchive:
    """A server of pynetdicom's. `answer` decides the status of each C-STORE; what was stored is noted by UID."""

    port: int
    server: Any = None
    stored: list[str] = field(default_factory=list)
    associations: int = 0
    answer: Callable[[Any], int] = lambda _event: 0x0000

    def held(self) -> Counter[str]:
        return Counter(self.stored)


@contextmanager
def made_up_archive(
    *,
    contexts: Mapping[str, Sequence[str]] | None = None,
    handlers: Sequence[tuple[Any, Callable[..., Any]]] = (),
    roles: bool = False,
    **attributes: Any,
) -> Iterator[MadeUpArchive]:
    """An archive that takes these SOP classes in these transfer syntaxes; `attributes` are those of pynetdicom's AE."""
    archive = MadeUpArchive(free_port())
    entity = AE(ae_title="ARCHIVE")
    for key, value in attributes.items():
        setattr(entity, key, value)
    wanted = {VERIFICATION: [IMPLICIT], SECONDARY_CAPTURE: [EXPLICIT, IMPLICIT]} if contexts is None else contexts
    entity.supported_contexts = [build_context(uid, list(syntaxes)) for uid, syntaxes in wanted.items()]
    if roles:
        for context in entity.supported_contexts:
            context.scu_role = context.scp_role = True

    def on_store(event: Any) -> int:
        status = archive.answer(event)
        if status == 0x0000 or status & 0xF000 == 0xB000:
            archive.stored.append(str(event.request.AffectedSOPInstanceUID))
        return status

    def on_accepted(_event: Any) -> None:
        archive.associations += 1

    archive.server = entity.start_server(
        ("127.0.0.1", archive.port),
        block=False,
        evt_handlers=[(evt.EVT_C_STORE, on_store), (evt.EVT_ACCEPTED, on_accepted), *handlers],
    )
    try:
        yield archive
    finally:
        # It takes half a second, for which nobody has to wait.
        threading.Thread(target=_shut_down, args=(archive.server,), daemon=True).start()


def _shut_down(server: Any) -> None:
    with suppress(OSError):
        server.shutdown()
