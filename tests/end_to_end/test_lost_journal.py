"""Whatever happens to the journal: what was acknowledged is still there, read, reported, and sent once."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.dcmtk import send
from support.exams import Instance, chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.recording_proxy import RecordingProxy
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

IMAGES = 20
STUDIES = 4
PARTS = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[RecordingProxy]:
    """In front of a real district server."""
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    with Orthanc(tmp_path / "orthanc") as server:
        recording = RecordingProxy(server.dicomweb_url).up()
        yield recording
        recording.down()


Harm = Callable[[Path, Path], None]


def move_aside(state: Path, _copy: Path) -> None:
    for name in PARTS:
        if (state / name).exists():
            (state / name).rename(state / f"moved.{name}")


def restore_older_copy(state: Path, copy: Path) -> None:
    for name in PARTS:
        (state / name).unlink(missing_ok=True)
        if (copy / name).exists():
            shutil.copyfile(copy / name, state / name)


def become_garbage(state: Path, _copy: Path) -> None:
    (state / PARTS[0]).write_bytes(random.Random(1).randbytes(100_000))


def become_empty(state: Path, _copy: Path) -> None:
    for name in PARTS:
        (state / name).unlink(missing_ok=True)
    (state / PARTS[0]).touch()


def lose_the_log(state: Path, _copy: Path) -> None:
    (state / PARTS[1]).unlink(missing_ok=True)
    (state / PARTS[2]).unlink(missing_ok=True)


def cut_the_log(share: float) -> Harm:
    def cut(state: Path, _copy: Path) -> None:
        log = state / PARTS[1]
        with log.open("r+b") as stream:
            stream.truncate(int(log.stat().st_size * share))

    return cut


def change_bytes(name: str, seed: int) -> Harm:
    def change(state: Path, _copy: Path) -> None:
        chance = random.Random(seed)
        content = bytearray((state / name).read_bytes())
        for _ in range(20):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        (state / name).write_bytes(content)

    return change


AFTER_A_KILL: dict[str, Harm] = {
    "without its log": lose_the_log,
    "with a third of its log": cut_the_log(1 / 3),
    "with all but the end of its log": cut_the_log(0.97),
    "with a damaged log": change_bytes(PARTS[1], 1),
    "moved aside": move_aside,
    "an older copy": restore_older_copy,
}
AFTER_A_STOP: dict[str, Harm] = {  # when it is one file
    "an older copy": restore_older_copy,
    "garbage": become_garbage,
    "empty": become_empty,
    "with damaged pages": change_bytes(PARTS[0], 2),
}


def _all_is_well(kiosk: Kiosk, proxy: RecordingProxy, images: list[Instance]) -> None:
    uids = {image.sop_instance_uid for image in images}
    wait_until(
        lambda: {row.get("sop_instance_uid") for row in kiosk.instances()} == uids, "all are there", deadline_seconds=60
    )
    kiosk.wait_until_read(len(images), deadline_seconds=240)
    kiosk.wait_until_quiet(deadline_seconds=120)
    wait_until(
        lambda: not kiosk.status()["deliveries"]["waiting"],
        "nothing is owed any more",
        deadline_seconds=240,
        poll_seconds=0.2,
    )
    assert len(kiosk.instances()) == len(images)
    reports = kiosk.reports()
    assert len(reports) == STUDIES, "a study keeps its report folder"
    assert {image["sop_instance_uid"] for report in reports for image in report["images"]} == uids
    assert {uid: proxy.posts[uid] for uid in uids} == dict.fromkeys(uids, 1), "each is sent once"


def test_whatever_happens_to_the_journal_all_that_was_acknowledged_is_there_and_sent_once(
    tmp_path: Path, proxy: RecordingProxy
) -> None:
    images = write_instances(chest_radiograph(128, 128), tmp_path / "exam", IMAGES, studies=STUDIES)
    half = IMAGES // 2
    with Kiosk(tmp_path / "kiosk", district={"url": proxy.url}) as kiosk:
        assert f"with status SUCCESS  : {half}\n" in send(kiosk.port, [image.path for image in images[:half]]).text
        kiosk.wait_until_read(half)
        kiosk.kill()
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in PARTS:
            if (kiosk.state_dir / name).exists():
                shutil.copyfile(kiosk.state_dir / name, copy / name)
        kiosk.start()
        assert f"with status SUCCESS  : {half}\n" in send(kiosk.port, [image.path for image in images[half:]]).text
        _all_is_well(kiosk, proxy, images)
        done: set[str] = set()
        for name, harm in [*AFTER_A_KILL.items(), *AFTER_A_STOP.items()]:
            if AFTER_A_KILL.get(name) is harm and name not in done:
                kiosk.kill()
                assert (kiosk.state_dir / PARTS[1]).stat().st_size, "there is a log to harm"
            else:
                assert kiosk.stop() == 0
                assert not (kiosk.state_dir / PARTS[1]).exists()
            kiosk.wait_for_no_orphans()
            done.add(name)
            harm(kiosk.state_dir, copy)
            kiosk.start()
            try:
                _all_is_well(kiosk, proxy, images)
            except AssertionError as problem:
                raise AssertionError(f"after the journal was {name}: {problem}\n{kiosk.log()[-3000:]}") from problem
        assert kiosk.stop() == 0
        assert list((kiosk.spool_dir / "aside").iterdir()) == []
