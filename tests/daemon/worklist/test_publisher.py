"""The publisher with real disks: whatever happens to the folder of the reports, they are published when it is back."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leapfrog.problem import Problem
from leapfrog.processes.command_lines import our_program
from leapfrog.signed_summary.signing import check_report
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.publications import Publications
from leapfrog.state.records import StudyRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.station.station_key import StationKey, station_key
from leapfrog.state.studies import Studies
from leapfrog.worklist import publisher, reports_disk
from leapfrog.worklist.disk_jobs import Condition, DiskAnswer
from leapfrog.worklist.publication import SIGNATURE_NAME
from leapfrog.worklist.publisher import Publisher, report_dir_of
from leapfrog.worklist.reports_disk import ReportsDisk
from support.journal_rows import commit, new_instance, report
from support.reports_disks import needs_bindfs, needs_mounts, share, small_disk
from support.waiting import wait_until

PATIENCE_SECONDS = 60.0  # the machine may be busy


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that are short for a test; the box's own are seconds."""
    monkeypatch.setattr(publisher, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(publisher, "SHORTEST_RETRY_SECONDS", 0.1)
    monkeypatch.setattr(publisher, "PUT_OFF_SECONDS", 1.5)
    monkeypatch.setattr(reports_disk, "SILENCE_SECONDS", 1.0)


class Box:
    """A state directory with a publisher, and studies whose reports are plain text."""

    def __init__(self, directory: Path, reports_dir: Path | None = None) -> None:
        self.directory = directory
        self.key: StationKey | None = None
        self.reports_dir = reports_dir or directory / "reports"
        self.journal = Journal(directory / "journal.sqlite")
        self.studies = Studies(self.journal)
        self.publications = Publications(self.journal)
        self.rendered = Rendered(directory / "rendered")
        self.lost: list[str] = []
        self.publisher = self._new_publisher()

    def _new_publisher(self) -> Publisher:
        return Publisher(
            reports_dir=self.reports_dir,
            state_dir=self.directory,
            rendered=self.rendered,
            publications=self.publications,
            on_published=lambda: None,
            on_lost=self.lost.append,
            station_key=self.key,
        )

    def restart(self) -> None:
        self.publisher.stop()
        self.publisher = self._new_publisher()
        self.publisher.start()

    def add_report(self, version: int = 1, study: StudyRecord | None = None, **values: Any) -> StudyRecord:
        """A new version of a study's report, of a new study by default, rendered and committed."""
        if study is None:
            new = new_instance(owed=False, **values)
            Instances(self.journal).add(new)
            commit(self.journal, new.id)
            study = self.studies.newest(1)[0]
        folder = self.rendered.folder(study.key)
        (folder / f"plain-{version}.jpg").write_bytes(bytes(1000))
        for kind in ("html", "json", "pdf"):
            (folder / f"report-{version}.{kind}").write_text(f"{kind} {version}")
        report(self.journal, study.key, version)
        self.publisher.wake()
        return study

    def forget(self, study: StudyRecord) -> None:
        """As retention does, when a study is old enough."""
        with self.journal.transaction() as connection:
            connection.execute("UPDATE deliveries SET state = 'confirmed'")
            connection.execute("UPDATE studies SET state = 'quiet', finished_day = 0 WHERE key = ?", (study.key,))
        finished = self.studies.finished_before(1)
        assert finished is not None
        assert self.studies.forget(finished, 1)
        self.publisher.wake()

    def folder(self, study: StudyRecord) -> Path:
        return report_dir_of(self.reports_dir, study.received_date, study.key)

    def shows(self, study: StudyRecord, version: int = 1) -> bool:
        page = self.folder(study) / "report.json"
        return page.exists() and page.read_text() == f"json {version}" and (page.parent / "plain-1.jpg").exists()

    def wait_until_shown(self, *studies: StudyRecord, version: int = 1) -> None:
        for study in studies:
            wait_until(
                lambda study=study: self.shows(study, version),  # type: ignore[misc]
                "the report is published",
                deadline_seconds=PATIENCE_SECONDS,
            )

    def wait_until_waiting(self, count: int) -> None:
        wait_until(lambda: self.publications.waiting() == count, f"{count} wait", deadline_seconds=PATIENCE_SECONDS)

    def wait_for_problem(self, words: str) -> Problem:
        def look() -> Problem | None:
            return next((problem for problem in self.publisher.problems() if words in problem.what), None)

        return wait_until(look, f"it says: {words}", deadline_seconds=PATIENCE_SECONDS)

    def wait_until_well(self) -> None:
        wait_until(
            lambda: not self.publisher.problems() and self.publisher.seen().condition == "good",
            "nothing is wrong",
            deadline_seconds=PATIENCE_SECONDS,
        )

    def is_alive(self) -> bool:
        return time.monotonic() - self.publisher.heartbeat() < 10


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    yield from running(Box(tmp_path))


def running(box: Box) -> Iterator[Box]:
    box.publisher.start()
    try:
        yield box
    finally:
        box.publisher.stop()
        box.journal.close()


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Box]:
    """Its reports belong to a disk of their own, on /disk/reports, which the test mounts."""
    state = tmp_path / "state"
    state.mkdir()
    box = Box(state, tmp_path / "disk")
    yield box
    box.publisher.stop()
    box.journal.close()


# ---------------------------------------------------------------- a good disk


def test_each_version_of_a_report_is_published(box: Box) -> None:
    study = box.add_report()
    box.wait_until_shown(study)
    box.add_report(2, study)
    box.wait_until_shown(study, version=2)
    box.wait_until_waiting(0)
    assert box.publisher.problems() == ()


def test_a_report_committed_before_a_power_cut_is_published_at_the_next_start(box: Box) -> None:
    study = box.add_report()
    box.wait_until_shown(study)
    box.publisher.stop()
    shutil.rmtree(box.folder(study))
    box.publications.mark_published(study.key, 0)
    box.restart()
    box.wait_until_shown(study)


def signature_verdict(box: Box, study: StudyRecord) -> str:
    """What somebody says who knows the key of the box."""
    folder, key = box.folder(study), station_key(box.directory)
    document, signature = (folder / "report.json").read_bytes(), (folder / SIGNATURE_NAME).read_bytes()
    return check_report(document, signature, {key.id: key.public_key}).verdict


def test_each_version_is_published_with_its_signature(box: Box) -> None:
    box.key = station_key(box.directory)
    box.restart()
    study = box.add_report()
    for version in (1, 2):
        box.wait_until_waiting(0)
        assert box.shows(study, version)
        assert signature_verdict(box, study) == "genuine"
        box.add_report(version + 1, study)


def test_after_a_power_cut_a_signature_that_was_lost_is_made_again(box: Box) -> None:
    box.key = station_key(box.directory)
    box.restart()
    old, study = box.add_report(), box.add_report()
    box.wait_until_waiting(0)
    box.publisher.stop()
    for one in (old, study):
        (box.folder(one) / SIGNATURE_NAME).write_bytes(b"")  # as a file system leaves what was not synced
    box.publications.publish_newest_again(1)
    box.restart()
    box.wait_until_waiting(0)
    assert signature_verdict(box, study) == "genuine"
    assert (box.folder(old) / SIGNATURE_NAME).read_bytes() == b""


def test_a_box_without_its_key_leaves_no_older_signature_beside_a_report(box: Box) -> None:
    box.key = station_key(box.directory)
    box.restart()
    study = box.add_report()
    box.wait_until_waiting(0)
    assert (box.folder(study) / SIGNATURE_NAME).exists()
    box.key = None
    box.restart()
    box.add_report(2, study)
    box.wait_until_waiting(0)
    assert box.shows(study, 2)
    assert not (box.folder(study) / SIGNATURE_NAME).exists()


def test_what_the_lanes_finish_last_is_published_before_the_box_stops(box: Box) -> None:
    box.wait_until_shown(box.add_report())
    last = box.add_report()
    box.publisher.stop()
    assert box.shows(last)
    box.publisher = box._new_publisher()
    box.publisher.start()


def test_the_worklist_comes_to_the_folder(box: Box) -> None:
    (box.rendered.directory / "index.html").write_text("list 1")
    box.publisher.list_changed("1")
    page = box.reports_dir / "index.html"
    wait_until(lambda: page.exists() and page.read_text() == "list 1", "the list", deadline_seconds=PATIENCE_SECONDS)


def write_list(box: Box, number: int) -> None:
    """Page 3 of older exams and the list, which are new, with a font beside them."""
    font = box.rendered.directory / "fonts" / "Thai.woff2"
    font.parent.mkdir(exist_ok=True)
    font.write_bytes(b"wOF2\xff")
    older = box.rendered.directory / "older" / "3.html"
    older.parent.mkdir(exist_ok=True)
    older.write_text(f"older {number}")
    (box.rendered.directory / "index.html").write_text(f"list {number}")
    box.publisher.list_changed(f"{number}", ["fonts/Thai.woff2", "older/3.html"])


def test_pages_of_older_exams_come_to_the_folder_before_the_list_and_go_again(box: Box) -> None:
    page, index = box.reports_dir / "older" / "3.html", box.reports_dir / "index.html"
    write_list(box, 1)
    wait_until(index.exists, "the list", deadline_seconds=PATIENCE_SECONDS)
    assert page.read_text() == "older 1"
    assert (box.reports_dir / "fonts" / "Thai.woff2").read_bytes() == b"wOF2\xff"
    (box.rendered.directory / "older" / "3.html").unlink()
    (box.rendered.directory / "index.html").write_text("list 2")
    box.publisher.list_changed("2", ["older/3.html"])
    wait_until(lambda: index.read_text() == "list 2", "the new list", deadline_seconds=PATIENCE_SECONDS)
    assert not page.exists()


def test_a_folder_that_was_emptied_gets_the_list_its_older_pages_and_fonts_again(box: Box) -> None:
    font, page, index = (
        box.reports_dir / "fonts" / "Thai.woff2",
        box.reports_dir / "older" / "3.html",
        box.reports_dir / "index.html",
    )
    write_list(box, 1)
    wait_until(index.exists, "the list", deadline_seconds=PATIENCE_SECONDS)
    shutil.rmtree(box.reports_dir)
    wait_until(lambda: all(map(Path.exists, (index, page, font))), "all are back", deadline_seconds=PATIENCE_SECONDS)


def test_a_report_that_is_gone_from_the_state_directory_is_made_again(box: Box) -> None:
    study = box.add_report()
    box.wait_until_shown(study)
    box.publisher.stop()
    box.rendered.remove(study.key)
    box.publications.mark_published(study.key, 0)
    box.restart()
    wait_until(lambda: box.lost == [study.key], "the lanes hear of it", deadline_seconds=PATIENCE_SECONDS)
    assert box.studies.get(study.key).changed
    assert box.studies.get(study.key).state == "open"
    assert not box.publisher.problems()


def test_a_study_that_is_forgotten_is_taken_away_from_both_disks(box: Box) -> None:
    study, other = box.add_report(), box.add_report()
    box.wait_until_shown(study, other)
    box.forget(study)
    box.publisher.wake()
    wait_until(lambda: not box.publications.forgotten(), "it is taken away", deadline_seconds=PATIENCE_SECONDS)
    assert not box.folder(study).exists()
    assert not box.rendered.path(study.key).exists()
    assert box.shows(other)


def test_reports_that_an_older_leapfrog_rendered_in_the_folder_itself_are_taken_back(tmp_path: Path) -> None:
    """A new version of such a study needs the pictures that lie there."""
    box = Box(tmp_path)
    study = box.add_report()
    rendered, folder = box.rendered.path(study.key), box.folder(study)
    folder.parent.mkdir(parents=True)
    rendered.rename(folder)
    for kind in ("html", "json", "pdf"):
        os.link(folder / f"report-1.{kind}", folder / f"report.{kind}")
    box.publications.mark_published(study.key, 1)
    for _ in running(box):
        picture = rendered / "plain-1.jpg"
        wait_until(picture.exists, "the picture is taken back", deadline_seconds=PATIENCE_SECONDS)
        box.add_report(2, study)
        box.wait_until_shown(study, version=2)


# ---------------------------------------------------------------- what open pages are told


def beat(box: Box) -> str:
    page = box.reports_dir / "alive.html"
    return page.read_text().partition('data-beat="')[2].partition('"')[0] if page.exists() else ""


def wait_for_another_beat(box: Box, before: str) -> str:
    def look() -> str:
        box.publisher.daemon_lives()  # as the main thread does, every second
        return now if (now := beat(box)) != before else ""

    return wait_until(look, "another number", deadline_seconds=PATIENCE_SECONDS)


def test_open_pages_are_told_another_number_again_and_again_and_after_a_restart(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "BEAT_SECONDS", 0.3)
    box.wait_until_shown(box.add_report())
    numbers = [""]
    for _ in range(3):
        numbers.append(wait_for_another_beat(box, numbers[-1]))
    box.restart()
    numbers.append(wait_for_another_beat(box, numbers[-1]))
    assert len(set(numbers)) == 5


def test_nothing_is_told_while_a_part_of_the_daemon_does_not_live(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "BEAT_SECONDS", 0.3)
    monkeypatch.setattr(publisher, "DAEMON_LIVES_SECONDS", 0.5)
    box.wait_until_shown(box.add_report())
    last = wait_for_another_beat(box, "")
    time.sleep(0.6)
    last = beat(box)
    box.wait_until_shown(box.add_report())  # the publisher itself works on
    time.sleep(2 * publisher.LOOK_SECONDS)
    assert beat(box) == last


def test_open_pages_are_told_which_list_is_the_newest_once_it_is_published(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "BEAT_SECONDS", 0.3)
    (box.rendered.directory / "index.html").write_text("list 1")
    box.publisher.list_changed("0123456789abcdef")
    wait_until((box.reports_dir / "index.html").exists, "the list", deadline_seconds=PATIENCE_SECONDS)
    wait_for_another_beat(box, wait_for_another_beat(box, ""))
    assert 'data-worklist="0123456789abcdef"' in (box.reports_dir / "alive.html").read_text()


def test_an_open_report_is_told_its_newest_version(box: Box) -> None:
    study = box.add_report()
    box.wait_until_shown(study)
    box.add_report(2, study)
    box.wait_until_shown(study, version=2)
    told = box.folder(study) / "report.newest.html"
    wait_until(lambda: 'data-version="2"' in told.read_text(), "it says so", deadline_seconds=PATIENCE_SECONDS)


# ---------------------------------------------------------------- what people do to the folder


def test_a_study_whose_folder_a_person_deletes_while_it_grows_is_complete_again_with_its_next_version(box: Box) -> None:
    study = box.add_report()
    box.wait_until_shown(study)
    shutil.rmtree(box.folder(study))
    box.add_report(2, study)
    box.wait_until_shown(study, version=2)


def test_a_folder_that_was_emptied_is_filled_again(box: Box) -> None:
    studies = [box.add_report() for _ in range(3)]
    box.wait_until_shown(*studies)
    box.wait_until_waiting(0)
    shutil.rmtree(box.reports_dir)
    box.wait_until_shown(*studies)
    box.wait_until_well()


def test_a_folder_somewhere_else_gets_every_report(box: Box, tmp_path: Path) -> None:
    study = box.add_report()
    box.wait_until_shown(study)
    box.wait_until_waiting(0)
    box.publisher.stop()
    box.reports_dir = tmp_path / "elsewhere" / "reports"
    box.restart()
    box.wait_until_shown(study)


def test_a_file_in_place_of_the_folder_is_named_and_only_that_waits(box: Box) -> None:
    first = box.add_report()
    box.wait_until_shown(first)
    shutil.rmtree(box.reports_dir)
    box.reports_dir.write_text("in the way")
    second = box.add_report()
    problem = box.wait_for_problem("is not a folder")
    assert problem.since
    box.wait_for_problem("report waits in the state directory")
    box.reports_dir.unlink()
    box.wait_until_shown(first, second)
    box.wait_until_well()


def test_the_log_tells_of_each_thing_that_is_wrong_and_once(
    box: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    conditions: list[Condition] = ["full"]
    box.publisher.stop()
    caplog.clear()  # a busy machine may have been silent for too long
    monkeypatch.setattr(ReportsDisk, "do", lambda _self, _job, _patience: DiskAnswer(condition=conditions[-1]))
    box.restart()
    box.wait_for_problem("is full")
    conditions.append("read_only")
    box.wait_for_problem("is read-only")
    time.sleep(3 * publisher.LOOK_SECONDS)  # it looks again, and again finds the same
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [("is full" in line, "is read-only" in line) for line in told] == [(True, False), (False, True)]


def test_one_report_that_cannot_be_written_holds_up_no_other(box: Box) -> None:
    blocked = box.add_report()
    box.wait_until_shown(blocked)
    box.publisher.stop()
    shutil.rmtree(box.folder(blocked))
    box.folder(blocked).write_text("in the way")
    box.publications.mark_published(blocked.key, 0)
    box.restart()
    box.wait_for_problem("is not a folder")
    other = box.add_report()
    box.wait_until_shown(other)
    assert box.publisher.problems()
    box.folder(blocked).unlink()
    box.wait_until_shown(blocked)
    box.wait_until_well()


def test_neither_forty_such_reports_nor_the_list_hold_up_the_others(box: Box) -> None:
    """More than are taken for a failure of the whole disk."""
    oldest = box.add_report()
    box.wait_until_shown(oldest)
    (box.reports_dir / "index.html").mkdir()
    (box.rendered.directory / "index.html").write_text("list")
    box.publisher.list_changed("1")
    box.wait_for_problem("Is a directory")
    box.publisher.stop()
    blocked = [box.add_report() for _ in range(40)]
    for study in (oldest, *blocked):
        shutil.rmtree(box.folder(study), ignore_errors=True)
    for study in blocked:
        box.folder(study).write_text("in the way")
    box.publications.mark_published(oldest.key, 0)
    box.restart()
    box.wait_until_shown(oldest)
    for study in blocked:
        box.folder(study).unlink()
    (box.reports_dir / "index.html").rmdir()
    box.wait_until_shown(*blocked)
    box.wait_until_well()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_a_folder_without_permission_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The publishing program runs as nobody, as the daemon does as leapfrog."""
    monkeypatch.setattr(
        reports_disk,
        "our_program",
        lambda module, *rest: [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            *our_program(module, *rest),
        ],
    )
    with tempfile.TemporaryDirectory() as directory:  # pytest's own folders are closed to others
        state = Path(directory)
        state.chmod(0o755)
        reports_dir = state / "reports"
        reports_dir.mkdir(mode=0o755)
        for box in running(Box(state, reports_dir)):
            box.rendered.directory.chmod(0o755)
            study = box.add_report()
            box.rendered.path(study.key).chmod(0o755)
            problem = box.wait_for_problem(f"not allowed to write in {reports_dir},")
            assert f"chown -R leapfrog: {reports_dir}" in problem.remedy
            os.chown(reports_dir, 65534, 65534)
            box.wait_until_shown(study)
            box.wait_until_well()


# ---------------------------------------------------------------- disks of their own


class TestDiskOfItsOwn:
    pytestmark = needs_mounts

    def test_a_full_disk_is_named_and_takes_the_reports_when_there_is_room(self, apart: Box) -> None:
        with small_disk(apart.reports_dir) as disk:
            apart.publisher.start()
            first = apart.add_report()
            apart.wait_until_shown(first)
            disk.fill()
            later = [apart.add_report() for _ in range(3)]
            apart.wait_for_problem("is full. 3 reports wait in the state directory")
            assert apart.publisher.seen().condition == "full"
            assert apart.shows(first)
            disk.make_room()
            apart.wait_until_shown(*later)
            apart.wait_until_well()

    def test_a_disk_that_turns_read_only_is_named_also_when_nothing_waits(self, apart: Box) -> None:
        with small_disk(apart.reports_dir) as disk:
            apart.publisher.start()
            apart.wait_until_shown(apart.add_report())
            disk.read_only(True)
            apart.wait_for_problem("is read-only. Receiving")
            later = apart.add_report()
            apart.wait_for_problem("1 report waits")
            disk.read_only(False)
            apart.wait_until_shown(later)
            apart.wait_until_well()

    def test_nothing_is_written_below_the_mount_point_of_a_disk_that_is_gone(self, apart: Box) -> None:
        with small_disk(apart.reports_dir) as disk:
            apart.publisher.start()
            first = apart.add_report()
            apart.wait_until_shown(first)
            apart.wait_until_waiting(0)
            disk.unmount()
            later = apart.add_report()
            problem = apart.wait_for_problem("not mounted")
            assert "Mount it" in problem.remedy
            assert list(apart.reports_dir.iterdir()) == []
            disk.mount()  # another disk, which has nothing on it: it gets everything
            apart.wait_until_shown(first, later)
            apart.wait_until_well()

    def test_a_missing_folder_on_a_disk_that_is_gone_is_not_made(self, apart: Box) -> None:
        mount_point = apart.reports_dir
        with small_disk(mount_point) as disk:
            apart.reports_dir = mount_point / "reports"
            apart.publisher = apart._new_publisher()
            apart.publisher.start()
            apart.wait_until_shown(apart.add_report())
            disk.unmount()
            apart.wait_for_problem("is missing")
            assert list(mount_point.iterdir()) == []

    def test_a_folder_that_a_person_marks_is_used_as_it_is(self, apart: Box) -> None:
        with small_disk(apart.reports_dir) as disk:
            apart.publisher.start()
            study = apart.add_report()
            apart.wait_until_shown(study)
            disk.unmount()
            problem = apart.wait_for_problem("not mounted")
            mark = apart.reports_dir / ".leapfrog"
            assert f"touch {mark}" in problem.remedy
            mark.touch()
            apart.wait_until_shown(study)
            apart.wait_until_well()

    def test_a_forgotten_study_is_taken_away_when_its_disk_is_back(self, apart: Box) -> None:
        with small_disk(apart.reports_dir) as disk:
            apart.publisher.start()
            study = apart.add_report()
            apart.wait_until_shown(study)
            apart.wait_until_waiting(0)
            disk.read_only(True)
            apart.wait_for_problem("read-only")
            apart.forget(study)
            rendered = apart.rendered.path(study.key)
            wait_until(lambda: not rendered.exists(), "it left the state", deadline_seconds=PATIENCE_SECONDS)
            assert apart.shows(study)
            disk.read_only(False)
            wait_until(lambda: not apart.folder(study).exists(), "it is gone", deadline_seconds=PATIENCE_SECONDS)


@needs_bindfs
class TestShareThatHangs:
    pytestmark = needs_mounts

    def test_it_is_named_and_the_reports_come_when_it_answers_again(self, apart: Box, tmp_path: Path) -> None:
        with share(apart.reports_dir, tmp_path / "behind") as server:
            apart.publisher.start()
            apart.wait_until_shown(apart.add_report())
            server.hang()
            later = apart.add_report()
            apart.wait_for_problem("does not answer")
            assert apart.is_alive()
            server.go_on()
            apart.wait_until_shown(later)
            apart.wait_until_well()

    def test_the_box_stops_within_seconds_all_the_same(self, apart: Box, tmp_path: Path) -> None:
        with share(apart.reports_dir, tmp_path / "behind") as server:
            apart.publisher.start()
            apart.wait_until_shown(apart.add_report())
            server.hang()
            apart.add_report()
            apart.wait_for_problem("does not answer")
            began = time.monotonic()
            apart.publisher.stop()
            assert time.monotonic() - began < 20  # 4 s where the machine has nothing else to do
            apart.wait_until_waiting(1)

    def test_a_share_that_died_and_was_mounted_again_is_used(
        self, apart: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publisher, "GIVE_UP_SECONDS", 3.0)
        with share(apart.reports_dir, tmp_path / "behind") as server:
            apart.publisher.start()
            apart.wait_until_shown(apart.add_report())
            server.hang()
            later = apart.add_report()
            apart.wait_for_problem("does not answer")
            server.end()
            with share(apart.reports_dir, tmp_path / "behind"):
                apart.wait_until_shown(later)
                apart.wait_until_well()
