"""The side lane: reports of large exams are made on it, and no film waits for them."""

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from leapfrog.lanes import dispatcher, lane, reports
from leapfrog.processes.child_process import ChildProcess
from support.processes import READER, child_with, runs, the_child
from support.reading_box import Box, holding_a_reader_of, running
from support.waiting import wait_until

BESIDE = "--beside"  # on the command line of the side lane's reader
LARGE, SMALL = "2.25.1", "2.25.2"  # studies


@pytest.fixture(autouse=True)
def _two_images_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "LARGE_EXAM", 2)


@contextmanager
def held_up(box: Box) -> Iterator[int]:
    """The side lane's reader, which stands still over the report of a large exam, with two images."""
    for image in (box.add_image(study_uid=LARGE), box.add_image(study_uid=LARGE)):
        box.wait_for_state(image, "read")
    pid = the_child(BESIDE)
    os.kill(pid, signal.SIGSTOP)  # long before it is ready: it takes a second to start
    try:
        yield pid
    finally:
        with suppress(ProcessLookupError):  # a test may have killed it
            os.kill(pid, signal.SIGCONT)


def images_in_report(box: Box, instance_id: str) -> int:
    return len(box.report(instance_id).get("images", ()))


def test_a_film_waits_for_no_report_of_a_large_exam(tmp_path: Path) -> None:
    with running(Box(tmp_path, quiet_seconds=0.1, side_lane=True)) as box:
        first = box.add_image(study_uid=LARGE)
        with held_up(box):
            film = box.add_image(study_uid=SMALL)
            wait_until(lambda: images_in_report(box, film) == 1, "the film's report")
            study = box.studies.get(box.record(film).study_key)
            wait_until(lambda: box.studies.get(study.key).state == "quiet", "and its closing version")
            assert images_in_report(box, first) < 3
        wait_until(lambda: images_in_report(box, first) == 3, "the report of the large exam")
        wait_until(lambda: box.studies.get(box.record(first).study_key).state == "quiet", "and its closing version")


def test_the_reader_of_the_side_lane_holds_no_models_gives_way_and_ends_when_it_has_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "SIDE_IDLE_SECONDS", 0.1)
    with running(Box(tmp_path, quiet_seconds=0.1, side_lane=True)) as box:
        first = box.add_image(study_uid=LARGE)
        wait_until(lambda: images_in_report(box, first) == 1, "a report")
        assert child_with(BESIDE) is None, "one image is none for it"
        with held_up(box) as pid:
            assert '"model_directories":[]' in Path(f"/proc/{pid}/cmdline").read_text()
            wait_until(lambda: child_with(READER) is not None, "the other reader")
        wait_until(lambda: not runs(pid) or _niceness(pid) > _niceness(the_child(READER)), "it gives way")
        wait_until(lambda: images_in_report(box, first) == 3, "the report of the large exam")
        wait_until(lambda: child_with(BESIDE) is None, "it ends")
        box.add_image(study_uid=LARGE)
        wait_until(lambda: images_in_report(box, first) == 4, "it is started again when it is needed")


def test_a_report_over_which_the_side_lane_dies_is_made_all_the_same(tmp_path: Path) -> None:
    with running(Box(tmp_path, quiet_seconds=0.1, side_lane=True)) as box:
        with held_up(box) as pid:
            os.kill(pid, signal.SIGKILL)
            first = box.add_image(study_uid=LARGE)
        wait_until(lambda: images_in_report(box, first) == 3, "the report of the large exam")


def test_a_side_lane_without_a_reader_leaves_large_exams_to_the_others_until_it_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "SIDE_RETRY_SECONDS", 0.1)
    with running(Box(tmp_path, quiet_seconds=0.1, side_lane=True)) as box, monkeypatch.context() as broken:
        first = box.add_image(study_uid=LARGE)
        wait_until(lambda: images_in_report(box, first) == 1, "a report")
        broken.setattr(lane, "READER_PROGRAM", "leapfrog.reader.no_such_module")
        box.add_image(study_uid=LARGE)
        wait_until(lambda: images_in_report(box, first) == 2, "the report of the large exam")
        wait_until(box.dispatcher.problems, "it is told")
        broken.undo()
        wait_until(lambda: not box.dispatcher.problems(), "the side lane has a reader")
        assert child_with(BESIDE) is not None
        with held_up(box):
            film = box.add_image(study_uid=SMALL)
            wait_until(lambda: images_in_report(box, film) == 1, "a film waits for it no longer")


def test_a_side_lane_for_which_there_is_no_memory_leaves_large_exams_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Child(ChildProcess):
        def __init__(self, name: str, command: list[str], *rest: Any, **options: Any) -> None:
            if BESIDE in command:
                raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
            super().__init__(name, command, *rest, **options)

    monkeypatch.setattr(lane, "ChildProcess", Child)
    with running(Box(tmp_path, quiet_seconds=0.1, side_lane=True)) as box:
        first, _ = box.add_image(study_uid=LARGE), box.add_image(study_uid=LARGE)
        wait_until(lambda: images_in_report(box, first) == 2, "the report of the large exam")
        [problem] = box.dispatcher.problems()
        assert "Cannot allocate memory" in problem.what


def test_a_large_exam_over_which_the_side_lane_hangs_keeps_no_other_from_it_and_is_tried_again(tmp_path: Path) -> None:
    with running(Box(tmp_path, quiet_seconds=60.0, deadline_seconds=3.0, side_lane=True)) as box:
        first = box.add_image(study_uid=LARGE)
        wait_until(lambda: images_in_report(box, first) == 1, "a report")
        [picture] = box.rendered.path(box.record(first).study_key).glob("plain-*")
        picture.unlink()
        os.mkfifo(picture)  # whoever reads it waits for ever
        box.add_image(study_uid=LARGE)
        wait_until(lambda: child_with(BESIDE) is not None, "the side lane is at work")
        other, _ = box.add_image(study_uid=SMALL), box.add_image(study_uid=SMALL)
        wait_until(lambda: images_in_report(box, other) == 2, "the report of another large exam")
        assert images_in_report(box, first) == 1
        picture.unlink()
        wait_until(lambda: images_in_report(box, first) == 2, "the report")


def test_an_exam_that_is_to_be_forgotten_does_not_wait_for_its_large_report(tmp_path: Path) -> None:
    with running(Box(tmp_path, side_lane=True)) as box:
        first = box.add_image(study_uid=LARGE)
        wait_until(lambda: images_in_report(box, first) == 1, "a report")
        key = box.record(first).study_key
        [picture] = box.rendered.path(key).glob("plain-*")
        picture.unlink()
        os.mkfifo(picture)
        box.add_image(study_uid=LARGE)
        with holding_a_reader_of(picture), box.journal.in_use.alone(key, seconds=10.0) as is_free:
            assert is_free
            picture.unlink()
        wait_until(lambda: images_in_report(box, first) == 2, "it is made anew, where the exam stays")


def _niceness(pid: int) -> int:
    try:
        return os.getpriority(os.PRIO_PROCESS, pid)
    except ProcessLookupError:
        return 20
