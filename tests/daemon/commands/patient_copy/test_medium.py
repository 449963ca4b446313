"""Sticks that are full, locked, pulled out, or lie: nothing is left of half a copy, and what to do is said."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.fileset import FileSet

from leapfrog.commands.patient_copy import medium
from leapfrog.commands.patient_copy.medium import STAGE, Medium
from leapfrog.durable import sync_file_system
from leapfrog.errors import StickError, StickFull
from support.copied_exam import CopiedExam
from support.disk_image import DiskImage
from support.instances import gradient, image_dataset, save
from support.waiting import wait_until


@pytest.fixture
def box(tmp_path: Path) -> CopiedExam:
    box = CopiedExam(tmp_path / "state")
    for number in range(3):
        dataset = image_dataset(gradient(512, 512), SOPInstanceUID=f"2.25.{number + 1}", InstanceNumber=number)
        box.add(save(dataset, tmp_path / f"{number}.dcm"))
    return box


@pytest.fixture
def stick(tmp_path: Path) -> Iterator[DiskImage]:
    if not DiskImage.possible(tmp_path):
        pytest.skip("no file system can be mounted here")
    with DiskImage(tmp_path / "stick.img", tmp_path / "stick", 16) as image:
        yield image


def left_on(stick: DiskImage) -> list[str]:
    return sorted(path.name for path in stick.folder.iterdir() if path.name != "lost+found")


def test_a_stick_with_too_little_room_is_refused_before_anything_is_written(box: CopiedExam, stick: DiskImage) -> None:
    (stick.folder / "film.mp4").write_bytes(bytes(11 << 20))
    with pytest.raises(StickFull, match="MB free"):
        box.copied_to(stick.folder)
    assert left_on(stick) == ["film.mp4"]


def test_of_a_stick_that_fills_up_half_a_copy_is_taken_away(
    box: CopiedExam, stick: DiskImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Medium, "require_room", lambda *_: None)
    room = os.statvfs(stick.folder)
    (stick.folder / "film.mp4").write_bytes(bytes(room.f_bavail * room.f_frsize - (1 << 20)))
    with pytest.raises(StickFull, match="is full"):
        box.copied_to(stick.folder)
    assert left_on(stick) == ["film.mp4"]


def test_a_locked_stick_is_named(box: CopiedExam, stick: DiskImage) -> None:
    stick.read_only(True)
    with pytest.raises(StickError, match="read-only"):
        box.copied_to(stick.folder)
    stick.read_only(False)
    assert left_on(stick) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StickError, match="There is no folder"):
        Medium(tmp_path / "stick").older_copy("key")


def test_what_a_stick_that_was_pulled_out_has_is_no_half_copy(
    box: CopiedExam, stick: DiskImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(path: Path) -> None:
        stick.cut()
        sync_file_system(path)

    monkeypatch.setattr(medium, "sync_file_system", cut)
    with pytest.raises(StickError, match="pulled out"):
        box.copied_to(stick.folder)
    monkeypatch.undo()
    stick.unmount()
    stick.mount()
    assert "DICOMDIR" not in left_on(stick)
    box.copied_to(stick.folder)
    assert len(FileSet(stick.folder / "DICOMDIR")) == 3
    assert STAGE not in left_on(stick)


def test_a_command_that_is_killed_leaves_what_the_next_one_takes_away(box: CopiedExam, tmp_path: Path) -> None:
    root = tmp_path / "folder"
    root.mkdir()
    code = (  # it is at work until it is killed
        "import time; from pathlib import Path; from support.copied_exam import CopiedExam;"
        "from leapfrog.commands.patient_copy import medium;"
        "medium.sync_file_system = lambda _: time.sleep(60);"
        f"CopiedExam(Path({str(box.state_dir)!r})).copied_to(Path({str(root)!r}))"
    )
    path = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}) as process:
        wait_until((root / STAGE / "OBJECTS" / "1").exists, "a file is written")
        process.send_signal(signal.SIGKILL)
    assert not (root / "DICOMDIR").exists()
    box.copied_to(root)
    assert len(FileSet(root / "DICOMDIR")) == 3


def test_a_stick_that_gives_back_other_bytes_is_found_out(
    box: CopiedExam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lie(path: Path) -> None:
        for written in (path / STAGE / "PT000000").rglob("IM*"):
            content = bytearray(written.read_bytes())
            content[-1] ^= 1
            written.write_bytes(content)

    monkeypatch.setattr(medium, "sync_file_system", lie)
    with pytest.raises(StickError, match="does not keep"):
        box.copied_to(tmp_path / "stick")
    assert list((tmp_path / "stick").iterdir()) == []


def test_one_copy_is_made_on_a_stick_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    first, second = Medium(tmp_path / "stick").staged(), Medium(tmp_path / "stick").staged()
    with first, pytest.raises(StickError, match="Another copy"), second:
        pass
