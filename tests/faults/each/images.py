"""Faults that come in an image, or with whoever sends it. None delays another image."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from faults.each.fault import Bringing, Fault, Scene
from leapfrog.control.control_socket import SOCKET_NAME
from support.raw_peer import element
from support.waiting import wait_until

META_ELEMENTS = 400_000
BAD_INSTANCES = 16
STATUS_SECONDS = 2.0
STOP_SECONDS = 10.0
FILM_SECONDS = 30.0


def _put(content: Callable[[Scene, int], bytes], count: int) -> Bringing:
    """So many files of that content come by the folder."""

    @contextmanager
    def bring(scene: Scene) -> Iterator[None]:
        for number in range(count):
            name = scene.site.folders.inbox / f"bad-{number}"
            name.with_suffix(".part").write_bytes(content(scene, number))
            name.with_suffix(".part").rename(name.with_suffix(".dcm"))
        yield

    return bring


def _endless_group_2(scene: Scene, number: int) -> bytes:
    """Meta information that goes on and on, 8 MB of it, without a data set."""
    head = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
    return head + element(0x00020016, b"AE", b"A") * META_ELEMENTS


def _broken_pixels(scene: Scene, number: int) -> bytes:
    """A film cut off in the middle of its pixels, under a UID that nobody else has."""
    content = scene.film().path.read_bytes()
    return content[: len(content) // 2]


def _noise(scene: Scene, number: int) -> bytes:
    """A film that is said to be JPEG 2000, and is noise."""
    image = dcmread(scene.film().path)
    image.file_meta.TransferSyntaxUID = JPEG2000Lossless
    image.PixelData = encapsulate([b"\xff\x4f\xff\x51" + os.urandom(50_000)])
    written = BytesIO()
    image.save_as(written, enforce_file_format=True)
    return written.getvalue()


@contextmanager
def _silent_client(scene: Scene) -> Iterator[None]:
    """Somebody opens the control socket and says nothing: others are answered, and the box can be stopped."""
    path = str(scene.site.folders.state / SOCKET_NAME)
    clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    try:
        for client in clients:
            client.connect(path)
        began = time.monotonic()
        answered = bool(scene.site.status())
        taken = time.monotonic() - began
        scene.expect(answered and taken < STATUS_SECONDS, f"status answers at once ({taken:.1f} s)")
        yield
        taken = scene.site.halt()
        scene.expect(taken < STOP_SECONDS, f"it ends when it is told to ({taken:.1f} s)")
        scene.site.launch()
    finally:
        for client in clients:
            client.close()


@contextmanager
def _idle_connections(scene: Scene) -> Iterator[None]:
    """A broken machine opens connection after connection and says nothing."""
    idle = []
    try:
        for _ in range(9):
            idle.append(socket.create_connection(("127.0.0.1", scene.site.kiosk.port)))
        yield
    finally:
        for connection in idle:
            connection.close()


def _reads_on(
    bring: Bringing,
) -> Bringing:
    """And a film that comes while the fault lasts is read and reported soon."""

    @contextmanager
    def both(scene: Scene) -> Iterator[None]:
        with bring(scene):
            (film,) = scene.stored()
            began = time.monotonic()
            try:
                wait_until(lambda: _is_read(scene, film.sop_instance_uid), "", deadline_seconds=FILM_SECONDS)
            except AssertionError:
                scene.expect(False, f"a good film is read within {FILM_SECONDS:.0f} s")
            else:
                scene.remarks.append(f"a good film was read after {time.monotonic() - began:.1f} s")
            yield

    return both


def _is_read(scene: Scene, uid: str) -> bool:
    query = f"SELECT state FROM instances WHERE sop_instance_uid = '{uid}'"
    return scene.site.kiosk.rows(query) == [("read",)]


ENDLESS = _put(_endless_group_2, BAD_INSTANCES)

FAULTS = (
    Fault("meta information without an end", _reads_on(_put(_endless_group_2, 1)), seconds=20.0),
    Fault("16 files with meta information without an end", _reads_on(ENDLESS), seconds=20.0),
    Fault("16 films that end in the middle", _reads_on(_put(_broken_pixels, BAD_INSTANCES)), seconds=10.0),
    Fault("16 films of noise", _reads_on(_put(_noise, BAD_INSTANCES)), seconds=10.0),
    Fault("silent clients of the control socket", _silent_client, seconds=3.0),
    Fault("connections on which nothing is said", _idle_connections, seconds=5.0),
)
