"""Faults of a watched folder. Nothing else of the box depends on it."""

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from faults.each.fault import Bringing, Fault, Scene
from faults.films import Film
from support.failing_calls import FailingCalls
from support.waiting import wait_until

LONG_SECONDS = 75.0  # longer than a part of the box may be without a sign of life
CLOSED_TO_ALL = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")  # root, held to what modes allow
PAUSE_SECONDS = 8.0


def _taken(scene: Scene) -> None:
    """Wait until the folder is empty, so that what befalls it befalls no film."""
    inbox = scene.site.folders.inbox
    wait_until(lambda: not list(inbox.glob("*.dcm")), "the folder's films are taken", deadline_seconds=60)


@contextmanager
def _closed_parent(scene: Scene) -> Iterator[None]:
    parent = scene.site.folders.inbox.parent
    parent.chmod(0)
    yield
    parent.chmod(0o755)


@contextmanager
def _deleted(scene: Scene) -> Iterator[None]:
    _taken(scene)
    shutil.rmtree(scene.site.folders.inbox)
    yield
    scene.site.folders.inbox.mkdir(exist_ok=True)


@contextmanager
def _file_instead(scene: Scene) -> Iterator[None]:
    _taken(scene)
    shutil.rmtree(scene.site.folders.inbox)
    scene.site.folders.inbox.write_text("a file\n")
    yield
    scene.site.folders.inbox.unlink()
    scene.site.folders.inbox.mkdir()


def _failing(error: int) -> Bringing:
    @contextmanager
    def bring(scene: Scene) -> Iterator[None]:
        assert scene.calls is not None
        scene.calls.fail_all(2, error)
        yield
        scene.calls.disarm()

    return bring


@contextmanager
def _one_entry(scene: Scene) -> Iterator[None]:
    """One file whose stat fails; the others are as they should be."""
    bad = scene.site.folders.inbox / "bad.dcm"
    with FailingCalls(scene.directory, [bad]) as calls:
        scene.site.halt()
        bad.write_bytes(b"nobody can look at this")
        scene.site.environment = lambda: calls.environment
        calls.fail_all(0, errno.EIO)
        scene.site.launch()
        yield
        scene.site.halt()
        bad.unlink()
        scene.site.environment = dict
        scene.site.launch()


@contextmanager
def _share(scene: Scene, harm: Callable[["subprocess.Popen[bytes]"], None]) -> Iterator[None]:
    """The folder is a share (FUSE) that something happens to; at the end it is mounted anew."""
    inbox, behind = scene.site.folders.inbox, scene.directory / "behind"
    scene.site.halt()
    inbox.rename(behind)
    inbox.mkdir()
    server = subprocess.Popen(["bindfs", "-f", str(behind), str(inbox)])
    try:
        wait_until(inbox.is_mount, "the share is mounted")
        scene.site.start()
        harm(server)
        yield
    finally:
        server.send_signal(signal.SIGCONT)
        server.terminate()
        server.wait()
        subprocess.run(["umount", "--lazy", str(inbox)], check=False, capture_output=True)
    server = subprocess.Popen(["bindfs", "-f", str(behind), str(inbox)])
    wait_until(inbox.is_mount, "the share is mounted again")
    scene.at_the_end.append(lambda: _unmount(server, scene))


def _unmount(server: "subprocess.Popen[bytes]", scene: Scene) -> None:
    server.terminate()
    server.wait()
    subprocess.run(["umount", "--lazy", str(scene.site.folders.inbox)], check=False, capture_output=True)


def _hanging(scene: Scene) -> AbstractContextManager[None]:
    return _share(scene, lambda server: server.send_signal(signal.SIGSTOP))


def _unplugged(scene: Scene) -> AbstractContextManager[None]:
    return _share(scene, lambda server: server.kill())


def _reserving(*, held_open: bool) -> Bringing:
    """A copy that reserves the whole size at once, and pauses when half of it has come."""

    @contextmanager
    def bring(scene: Scene) -> Iterator[None]:
        film = scene.film()
        content = film.path.read_bytes()
        stream = _reserved(scene, film, content)
        if not held_open:
            stream = _closed(stream, scene, film)
        yield
        os.lseek(stream, len(content) // 2, os.SEEK_SET)
        os.write(stream, content[len(content) // 2 :])
        os.fsync(stream)
        os.close(stream)

    return bring


def _reserved(scene: Scene, film: Film, content: bytes) -> int:
    target = scene.site.folders.inbox / film.path.name
    stream = os.open(target, os.O_RDWR | os.O_CREAT, 0o644)
    scene.site.senders.dropped[film.sop_instance_uid] = film
    os.ftruncate(stream, len(content))
    os.write(stream, content[: len(content) // 2])
    os.fsync(stream)
    return stream


def _closed(stream: int, scene: Scene, film: Film) -> int:
    """Whoever copies closes the file, pauses, and opens it again: it is still the same file, if nobody took it."""
    os.close(stream)
    time.sleep(PAUSE_SECONDS)
    return os.open(scene.site.folders.inbox / film.path.name, os.O_RDWR | os.O_CREAT, 0o644)


@contextmanager
def _renumbered(scene: Scene) -> Iterator[None]:
    """After a remount every file has another inode; what stays in the folder is not new."""
    _wait_for_drops(scene)
    inbox, old = scene.site.folders.inbox, scene.directory / "old"
    scene.site.halt()
    inbox.rename(old)
    inbox.mkdir()
    for file in sorted(old.iterdir(), reverse=True):
        shutil.copy2(file, inbox / file.name)
    scene.site.launch()
    yield


def _wait_for_drops(scene: Scene) -> None:
    """Where films stay in the folder, they count as acknowledged when they are at the district."""
    scene.district_back()
    uids = set(scene.site.senders.dropped)
    wait_until(lambda: uids <= set(scene.site.orthanc.held()), "what was dropped is sent", deadline_seconds=90)


FAULTS = (
    Fault("the watched folder is under a closed parent", _closed_parent, seconds=LONG_SECONDS, drops=False,
          wrapper=CLOSED_TO_ALL, inbox_apart=True),
    Fault("the watched folder is deleted", _deleted, seconds=LONG_SECONDS, drops=False),
    Fault("a file lies where the watched folder was", _file_instead, seconds=LONG_SECONDS, drops=False),
    Fault("the watched folder answers ESTALE", _failing(errno.ESTALE), calls=True, seconds=LONG_SECONDS),
    Fault("the watched folder answers EIO", _failing(errno.EIO), calls=True, seconds=LONG_SECONDS),
    Fault("one file in the watched folder whose stat fails", _one_entry, seconds=15.0),
    Fault("the watched folder's share hangs", _hanging, seconds=LONG_SECONDS, drops=False),
    Fault("the watched folder's share is gone", _unplugged, seconds=LONG_SECONDS, drops=False),
    Fault("a copy that reserved its size pauses in the middle", _reserving(held_open=True), seconds=PAUSE_SECONDS),
    Fault("a copy that reserved its size is closed in the middle", _reserving(held_open=False), seconds=1.0),
    Fault("after a remount every inode is new", _renumbered, settings={"folder": {"after": "keep"}}),
)  # fmt: skip
