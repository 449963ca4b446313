"""The dispatcher with real lanes: what is read when, whom a failure is charged to, and how often a study is rendered.

A spool file that is a named pipe holds a reader in the middle of its work for as long as a test likes.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from leapfrog.lanes import dispatcher, readings
from leapfrog.lanes.readings import INTERRUPTION_LIMIT, READER_DEATH_LIMIT
from leapfrog.state.in_hand import ENDS_LIMIT
from leapfrog.state.instances import Instances, NewlyOwed
from leapfrog.state.recipients import Recipients
from leapfrog.state.records import CommittedReading
from support.processes import READER, the_child
from support.reading_box import Box, holding_a_reader_of, running, wait_for_a_reader_of
from support.reports_disks import small_disk
from support.waiting import wait_until


def test_an_image_becomes_a_published_report(tmp_path: Path) -> None:
    with running(Box(tmp_path)) as box:
        instance_id = box.add_image()
        box.wait_for_state(instance_id, "read")
        report = wait_until(lambda: box.report(instance_id), "the report is published")
        assert [image["instance_id"] for image in report["images"]] == [instance_id]
        study = box.studies.get(box.record(instance_id).study_key)
        published = {"report.html", "report.json", "report.newest.html", "report.pdf"}
        folder = box.report_dir(study)
        wait_until(lambda: {path.name for path in folder.glob("report.*")} == published, "the rest is published")
        wait_until(
            lambda: not any(path.is_file() for path in box.spool.work.rglob("*")), "nothing is left in the work folder"
        )


def test_an_image_that_kills_its_reader_three_times_is_set_aside_and_the_next_is_read(tmp_path: Path) -> None:
    with running(Box(tmp_path)) as box:
        deadly = box.add_image_that_never_ends(tmp_path)
        harmless = box.add_image()
        for death in range(1, READER_DEATH_LIMIT + 1):
            box.kill_the_reader_at_work(deadly)
            wait_until(lambda death=death: box.record(deadly).attempts == death, f"death {death} is charged")  # type: ignore[misc]
        aside = box.wait_for_state(deadly, "set_aside")
        assert "stopped 3 times" in aside.reason
        box.wait_for_state(harmless, "read")
        report = wait_until(lambda: box.report(deadly), "a report says what was set aside")
        assert report["images"][0]["outcome"] == "not_assessed"
        assert report["images"][0]["reason"] == aside.reason


def test_an_image_that_outlasts_the_deadline_is_charged_like_a_death(tmp_path: Path) -> None:
    with running(Box(tmp_path, deadline_seconds=0.7)) as box:
        endless = box.add_image_that_never_ends(tmp_path)
        aside = box.wait_for_state(endless, "set_aside")
        assert aside.attempts == READER_DEATH_LIMIT


def test_a_lane_counts_as_alive_as_long_as_its_job_has_time_left(tmp_path: Path) -> None:
    with running(Box(tmp_path), drain_seconds=0.0) as box:
        pipe = box.spool.path(box.record(box.add_image_that_never_ends(tmp_path)).spool_name)
        with holding_a_reader_of(pipe):
            now = time.monotonic()
            assert box.dispatcher.heartbeat() >= now


def test_what_the_end_of_the_daemon_cuts_short_is_not_the_images_fault(tmp_path: Path) -> None:
    box = Box(tmp_path)
    with running(box, drain_seconds=0.1):
        endless = box.add_image_that_never_ends(tmp_path)
        pipe = box.spool.path(box.record(endless).spool_name)
        wait_for_a_reader_of(pipe)
        box.dispatcher.stop(drain_seconds=0.1)
        record = box.record(endless)
    assert (record.state, record.attempts, record.interruptions) == ("received", 0, 1)


def test_an_image_in_whose_midst_the_box_ends_again_and_again_is_set_aside_unread(tmp_path: Path) -> None:
    box = Box(tmp_path)
    endless = box.add_image_that_never_ends(tmp_path)
    for _ in range(INTERRUPTION_LIMIT):
        assert Instances(box.journal).begin_attempt() is not None
        assert Instances(box.journal).close_cut_attempts() == 1
    with running(box):
        aside = box.wait_for_state(endless, "set_aside")
        assert "switched off" in aside.reason
        assert aside.attempts == 0


def test_a_dead_engine_is_not_the_images_fault_until_it_has_failed_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "ENGINE_FAILURE_LIMIT", 2)  # each failure doubles the pause before the next
    box = Box(tmp_path)
    instance_id = box.add_image()
    assert Instances(box.journal).begin_attempt() is not None
    Instances(box.journal).end_attempt(instance_id, "engine")
    with running(box):
        record = box.wait_for_state(instance_id, "read")
    assert (record.attempts, record.engine_failures) == (0, 1)


def test_many_images_of_one_study_are_rendered_few_times_and_the_last_report_holds_them_all(tmp_path: Path) -> None:
    with running(Box(tmp_path, quiet_seconds=0.5)) as box:
        ids = [box.add_image() for _ in range(40)]
        key = box.record(ids[0]).study_key
        wait_until(lambda: box.studies.get(key).state == "quiet", "the study is quiet", deadline_seconds=90)
        assert {image["instance_id"] for image in box.report(ids[0])["images"]} == set(ids)
        assert box.studies.get(key).version <= len(ids) // 2


def test_a_late_image_opens_a_quiet_study_and_makes_a_new_version(tmp_path: Path) -> None:
    with running(Box(tmp_path, quiet_seconds=0.3)) as box:
        early = box.add_image()
        key = box.record(early).study_key
        wait_until(lambda: box.studies.get(key).state == "quiet", "the study is quiet", deadline_seconds=60)
        before = box.studies.get(key).version
        late = box.add_image()
        wait_until(
            lambda: len(box.report(late)["images"]) == 2 and box.studies.get(key).state == "quiet",
            "the study is quiet again with both images",
            deadline_seconds=60,
        )
        assert box.studies.get(key).version > before


def test_another_patient_under_the_same_study_uid_is_mentioned_on_both_reports(tmp_path: Path) -> None:
    with running(Box(tmp_path)) as box:
        first = box.add_image(patient_id="P1")
        wait_until(lambda: box.report(first), "the first report is there", deadline_seconds=60)
        second = box.add_image(patient_id="P2")
        assert box.record(first).study_key != box.record(second).study_key
        for instance_id, other in ((first, "P2"), (second, "P1")):
            wait_until(
                lambda instance_id=instance_id, other=other: other in _page(box, instance_id),  # type: ignore[misc]
                "the page names the other patient",
                deadline_seconds=60,
            )


def _page(box: Box, instance_id: str) -> str:
    study = box.studies.get(box.record(instance_id).study_key)
    path = box.report_dir(study) / "report.html"
    return path.read_text() if path.exists() else ""


def test_a_committed_report_that_was_not_shown_is_shown_at_the_next_start(tmp_path: Path) -> None:
    with running(Box(tmp_path)) as box:
        instance_id = box.add_image()
        wait_until(lambda: box.report(instance_id), "the report is published", deadline_seconds=60)
    box = Box(tmp_path)
    key = box.record(instance_id).study_key
    folder = box.report_dir(box.studies.get(key))
    for kind in ("html", "json", "pdf"):
        (folder / f"report.{kind}").unlink()
    box.publications.mark_published(key, 0)
    with running(box):
        wait_until(lambda: box.report(instance_id), "the report is published", deadline_seconds=60)


def test_a_report_whose_files_are_gone_is_rendered_again_with_the_pictures_that_are_left(tmp_path: Path) -> None:
    with running(Box(tmp_path)) as box:
        instance_id = box.add_image()
        wait_until(lambda: box.report(instance_id), "the report is published", deadline_seconds=60)
    box = Box(tmp_path)
    key = box.record(instance_id).study_key
    for path in box.rendered.path(key).glob("report-*"):
        path.unlink()
    box.publications.mark_published(key, 0)
    with running(box):
        again = wait_until(
            lambda: found if (found := box.report(instance_id))["version"] > 1 else None,
            "a new version is published",
            deadline_seconds=60,
        )
        assert again["images"][0]["plain"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_disk_without_room_for_pictures_is_no_images_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures are drawn on a disk that other programs have filled."""
    monkeypatch.setattr(readings, "DISK_PAUSE_SECONDS", 0.2)
    box = Box(tmp_path)
    with small_disk(box.rendered.directory, "2m") as disk, running(box):
        disk.fill()
        instance_id = box.add_image()
        wait_until(lambda: box.record(instance_id).attempt_number > READER_DEATH_LIMIT, "tries", deadline_seconds=60)
        waiting = box.record(instance_id)
        assert (waiting.state, waiting.attempts, waiting.engine_failures, waiting.interruptions) == (
            "received",
            0,
            0,
            0,
        )
        disk.make_room()
        box.wait_for_state(instance_id, "read")
        assert box.record(instance_id).attempts == 0
        wait_until(lambda: box.report(instance_id), "the report is published", deadline_seconds=60)


def test_an_image_on_which_the_daemon_ended_twice_is_set_aside_and_the_next_is_read(tmp_path: Path) -> None:
    box = Box(tmp_path)
    deadly, harmless = box.add_image(), box.add_image(study_uid="2.25.3")
    for _ in range(ENDS_LIMIT):
        box.in_hand.count(f"instance {deadly}")  # as a start does that finds it in hand
    with running(box):
        aside = box.wait_for_state(deadly, "set_aside")
        assert "failed 2 times" in aside.reason
        box.wait_for_state(harmless, "read")
        assert Instances(box.journal).retry(deadly)
        box.dispatcher.wake()
        box.wait_for_state(deadly, "read")


def test_a_fault_of_ours_on_one_image_sets_it_aside_and_ends_neither_lane_nor_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    box = Box(tmp_path)
    deadly, harmless = box.add_image(), box.add_image(study_uid="2.25.3")
    commit, name = Instances.commit_reading, "Okello, Grace"

    def fail(instances: Instances, committed: CommittedReading, recipients: Recipients) -> NewlyOwed:
        if committed.instance_id == deadly and committed.state != "set_aside":
            raise RecursionError(name)
        return commit(instances, committed, recipients)

    monkeypatch.setattr(Instances, "commit_reading", fail)
    with running(box):
        aside = box.wait_for_state(deadly, "set_aside")
        assert "failed 2 times" in aside.reason
        box.wait_for_state(harmless, "read")
    assert name not in caplog.text, "what an exception says may name a patient"


def test_a_film_waits_for_one_attempt_at_a_cine_at_most(tmp_path: Path) -> None:
    with running(Box(tmp_path)) as box:
        cines = []
        for number in range(2):
            (tmp_path / str(number)).mkdir()
            cines.append(box.add_image_that_never_ends(tmp_path / str(number), frame_count=60))
        with holding_a_reader_of(box.spool.path(box.record(cines[0]).spool_name)):
            film = box.add_image(study_uid="2.25.4")
            os.kill(the_child(READER), signal.SIGKILL)  # as its deadline does
            box.wait_for_state(film, "read")
            assert [box.record(cine).attempts for cine in cines] == [1, 0]


def test_a_study_that_comes_back_without_a_reading_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_PAUSE_SECONDS", 0.1)
    with running(Box(tmp_path, quiet_seconds=0.2)) as box:
        image = box.add_image()
        key = box.record(image).study_key
        wait_until(lambda: box.studies.get(key).state == "quiet", "the study is quiet", deadline_seconds=60)
        box.journal.change("UPDATE studies SET state = 'open', changes = changes + 1")
        box.dispatcher.studies_came_back()
        wait_until(lambda: box.studies.get(key).state == "quiet", "it is quiet again", deadline_seconds=60)
        assert box.studies.get(key).version > 1
