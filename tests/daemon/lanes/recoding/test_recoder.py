"""Originals are made smaller before their turn, never at the cost of a reading or of the disk."""

import io
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from leapfrog.lanes.recoding import child, recoder
from leapfrog.lanes.recoding.recoder import Recoder
from leapfrog.settings import DestinationSettings
from leapfrog.spool_file.checked import file_problem
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.encodings import Encoding, Encodings
from leapfrog.state.sending.taken_syntaxes import TakenSyntaxes
from leapfrog.state.start.copies import settle_copies
from support.owed import open_state, owe, part10_bytes, secondary_capture
from support.spooled import go_through
from support.waiting import wait_until

DISTRICT = DestinationSettings(name="district", url="http://district.example/dicom-web")
SECONDS = 60.0


class Box:
    """A journal and a spool, with a recoder that is started."""

    def __init__(self, directory: Path) -> None:
        self.journal, self.spool = open_state(directory)
        self.encodings = Encodings(self.journal)
        self.deliveries = Deliveries(self.journal)
        self.woken = 0
        self._recoders: list[Recoder] = []

    def recoder(
        self, *, min_free_bytes: int = 0, destination: DestinationSettings = DISTRICT, starts: bool = True
    ) -> Recoder:
        one = Recoder(
            journal=self.journal, spool=self.spool, taken=TakenSyntaxes(self.journal, (destination,)),
            min_free_bytes=min_free_bytes, on_made=self._wake, ready=lambda: True,
        )  # fmt: skip
        self._recoders.append(one)
        if starts:
            one.start()
        return one

    def _wake(self) -> None:
        self.woken += 1

    def owe(self, pixel_bytes: int = 100_000, *, is_read: bool = True) -> DeliveryRecord:
        dataset = secondary_capture(pixel_bytes)
        instance_id = owe(self.journal, self.spool, part10_bytes(dataset), dataset.SOPInstanceUID)
        if is_read:
            self.read(instance_id)
        return self.delivery(instance_id)

    def read(self, instance_id: str | None) -> None:
        self.journal.change("UPDATE instances SET state = 'read' WHERE id = ?", instance_id)

    def delivery(self, instance_id: str) -> DeliveryRecord:
        row = self.journal.row("SELECT id FROM deliveries WHERE instance_id = ?", (instance_id,))
        assert row
        found = self.deliveries.get(row["id"])
        assert found
        return found

    def copy_of(self, delivery: DeliveryRecord, syntax: str = JPEGLSLossless) -> Encoding | None:
        return self.encodings.best_for(delivery, (syntax,))

    def state_of(self, delivery: DeliveryRecord, syntax: str = JPEGLSLossless) -> str | None:
        return self.encodings.state(delivery.sop_instance_uid, syntax)

    def wait_as_it_came(self, delivery: DeliveryRecord) -> None:
        wait_until(lambda: self.state_of(delivery) == "as_it_came", "it goes as it came", deadline_seconds=SECONDS)

    def stop(self) -> None:
        for one in self._recoders:
            one.stop()
        self.journal.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    yield box
    box.stop()


def children() -> list[int]:
    """The programs that re-encode for this process."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and child.PROGRAM in (entry / "cmdline").read_text(errors="replace"):
                status = (entry / "status").read_text()
                if f"PPid:\t{os.getpid()}\n" in status:
                    found.append(int(entry.name))
    return found


def the_child() -> int:
    return wait_until(children, "there is a child", deadline_seconds=SECONDS)[0]


def test_an_original_is_made_smaller_before_its_turn_comes(box: Box) -> None:
    delivery = box.owe()
    box.recoder()
    copy = wait_until(lambda: box.copy_of(delivery), "a copy is there", deadline_seconds=SECONDS)
    assert copy.byte_count < delivery.byte_count / 2
    path = box.spool.path(copy.spool_name)
    assert file_problem(path, copy.byte_count, copy.file_digest) is None
    made = dcmread(io.BytesIO(path.read_bytes()[: copy.byte_count]))
    assert made.SOPInstanceUID == delivery.sop_instance_uid
    assert made.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert box.woken == 1
    assert os.sched_getscheduler(the_child()) == os.SCHED_IDLE


def test_nothing_is_made_while_an_image_waits_to_be_read(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recoder, "LOOK_SECONDS", 0.05)
    delivery, unread = box.owe(), box.owe(is_read=False)
    started = box.recoder()
    assert started.is_coming(delivery)
    with pytest.raises(AssertionError):
        wait_until(lambda: box.state_of(delivery), "it is made", deadline_seconds=1.0)
    box.read(unread.instance_id)
    wait_until(lambda: box.copy_of(delivery), "it is made", deadline_seconds=SECONDS)


def test_an_image_that_comes_in_the_midst_stops_the_child_until_it_was_read(box: Box) -> None:
    delivery = box.owe(60_000_000)
    box.recoder()
    pid = the_child()
    unread = box.owe(is_read=False)
    wait_until(lambda: _state(pid) == "T", "the child rests", deadline_seconds=SECONDS)
    assert box.copy_of(delivery) is None
    box.read(unread.instance_id)
    wait_until(lambda: box.copy_of(delivery), "it is made", deadline_seconds=SECONDS)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_a_child_that_is_killed_in_the_midst_leaves_nothing_and_another_makes_it(box: Box) -> None:
    delivery = box.owe(60_000_000)
    box.recoder()
    wait_until(lambda: list(box.spool.work.glob("recoder-*/made/*")), "it works", deadline_seconds=SECONDS)
    os.kill(the_child(), signal.SIGKILL)
    copy = wait_until(lambda: box.copy_of(delivery), "another makes it", deadline_seconds=SECONDS)
    assert file_problem(box.spool.path(copy.spool_name), copy.byte_count, copy.file_digest) is None
    assert len(list(box.spool.work.glob("recoder-*"))) == 1


def test_an_original_waits_for_a_recoder_that_starts_a_moment_after_those_who_send(box: Box) -> None:
    delivery = box.owe()
    one = box.recoder(starts=False)
    assert one.is_coming(delivery)
    one.start()
    wait_until(lambda: box.copy_of(delivery), "a copy is there", deadline_seconds=SECONDS)
    one.stop()
    assert not one.is_coming(box.owe())


def test_a_program_that_dies_of_an_original_three_times_lets_it_go_as_it_came(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "PROGRAM", "leapfrog.no_such_program")
    delivery = box.owe()
    started = box.recoder()
    box.wait_as_it_came(delivery)
    assert "failed 3 times" in box.encodings.reason(delivery.sop_instance_uid, JPEGLSLossless)
    assert not started.is_coming(delivery)


def test_a_child_that_takes_too_long_is_killed(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "CPU_SECONDS", -1e9)
    delivery = box.owe(60_000_000)
    box.recoder()
    box.wait_as_it_came(delivery)


def test_noise_and_damage_go_as_they_came_with_the_reason(box: Box) -> None:
    noise = secondary_capture(PixelData=np.random.default_rng(0).bytes(1000))
    noisy = owe(box.journal, box.spool, part10_bytes(noise), noise.SOPInstanceUID)
    box.read(noisy)
    damaged = box.owe()
    with box.spool.path(damaged.spool_name or "").open("r+b") as stream:
        stream.seek(2000)
        stream.write(b"damage")
    box.recoder()
    for delivery, word in ((box.delivery(noisy), "smaller"), (damaged, "damaged")):
        box.wait_as_it_came(delivery)
        assert word in box.encodings.reason(delivery.sop_instance_uid, JPEGLSLossless)


def test_a_copy_goes_when_nobody_waits_for_its_original_any_more(box: Box) -> None:
    delivery = box.owe()
    started = box.recoder()
    copy = wait_until(lambda: box.copy_of(delivery), "a copy is there", deadline_seconds=SECONDS)
    box.deliveries.confirm(delivery.id)
    started.wake()
    wait_until(lambda: not box.spool.path(copy.spool_name).exists(), "it is gone", deadline_seconds=SECONDS)
    assert box.copy_of(delivery) is None


def test_where_the_disk_has_no_room_nothing_is_made_and_nothing_held_back(box: Box) -> None:
    delivery = box.owe()
    started = box.recoder(min_free_bytes=1 << 60)
    wait_until(lambda: not started.is_coming(delivery), "nothing is held back", deadline_seconds=SECONDS)
    assert box.state_of(delivery) is None


def test_when_the_disk_gets_full_copies_are_given_up(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = box.owe()
    started = box.recoder()
    copy = wait_until(lambda: box.copy_of(delivery), "a copy is there", deadline_seconds=SECONDS)
    monkeypatch.setattr(box.spool, "free_bytes", lambda: 0)
    started.wake()
    wait_until(lambda: not box.spool.path(copy.spool_name).exists(), "it is given up", deadline_seconds=SECONDS)
    assert not started.is_coming(delivery)


@pytest.mark.root
def test_a_disk_that_gets_full_in_the_midst_charges_no_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "spool"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user or machine does not mount tmpfs")
    try:
        monkeypatch.setattr(Recoder, "_room", lambda _self, _byte_count: True)  # as if others filled it later
        monkeypatch.setattr(recoder, "PAUSE_SECONDS", 0.1)
        box = Box(tmp_path)
        noise = np.random.default_rng(0).integers(0, 128, 6_000_000, dtype=np.uint8)  # seven of eight bits
        dataset = secondary_capture(Rows=6000, PixelData=noise.tobytes())
        instance_id = owe(box.journal, box.spool, part10_bytes(dataset), dataset.SOPInstanceUID)
        box.read(instance_id)
        in_the_way = box.spool.aside / "in the way"
        in_the_way.write_bytes(bytes(2_500_000))
        box.recoder()
        wait_until(lambda: box.state_of(box.delivery(instance_id)), "it is begun", deadline_seconds=SECONDS)
        with pytest.raises(AssertionError):
            wait_until(lambda: box.state_of(box.delivery(instance_id)) != "wanted", "it ends", deadline_seconds=3.0)
        in_the_way.unlink()
        wait_until(lambda: box.copy_of(box.delivery(instance_id)), "it is made", deadline_seconds=SECONDS)
        box.stop()
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_only_what_is_sent_next_is_made(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recoder, "AHEAD", 2)
    deliveries = [box.owe() for _ in range(4)]
    started = box.recoder()
    wait_until(lambda: all(box.copy_of(one) for one in deliveries[:2]), "two are made", deadline_seconds=SECONDS)
    started.wake()
    assert [box.state_of(one) for one in deliveries[2:]] == [None, None]
    box.deliveries.confirm(deliveries[0].id)
    started.wake()
    wait_until(lambda: box.copy_of(deliveries[2]), "the next is made", deadline_seconds=SECONDS)


def test_for_a_destination_that_takes_no_compressed_originals_none_is_made_or_held_back(box: Box) -> None:
    plain = DISTRICT.model_copy(update={"transfer_syntaxes": (str(ExplicitVRLittleEndian),)})
    delivery = box.owe()
    started = box.recoder(destination=plain)
    assert not started.is_coming(delivery)
    assert box.state_of(delivery) is None


def test_an_uncompressed_copy_is_made_for_a_peer_that_takes_nothing_else(box: Box, shared_data: Path) -> None:
    path = shared_data / "dicom" / "pydicom_MIT" / "examples_jpeg2k.dcm"
    instance_id = owe(box.journal, box.spool, path.read_bytes(), dcmread(path).SOPInstanceUID)
    box.read(instance_id)
    delivery = box.delivery(instance_id)
    box.recoder(destination=DISTRICT.model_copy(update={"transfer_syntaxes": (str(ExplicitVRLittleEndian),)}))
    assert box.encodings.want(delivery, ExplicitVRLittleEndian) == "wanted"
    for one in box._recoders:
        one.wake()
    copy = wait_until(
        lambda: box.copy_of(delivery, ExplicitVRLittleEndian), "a copy is there", deadline_seconds=SECONDS
    )
    content = box.spool.path(copy.spool_name).read_bytes()[: copy.byte_count]
    assert np.array_equal(dcmread(io.BytesIO(content)).pixel_array, dcmread(path).pixel_array)
    assert box.encodings.want(delivery, ExplicitVRLittleEndian) == "ready"


def test_a_start_removes_copies_that_no_row_names_and_forgets_those_that_are_gone(box: Box, tmp_path: Path) -> None:
    kept, lost, unknown = box.owe(), box.owe(), box.owe()
    started = box.recoder()
    wait_for_all(box, kept, lost, unknown)
    started.stop()
    names = [_copy(box, one).spool_name for one in (kept, lost, unknown)]
    box.spool.path(names[1]).unlink()
    box.journal.change("DELETE FROM encodings WHERE spool_name = ?", names[2])
    settle_copies(box.encodings, box.spool)
    go_through(box.journal, box.spool)
    assert [box.spool.path(name).exists() for name in names] == [True, False, False]
    assert not list(box.spool.aside.iterdir())
    box.recoder()
    wait_until(
        lambda: all((copy := box.copy_of(one)) and box.spool.path(copy.spool_name).exists() for one in (lost, unknown)),
        "both are made again",
        deadline_seconds=SECONDS,
    )


def wait_for_all(box: Box, *deliveries: DeliveryRecord) -> None:
    wait_until(lambda: all(map(box.copy_of, deliveries)), "all are made", deadline_seconds=SECONDS)


def _copy(box: Box, delivery: DeliveryRecord) -> Encoding:
    copy = box.copy_of(delivery)
    assert copy
    return copy


def test_an_original_is_held_back_for_a_while_only_and_then_none_is_until_copies_are_made_again(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recoder, "LOOK_SECONDS", 0.05)
    unread, next_one = box.owe(is_read=False), box.owe()
    moments = [1000.0]
    started = box.recoder()
    monkeypatch.setattr(started, "_monotonic", lambda: moments[-1])
    assert started.is_coming(unread)
    moments.append(moments[-1] + recoder.HOLD_SECONDS + 1)
    assert not started.is_coming(unread)
    assert not started.is_coming(next_one)
    box.read(unread.instance_id)
    wait_for_all(box, unread, next_one)
    assert started.is_coming(box.owe())
