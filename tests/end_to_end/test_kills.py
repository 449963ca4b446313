"""kill -9 in the middle of a burst: nothing acknowledged is lost, nothing confirmed is sent again, nobody is orphaned.

`tests/run tests/end_to_end/test_kills.py --burst 200` does it with the full dose.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.dcmtk import Outcome, store_arguments
from support.exams import Instance, chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.processes import ENGINE_HOST, READER
from support.recording_proxy import RecordingProxy
from support.waiting import wait_until

pytestmark = pytest.mark.timeout(900)

KILLS = 3
MODALITIES = 4
SEND_SECONDS = 300.0


@dataclass
class Burst:
    """Several modalities that send until everything was acknowledged, as modalities do."""

    port: int
    images: Sequence[Instance]
    acknowledged: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        paths = [image.path for image in self.images]
        self._threads = [
            threading.Thread(target=self._modality, args=(paths[number::MODALITIES],)) for number in range(MODALITIES)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(SEND_SECONDS)
        assert len(self.acknowledged) == len(self.images)

    def _modality(self, paths: list[Path]) -> None:
        deadline = time.monotonic() + SEND_SECONDS
        while paths and time.monotonic() < deadline:
            done = subprocess.run(
                store_arguments(self.port, paths), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
            )
            accepted = Outcome(done.returncode, done.stdout.decode()).acknowledged
            with self._lock:
                self.acknowledged.update(accepted)
            paths = [path for path in paths if path not in accepted]
            time.sleep(0.1)


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Orthanc]:
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    with Orthanc(tmp_path / "orthanc") as server:
        yield server


@pytest.fixture
def proxy(district: Orthanc) -> Iterator[RecordingProxy]:
    recording = RecordingProxy(district.dicomweb_url).up()
    yield recording
    recording.down()


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["daemon", READER, ENGINE_HOST])
def test_a_kill_in_the_middle_of_a_burst_loses_nothing(
    tmp_path: Path, district: Orthanc, proxy: RecordingProxy, victim: str, request: pytest.FixtureRequest
) -> None:
    count = request.config.getoption("--burst")
    images = write_instances(chest_radiograph(640, 512), tmp_path / "exam", count, studies=count // 8)
    uids = {image.sop_instance_uid for image in images}
    with Kiosk(tmp_path / "kiosk", district={"url": proxy.url}) as kiosk:
        burst = Burst(kiosk.port, images)
        burst.start()
        confirmed_then: dict[str, int] = {}

        def note_what_is_confirmed() -> None:
            confirmed_then.update({uid: proxy.posts[uid] for uid in _confirmed(kiosk)})

        for kill in range(1, KILLS + 1):
            _wait_until_received(kiosk, count * kill // (KILLS + 2))
            _kill(kiosk, victim, note_what_is_confirmed)
        burst.join()

        counts = kiosk.wait_until_read(count, deadline_seconds=400)
        assert counts == {"read": count, "received": 0, "set_aside": 0, "forward_only": 0}
        assert {row["sop_instance_uid"] for row in kiosk.instances()} == uids
        wait_until(
            lambda: sum(len(report["images"]) for report in kiosk.reports()) == count,
            "every image is in a report",
            deadline_seconds=60,
            poll_seconds=0.2,
        )
        kiosk.wait_until_quiet(deadline_seconds=120)
        wait_until(
            lambda: not kiosk.status()["deliveries"]["waiting"],
            "nothing is owed any more",
            deadline_seconds=240,
            poll_seconds=0.2,
        )

        held = district.held()
        assert uids <= set(held)
        assert set(held.values()) == {1}
        confirmed = kiosk.status()["deliveries"]["confirmed"]
        assert len(held) == confirmed
        # What was in the air when the daemon died may have been posted twice: the district had not confirmed it.
        posts = proxy.posts
        assert set(posts) == set(held)
        assert sum(posts.values()) - len(posts) <= (KILLS if victim == "daemon" else 0)
        assert confirmed_then
        assert {uid: posts[uid] for uid in confirmed_then} == confirmed_then
        assert kiosk.stop() == 0
        kiosk.wait_for_no_orphans()


def _wait_until_received(kiosk: Kiosk, count: int) -> None:
    wait_until(
        lambda: sum(kiosk.status()["instances"].values()) >= count, f"{count} were received", deadline_seconds=120
    )


def _kill(kiosk: Kiosk, victim: str, on_killed: Callable[[], None]) -> None:
    if victim == "daemon":
        kiosk.kill()
        kiosk.wait_for_no_orphans()
        on_killed()
        kiosk.start()
    else:
        wait_until(lambda: kiosk.kill_child(victim), f"a {victim} runs")
        on_killed()


def _confirmed(kiosk: Kiosk) -> list[str]:
    return [uid for (uid,) in kiosk.rows("SELECT sop_instance_uid FROM deliveries WHERE state = 'confirmed'")]
