"""Faults of the state directory: the journal, the spool, and the disk that both are on."""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from faults.each.fault import Bringing, Fault, Scene, copy_all

DAYS_AHEAD = 100
SCRUB_SECONDS = 3.0


def _while_down(damage: Callable[[Scene], None], *, kill: bool = False) -> Bringing:
    """The daemon ends, something is damaged, and it is started again."""

    @contextmanager
    def bring(scene: Scene) -> Iterator[None]:
        scene.site.halt(kill=kill)
        damage(scene)
        scene.site.launch()
        yield

    return bring


def _journal(scene: Scene) -> Path:
    return scene.site.folders.state / "journal.sqlite"


def _aside(scene: Scene) -> None:
    aside = scene.directory / "aside"
    aside.mkdir()
    for file in scene.journal_files():
        shutil.move(file, aside / file.name)


def _garbage(scene: Scene) -> None:
    _journal(scene).write_bytes(os.urandom(65_536))


def _halved(scene: Scene) -> None:
    os.truncate(_journal(scene), _journal(scene).stat().st_size // 2)


def _page_overwritten(scene: Scene) -> None:
    with _journal(scene).open("r+b") as stream:
        stream.seek(_journal(scene).stat().st_size // 2)
        stream.write(os.urandom(4096))


def _empty(scene: Scene) -> None:
    os.truncate(_journal(scene), 0)


def _wal(scene: Scene) -> Path:
    return scene.site.folders.state / "journal.sqlite-wal"


def _wal_cut(scene: Scene) -> None:
    scene.expect(_wal(scene).exists(), "there was a WAL to cut")
    if _wal(scene).exists():
        os.truncate(_wal(scene), _wal(scene).stat().st_size // 2)


def _wal_gone(scene: Scene) -> None:
    _wal(scene).unlink(missing_ok=True)


def _wal_overwritten(scene: Scene) -> None:
    if _wal(scene).exists():
        with _wal(scene).open("r+b") as stream:
            stream.seek(_wal(scene).stat().st_size // 3)
            stream.write(os.urandom(4096))


@contextmanager
def _older_copy(scene: Scene) -> Iterator[None]:
    """Yesterday's journal is put back over today's."""
    scene.site.halt()
    copy_all(scene.journal_files(), scene.directory / "yesterday")
    scene.site.start()
    scene.stored(3)
    scene.site.halt()
    for file in scene.journal_files():
        file.unlink()
    for file in (scene.directory / "yesterday").iterdir():
        shutil.copy2(file, scene.site.folders.state / file.name)
    scene.site.launch()
    yield


def _spool_file(damage: Callable[[Path], None], *, restart: bool) -> Bringing:
    """The file of an acknowledged film is damaged; at the end its machine sends it again."""

    @contextmanager
    def bring(scene: Scene) -> Iterator[None]:
        (film,) = scene.stored()
        if restart:
            scene.site.halt()
        damage(scene.spool_file(film))
        if restart:
            scene.site.launch()
            scene.site.seconds_until_normal()
        scene.district_back()
        yield
        scene.site.senders.seconds_until_stored(film, time.monotonic(), 30.0)

    return bring


def _corrupted(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.seek(path.stat().st_size // 2)
        stream.write(bytes(64))


def _halved_file(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@contextmanager
def _leftovers(scene: Scene) -> Iterator[None]:
    """Files that no row names, as a start finds them: one that is whole, and one that is not even DICOM."""
    scene.site.halt()
    film = scene.film()
    shutil.copy(film.path, scene.site.kiosk.spool_dir / "a-stranger.dcm")
    (scene.site.kiosk.spool_dir / "rubbish.dcm").write_bytes(os.urandom(1000))
    scene.site.launch()
    yield


@contextmanager
def _clock_ahead(scene: Scene) -> Iterator[None]:
    """Everything is confirmed; then the clock, which NTP seems to keep, is 100 days ahead."""
    assert scene.clock is not None
    scene.district_back()
    scene.site.settle()
    scene.site.halt()
    scene.site.start()  # whose first round finds the studies finished
    scene.site.settle()
    known = _known(scene)
    scene.site.halt()
    scene.clock.set(timedelta(days=DAYS_AHEAD))
    scene.site.start()
    time.sleep(SCRUB_SECONDS)
    scene.gone |= known - _known(scene)
    yield
    scene.clock.set(timedelta())


def _known(scene: Scene) -> set[str]:
    return {str(uid) for (uid,) in scene.site.kiosk.rows("SELECT sop_instance_uid FROM instances")}


@contextmanager
def _full(scene: Scene) -> Iterator[None]:
    filler = scene.disks["state"].fill()
    yield
    filler.unlink()


def _failing(error: int) -> Bringing:
    """Every call in the folder fails, as on a disk that was pulled out; or, with EROFS, every one that changes it."""

    @contextmanager
    def bring(scene: Scene) -> Iterator[None]:
        assert scene.calls is not None
        scene.calls.fail_all(0, error)
        yield
        scene.calls.disarm()

    return bring


FAULTS = (
    Fault("the journal is moved aside", _while_down(_aside)),
    Fault("the journal is garbage", _while_down(_garbage)),
    Fault("the journal is cut in half", _while_down(_halved)),
    Fault("a page of the journal is garbage", _while_down(_page_overwritten)),
    Fault("the journal is empty", _while_down(_empty)),
    Fault("an older copy of the journal", _older_copy),
    Fault("the journal's WAL is cut in half", _while_down(_wal_cut, kill=True)),
    Fault("the journal's WAL is garbage from its first third on", _while_down(_wal_overwritten, kill=True)),
    Fault("the journal's WAL is gone", _while_down(_wal_gone, kill=True)),
    Fault("a spool file is missing, and its film is sent again", _spool_file(Path.unlink, restart=False)),
    Fault("a spool file is missing at a start, and its film is sent again", _spool_file(Path.unlink, restart=True)),
    Fault("a spool file is corrupt, and its film is sent again", _spool_file(_corrupted, restart=False)),
    Fault("a spool file is corrupt at a start, and its film is sent again", _spool_file(_corrupted, restart=True)),
    Fault("a spool file is cut in half, and its film is sent again", _spool_file(_halved_file, restart=False)),
    Fault("files in the spool that no row names", _leftovers),
    Fault("the clock is 100 days ahead", _clock_ahead, clock=True, settings={"retention": {"keep_days": 30}}),
    Fault("keep_days = 999999", _while_down(lambda scene: None), settings={"retention": {"keep_days": 999_999}}),
    Fault("the state's disk is full", _full, receives=False, disks=("state",), drops=False, may_end=True),
    Fault(
        "the state's disk is read-only",
        _failing(errno.EROFS),
        receives=False,
        calls=True,
        drops=False,
        may_end=True,
    ),
    Fault("the state's disk answers EIO", _failing(errno.EIO), receives=False, calls=True, drops=False, may_end=True),
)
