"""A file in a watched folder is taken once and completely, and nothing else is touched."""

import os
import stat
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.records import InstanceRecord
from support.capabilities import bound_by_file_modes
from support.intake_box import Box, wait_for_scans
from support.picture_files import JPEG, PNG, TIFF
from support.raw_peer import data_set, element
from support.spooled import content_of
from support.waiting import wait_until

META = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
DICOM = META + data_set("1.2.3")


def taken(box: Box, count: int) -> list[InstanceRecord]:
    """Wait until this many instances are there, and return them."""
    wait_until(lambda: len(box.instances()) >= count, f"{count} instances", deadline_seconds=30)
    return box.instances()


# ---------------------------------------------------------------- taking


def test_dicom_files_and_pictures_are_taken_also_from_before_the_start(box: Box) -> None:
    (box.inbox / "room 2" / "today").mkdir(parents=True)
    files = {
        "with preamble": DICOM,
        "without.dcm": data_set("1.2.4"),
        "a.png": PNG,
        "b.JPG": JPEG,
        "room 2/today/c.tif": TIFF,
    }
    for name, content in list(files.items())[:3]:
        (box.inbox / name).write_bytes(content)
    box.watcher()
    for name, content in list(files.items())[3:]:
        (box.inbox / name).write_bytes(content)
    instances = taken(box, 5)
    assert sorted(content_of(box.spool, instance) for instance in instances) == sorted(files.values())
    assert sum(instance.picture is not None for instance in instances) == 3
    assert {instance.source for instance in instances} == {f"folder {box.inbox}"}
    assert all((box.inbox / name).read_bytes() == content for name, content in files.items())
    assert {name for name in box.spool_files() if name.startswith("incoming")} == set()


def test_a_notice_of_the_system_makes_it_quick(box: Box) -> None:
    watcher = box.watcher(rescan_seconds=3600)
    wait_until(lambda: watcher.scans() > 0, "the first scan")
    (box.inbox / "a.dcm").write_bytes(DICOM)
    taken(box, 1)


def test_the_preamble_is_emptied_since_it_could_hold_a_program(box: Box) -> None:
    (box.inbox / "a.dcm").write_bytes(b"MZ" + b"\x90" * 126 + DICOM[128:])
    box.watcher()
    [instance] = taken(box, 1)
    assert content_of(box.spool, instance) == DICOM


def test_a_file_that_grows_is_taken_when_it_is_whole(box: Box) -> None:
    content = META + data_set("1.2.3", pixels=bytes(3000))
    watcher = box.watcher()
    with (box.inbox / "a.dcm").open("wb", buffering=0) as stream:
        for start in range(0, len(content), 1000):
            stream.write(content[start : start + 1000])
            wait_for_scans(watcher, 1)
    [instance] = taken(box, 1)
    assert content_of(box.spool, instance) == content


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.dcm", DICOM), ("a.png", PNG), ("a.jpg", JPEG), ("a.tif", TIFF)],
    ids=("dicom", "png", "jpeg", "tiff"),
)
def test_a_file_that_ends_early_is_awaited_and_then_taken_for_a_reader_to_say_so(
    box: Box, name: str, content: bytes
) -> None:
    watcher = box.watcher()
    (box.inbox / name).write_bytes(content[:-6])
    wait_for_scans(watcher, 3)
    assert box.instances() == []
    [instance] = taken(box, 1)
    assert content_of(box.spool, instance) == content[:-6]


@pytest.mark.parametrize("name", ["a.dcm.part", "a.tmp", ".a.dcm", "a.dcm~", "~a.dcm", "a.filepart", ".hidden/a.dcm"])
def test_temporary_and_hidden_names_are_left_until_they_are_renamed(box: Box, name: str) -> None:
    watcher = box.watcher()
    path = box.inbox / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(DICOM)
    wait_for_scans(watcher, 3)
    assert box.instances() == []
    path.rename(box.inbox / "a.dcm")
    taken(box, 1)


def test_other_files_are_ignored_and_counted(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    directory = bytes(128) + b"DICM" + element(0x00020002, b"UI", b"1.2.840.10008.1.3.10") + META[132:]
    for name, content in {"Doe^John.txt": b"a letter", "DICOMDIR": directory, "empty": b""}.items():
        (box.inbox / name).write_bytes(content)
    watcher = box.watcher()
    wait_until(lambda: watcher.ignored_files() == 3, "three ignored files")
    wait_for_scans(watcher)
    assert box.instances() == []
    assert len(caplog.records) == 1
    assert "Doe" not in caplog.text
    (box.inbox / "empty").unlink()
    wait_until(lambda: watcher.ignored_files() == 2, "the removed file is no longer counted")


def test_a_broken_file_with_a_familiar_name_is_taken_for_a_reader_to_say_so(box: Box) -> None:
    (box.inbox / "a.dcm").write_bytes(b"this was an X-ray once")
    (box.inbox / "b.png").write_bytes(b"and this a picture")
    box.watcher()
    assert sorted(instance.spool_name.split(".")[1] for instance in taken(box, 2)) == ["dcm", "picture"]


# ---------------------------------------------------------------- once, over restarts, and again when it changes


def test_a_kept_file_is_taken_once_also_over_a_restart(box: Box) -> None:
    for name in ("a.png", "b.dcm"):
        (box.inbox / name).write_bytes(PNG if name == "a.png" else DICOM)
    first = box.watcher()
    taken(box, 2)
    wait_for_scans(first)
    first.stop()
    wait_for_scans(box.watcher())
    assert len(box.instances()) == 2


def test_a_file_that_changes_is_taken_again(box: Box) -> None:
    box.watcher()
    (box.inbox / "a.dcm").write_bytes(DICOM)
    taken(box, 1)
    (box.inbox / "a.dcm").write_bytes(META + data_set("1.2.3", pixels=b"changed!"))
    assert [bool(instance.forward_as) for instance in taken(box, 2)] == [False, True]


def test_the_same_instance_under_two_names_is_kept_once_and_both_are_remembered(box: Box) -> None:
    for name in "ab":
        (box.inbox / f"{name}.dcm").write_bytes(DICOM)
    watcher = box.watcher()
    wait_until(lambda: len(FolderFiles(box.journal).all()) == 2, "both files are remembered")
    wait_for_scans(watcher)
    assert len(box.instances()) == 1


def test_a_file_that_is_gone_is_forgotten_but_not_when_all_are(box: Box) -> None:
    for name in ("a.png", "b.png"):
        (box.inbox / name).write_bytes(PNG)
    watcher = box.watcher()
    taken(box, 2)
    (box.inbox / "a.png").unlink()
    wait_until(lambda: len(FolderFiles(box.journal).all()) == 1, "one file is forgotten")
    (box.inbox / "b.png").unlink()  # or the share is not mounted
    wait_for_scans(watcher)
    assert len(FolderFiles(box.journal).all()) == 1


# ---------------------------------------------------------------- keeping, deleting or moving the file


def test_after_delete_the_file_is_gone_once_it_is_durable(box: Box) -> None:
    box.watcher(after="delete")
    (box.inbox / "a.dcm").write_bytes(DICOM)
    wait_until(lambda: not (box.inbox / "a.dcm").exists(), "the file is gone")
    [instance] = box.instances()
    assert content_of(box.spool, instance) == DICOM
    wait_until(lambda: FolderFiles(box.journal).all() == [], "nothing is left to remember")


def test_after_move_the_file_is_in_taken_which_is_not_scanned(box: Box) -> None:
    watcher = box.watcher(after="move")
    (box.inbox / "ward").mkdir()
    for pixels in (b"one ", b"two "):
        (box.inbox / "ward" / "a.dcm").write_bytes(META + data_set("1.2.3", pixels=pixels))
        wait_until(lambda: not (box.inbox / "ward" / "a.dcm").exists(), "the file is moved")
    assert sorted(path.name for path in (box.inbox / "taken" / "ward").iterdir()) == ["a (2).dcm", "a.dcm"]
    wait_for_scans(watcher)
    assert len(box.instances()) == 2


def test_nothing_is_deleted_that_could_not_be_made_durable(new_box: Callable[..., Box]) -> None:
    box = new_box(min_free_bytes=1 << 60)
    (box.inbox / "a.dcm").write_bytes(DICOM)
    watcher = box.watcher(after="delete")
    wait_for_scans(watcher, 3)
    assert (box.inbox / "a.dcm").read_bytes() == DICOM
    assert box.instances() == []
    assert box.spool_files() == set()
    box.spool._min_free_bytes = 0
    taken(box, 1)
    wait_until(lambda: not (box.inbox / "a.dcm").exists(), "the file is gone once there was room")


def test_a_file_that_was_taken_before_a_crash_is_put_away_after_it(box: Box) -> None:
    first = box.watcher(after="keep")
    (box.inbox / "a.png").write_bytes(PNG)
    taken(box, 1)
    first.stop()
    box.watcher(after="delete")
    wait_until(lambda: not (box.inbox / "a.png").exists(), "the file is gone")
    assert len(box.instances()) == 1


# ---------------------------------------------------------------- pictures


def test_a_picture_gets_its_identity_from_its_name_and_hints_from_its_folder(box: Box) -> None:
    (box.inbox / "room 2").mkdir()
    (box.inbox / "room 2" / "P7_A9_Okello^Grace.png").write_bytes(PNG)
    (box.inbox / "unnamed.png").write_bytes(PNG)
    box.watcher(
        filename_pattern=r"^(?P<patient_id>P\d+)_(?P<accession_number>A\d+)_(?P<patient_name>[^.]+)\.",
        watch=(
            {"path": box.inbox, "modality": "CR"},
            {
                "path": box.inbox / "room 2",
                "modality": "US",
                "body_part": "HEAD",
                "pixel_spacing_mm": 0.2,
                "age_years": 40,
            },
        ),
        paths=(box.inbox,),
    )
    named, unnamed = sorted(taken(box, 2), key=lambda instance: instance.hints.modality, reverse=True)
    assert named.picture is not None
    assert named.picture.model_dump(include={"patient_id", "accession_number", "patient_name"}) == {
        "patient_id": "P7",
        "accession_number": "A9",
        "patient_name": "Okello^Grace",
    }
    assert (named.hints.modality, named.hints.body_part, named.hints.pixel_spacing_mm) == ("US", "HEAD", 0.2)
    assert unnamed.picture is not None
    assert unnamed.picture.patient_id == unnamed.picture.patient_name == ""
    assert unnamed.hints.modality == "CR"
    assert (named.hints.age_years, unnamed.hints.age_years) == (40, None)


def test_pictures_of_one_order_are_one_study_and_others_are_not(box: Box) -> None:
    for name in ("P1_A1_1", "P1_A1_2", "P2_A1_1", "P1__1", "P1__2"):
        (box.inbox / f"{name}.png").write_bytes(PNG)
    first = box.watcher(filename_pattern=r"^(?P<patient_id>P\d+)_(?P<accession_number>\w*?)_\d")
    taken(box, 5)
    first.stop()
    (box.inbox / "P1_A1_3.png").write_bytes(PNG)
    box.watcher(filename_pattern=r"^(?P<patient_id>P\d+)_(?P<accession_number>\w*?)_\d")
    studies: dict[tuple[str, str], list[str]] = {}
    uids = set()
    for instance in taken(box, 6):
        picture = instance.picture
        assert picture is not None
        studies.setdefault((picture.patient_id, picture.accession_number), []).append(instance.study_key)
        uids |= {picture.sop_instance_uid, picture.series_instance_uid, picture.study_instance_uid}
    assert {order: len(set(keys)) for order, keys in studies.items()} == {
        ("P1", "A1"): 1,
        ("P2", "A1"): 1,
        ("P1", ""): 2,
    }
    assert len(uids) == 6 + 6 + 4


# ---------------------------------------------------------------- unusual folders


def test_links_are_not_followed(box: Box, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.dcm").write_bytes(DICOM)
    (box.inbox / "link.dcm").symlink_to(outside / "secret.dcm")
    (box.inbox / "folder").symlink_to(outside)
    os.mkfifo(box.inbox / "pipe.dcm")
    watcher = box.watcher()
    wait_until(lambda: watcher.ignored_files() == 2, "both links are counted")
    (outside / "secret.dcm").touch()
    wait_for_scans(watcher, 3)
    assert box.instances() == []


def test_a_folder_that_comes_late_goes_and_comes_back_is_watched(box: Box, tmp_path: Path) -> None:
    share = tmp_path / "share"
    watcher = box.watcher(paths=(share, box.inbox))
    wait_for_scans(watcher)
    share.mkdir()
    (share / "a.png").write_bytes(PNG)
    taken(box, 1)
    share.rename(tmp_path / "elsewhere")
    wait_for_scans(watcher)
    (tmp_path / "elsewhere").rename(share)
    (share / "b.dcm").write_bytes(DICOM)
    taken(box, 2)
    wait_for_scans(watcher)
    assert len(box.instances()) == 2


def test_a_watched_folder_inside_another_is_looked_at_once(box: Box) -> None:
    (box.inbox / "room").mkdir()
    watcher = box.watcher(paths=(box.inbox, box.inbox / "room"), after="move")
    (box.inbox / "room" / "a.png").write_bytes(PNG)
    taken(box, 1)
    wait_for_scans(watcher, 3)
    assert len(box.instances()) == 1
    assert (box.inbox / "taken" / "room" / "a.png").exists()


def test_a_file_that_may_not_be_read_is_counted_and_taken_once_it_may(box: Box) -> None:
    (box.inbox / "a.dcm").write_bytes(DICOM)
    (box.inbox / "a.dcm").chmod(0)
    with bound_by_file_modes():
        with pytest.raises(PermissionError):
            (box.inbox / "a.dcm").read_bytes()
        watcher = box.watcher()
    wait_until(lambda: watcher.ignored_files() == 1, "the unreadable file is counted")
    (box.inbox / "a.dcm").chmod(0o600)
    taken(box, 1)


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.png", b"a\nb\x1b[2J\x1b]0;x\x07.png", b"\xe2\x80\xaegnp.png", b"-rf .png", b"%s{}$(reboot).png"]
)
def test_a_name_that_is_not_text_or_steers_is_no_obstacle(
    box: Box, name: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (box.inbox / os.fsdecode(name)).write_bytes(PNG)
    watcher = box.watcher()
    taken(box, 1)
    wait_for_scans(watcher)
    assert len(box.instances()) == 1
    assert "\x1b" not in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_devices_and_sockets_are_left_alone(box: Box, kind: int) -> None:
    os.mknod(box.inbox / "endless.dcm", kind | 0o666, os.makedev(1, 5))  # the numbers of /dev/zero
    (box.inbox / "good.dcm").write_bytes(DICOM)
    watcher = box.watcher()
    taken(box, 1)
    wait_for_scans(watcher)
    assert len(box.instances()) == 1


def test_a_bomb_of_elements_does_not_hold_up_the_others(box: Box) -> None:
    bomb = META + struct.pack("<HH2sH", 0x0008, 0x0001, b"UI", 0) * 3_000_000
    (box.inbox / "bomb.dcm").write_bytes(bomb)
    (box.inbox / "good.dcm").write_bytes(DICOM)
    box.watcher()
    assert "1.2.3" in {instance.sop_instance_uid for instance in taken(box, 2)}


def test_many_files_at_once_are_all_taken(box: Box) -> None:
    box.watcher()

    def drop(first: int) -> None:
        for number in range(first, first + 50):
            part = box.inbox / f"{number}.dcm.part"
            part.write_bytes(META + data_set(f"1.2.3.{number}"))
            part.rename(box.inbox / f"{number}.dcm")

    threads = [threading.Thread(target=drop, args=(first,)) for first in (0, 50, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    instances = taken(box, 150)
    assert {instance.sop_instance_uid for instance in instances} == {f"1.2.3.{number}" for number in range(150)}
