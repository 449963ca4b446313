"""Publishing a report: links where they serve, copies elsewhere; it may be cut short at any point and done again."""

import errno
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from leapfrog.heartbeat.heartbeat import newest_page
from leapfrog.heartbeat.names import NEWEST_NAME
from leapfrog.worklist import publication
from leapfrog.worklist.publication import NotRendered, publish, remove, take_back, tell


class Study:
    """A study's folder in the state directory, and the one that staff open."""

    def __init__(self, directory: Path) -> None:
        self.rendered = directory / "rendered" / "key"
        self.folder = directory / "reports" / "2026-11-28" / "key"
        self.rendered.mkdir(parents=True)
        (directory / "reports").mkdir()

    def render(self, version: int, *, pdf: bool = True) -> None:
        (self.rendered / f"report-{version}.html").write_text(f"page {version}")
        (self.rendered / f"report-{version}.json").write_text(json.dumps({"version": version}))
        if pdf:
            (self.rendered / f"report-{version}.pdf").write_text(f"paper {version}")

    def list_files(self, version: int, *kinds: str, pictures: tuple[str, ...] = ()) -> None:
        """Have report.json say what the files of this version are: its reports of these `kinds`, and `pictures`."""
        files = {f"report.{kind}": f"report-{version}.{kind}" for kind in kinds} | {name: name for name in pictures}
        artefacts = [
            {"name": name, "sha256": sha256((self.rendered / source).read_bytes()).hexdigest()}
            for name, source in files.items()
        ]
        document = json.dumps({"version": version, "artefacts": artefacts})
        (self.rendered / f"report-{version}.json").write_text(document)

    def draw(self, name: str) -> None:
        (self.rendered / name).write_bytes(b"picture")

    def publish(self, version: int) -> None:
        publish(self.rendered, self.folder, version)

    def shown(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.folder.iterdir()}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def complete(version: int) -> dict[str, str]:
    return {
        "report.html": f"page {version}",
        "report.json": json.dumps({"version": version}),
        "report.pdf": f"paper {version}",
    }


def test_staff_find_a_version_under_plain_names_with_its_pictures(study: Study) -> None:
    study.render(1)
    study.draw("plain-1.jpg")
    (study.rendered / ".overlay-1.jpg.part").write_bytes(b"half")
    study.publish(1)
    assert study.shown() == {**complete(1), "plain-1.jpg": "picture"}


def test_publishing_again_changes_nothing(study: Study) -> None:
    study.render(1)
    study.publish(1)
    before = {path.name: path.stat().st_ctime_ns for path in study.folder.iterdir()}
    study.publish(1)
    assert {path.name: path.stat().st_ctime_ns for path in study.folder.iterdir()} == before


def test_a_newer_version_replaces_the_older_one(study: Study) -> None:
    for version in (1, 2, 10):
        study.render(version)
        study.publish(version)
    assert study.shown() == complete(10)


def test_a_version_without_a_pdf_takes_away_that_of_the_version_before(study: Study) -> None:
    study.render(1)
    study.publish(1)
    study.render(2, pdf=False)
    study.publish(2)
    assert study.shown() == {name: content for name, content in complete(2).items() if name != "report.pdf"}


def test_the_pictures_of_an_earlier_reading_leave_with_the_version_that_lists_them(study: Study) -> None:
    for attempt in (1, 2):
        study.draw(f"overlay-a-{attempt}.jpg")
        study.render(attempt)
        study.list_files(attempt, "html", pictures=(f"overlay-a-{attempt}.jpg",))
        study.publish(attempt)
        assert [name for name in study.shown() if name.endswith(".jpg")] == [f"overlay-a-{attempt}.jpg"]


def test_on_one_disk_a_published_report_takes_no_space_of_its_own(study: Study) -> None:
    study.render(1)
    study.draw("plain-1.jpg")
    study.publish(1)
    assert (study.folder / "plain-1.jpg").samefile(study.rendered / "plain-1.jpg")
    assert (study.folder / "report.pdf").samefile(study.rendered / "report-1.pdf")


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK, errno.EACCES])
def test_where_links_are_refused_it_copies(study: Study, monkeypatch: pytest.MonkeyPatch, refusal: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(os, "link", refuse)
    study.render(1)
    study.draw("plain-1.jpg")
    study.publish(1)
    study.render(2)
    study.publish(2)
    assert study.shown() == {**complete(2), "plain-1.jpg": "picture"}
    assert not (study.folder / "plain-1.jpg").samefile(study.rendered / "plain-1.jpg")


@pytest.mark.root
def test_a_folder_that_gives_its_files_to_the_staffs_group_gets_copies_that_belong_to_it(study: Study) -> None:
    os.chown(study.folder.parent.parent, -1, 4242)
    study.folder.parent.parent.chmod(0o2750)
    study.render(1)
    study.publish(1)
    assert {path.stat().st_gid for path in study.folder.iterdir()} == {4242}


def test_a_file_system_that_cannot_sync_folders_will_do(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(publication, "fsync_directory", refuse)
    study.render(1)
    study.publish(1)
    assert study.shown() == complete(1)


def test_what_a_person_deleted_or_spoilt_comes_back_with_the_next_version(study: Study) -> None:
    study.render(1)
    study.draw("plain-1.jpg")
    study.publish(1)
    (study.folder / "plain-1.jpg").unlink()
    (study.folder / "plain-1.jpg").write_bytes(b"")
    remove(study.folder)
    study.render(2)
    study.publish(2)
    assert study.shown() == {**complete(2), "plain-1.jpg": "picture"}


def test_what_was_never_rendered_is_named_so_and_what_is_shown_stays(study: Study) -> None:
    study.render(1)
    study.publish(1)
    with pytest.raises(NotRendered):
        study.publish(2)
    assert study.shown() == complete(1)


def test_the_folder_of_the_reports_itself_is_never_made(study: Study) -> None:
    """It may be where a disk belongs that is gone."""
    study.folder.parent.parent.rmdir()
    study.render(1)
    with pytest.raises(FileNotFoundError):
        study.publish(1)


CALLS: tuple[tuple[object, str], ...] = (
    (os, "link"), (os, "fsync"), (Path, "replace"), (Path, "mkdir"), (os, "open"),
)  # fmt: skip


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize(("owner", "name"), CALLS)
def test_whichever_call_fails_the_next_try_completes_it(
    study: Study, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, linked: bool
) -> None:
    """Each call of its kind fails once, the first, then the second, and so on, until one publication meets none."""
    monkeypatch.setattr(publication, "_links_serve_staff", lambda *_: linked)
    study.render(1)
    study.publish(1)
    study.render(2)
    study.draw("plain-1.jpg")
    study.draw("plain-2.jpg")
    for number in range(1, 50):
        version = 1 + number % 2
        failing = FailingOnce(getattr(owner, name), number)
        monkeypatch.setattr(owner, name, failing.bound())
        try:
            study.publish(version)
        except OSError as problem:
            assert problem.errno == errno.ENOSPC
            assert set(json.loads((study.folder / "report.json").read_text())) == {"version"}
        monkeypatch.undo()
        monkeypatch.setattr(publication, "_links_serve_staff", lambda *_: linked)
        study.publish(version)
        assert study.shown() == {**complete(version), "plain-1.jpg": "picture", "plain-2.jpg": "picture"}
        if not failing.failed:
            return
    raise AssertionError("the calls never came to an end")


class FailingOnce:
    """Fails at call `number`."""

    def __init__(self, real: Callable[..., object], number: int) -> None:
        self.real = real
        self.left = number
        self.failed = False

    def bound(self) -> Callable[..., object]:
        def call(*arguments: object, **values: object) -> object:
            self.left -= 1
            if self.left == 0:
                self.failed = True
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.real(*arguments, **values)

        return call


def test_a_report_that_was_rendered_in_its_folder_is_taken_back_for_the_next_version(study: Study) -> None:
    study.render(1)
    study.draw("plain-1.jpg")
    study.publish(1)
    (study.folder / "report-1.html").write_text("page 1")
    for path in study.rendered.iterdir():
        path.unlink()
    study.rendered.rmdir()
    take_back(study.folder, study.rendered, 1)
    assert sorted(path.name for path in study.rendered.iterdir()) == [
        "plain-1.jpg", "report-1.html", "report-1.json", "report-1.pdf",
    ]  # fmt: skip


def test_a_report_that_is_taken_away_takes_the_folder_of_its_day_along_when_that_is_empty(study: Study) -> None:
    study.render(1)
    study.publish(1)
    other = study.folder.with_name("other")
    other.mkdir()
    remove(study.folder)
    assert [path.name for path in study.folder.parent.iterdir()] == ["other"]
    remove(other)
    remove(other)
    assert not study.folder.parent.exists()


def test_the_sheet_that_is_to_be_printed_is_no_picture_of_the_report(study: Study) -> None:
    study.render(1)
    (study.rendered / "print-0123456789abcdef.pdf").write_bytes(b"%PDF")
    study.publish(1)
    assert not list(study.folder.glob("print-*"))


# ---------------------------------------------------------------- what open pages are told


def test_what_is_told_replaces_what_was_told_in_place_and_without_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said every few seconds for years, it must not wear the disk out."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    told = tmp_path / "alive.html"
    tell(told, "number 1")
    first = told.stat()
    tell(told, "number 2")
    assert told.read_text() == "number 2"
    assert os.path.samestat(first, told.stat())
    tell(told, "number 10")
    assert told.read_text() == "number 10"
    assert ([path.name for path in tmp_path.iterdir()], synced) == (["alive.html"], [])


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_what_is_told_is_never_written_over_another_file(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    journal, told = tmp_path / "journal", tmp_path / "alive.html"
    journal.write_text("number 0")
    link(journal, told)
    tell(told, "number 1")
    assert (journal.read_text(), told.read_text()) == ("number 0", "number 1")


def test_what_is_told_of_versions_is_no_picture_of_the_report(study: Study) -> None:
    study.render(1)
    study.publish(1)
    tell(study.folder / NEWEST_NAME, newest_page(1))
    take_back(study.folder, study.rendered, 1)
    assert not (study.rendered / NEWEST_NAME).exists()


def test_staff_see_a_report_before_its_folders_are_waited_for_and_all_of_them_are(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.render(1)
    synced: list[Path] = []

    def sync(folder: Path) -> None:
        assert (study.folder / "report.json").exists()
        synced.append(folder)

    monkeypatch.setattr(publication, "fsync_directory", sync)
    study.publish(1)
    assert synced == [study.folder, study.folder.parent.parent, study.folder.parent]


def test_a_pdf_that_an_earlier_attempt_at_the_version_left_is_not_shown(study: Study) -> None:
    study.render(1)
    study.list_files(1, "html")
    study.publish(1)
    assert set(study.shown()) == {"report.html", "report.json"}


def test_a_report_whose_pdf_is_gone_is_made_again(study: Study) -> None:
    study.render(1)
    study.list_files(1, "html", "pdf")
    (study.rendered / "report-1.pdf").unlink()
    with pytest.raises(NotRendered):
        study.publish(1)
    assert not study.folder.exists(), "the version of before stays"


@pytest.mark.parametrize("torn", ["report-2.html", "report-2.pdf", "plain-2.jpg"])
def test_of_a_version_of_which_a_file_is_torn_nothing_is_shown(torn: str, study: Study) -> None:
    study.render(1)
    study.list_files(1, "html", "pdf")
    study.publish(1)
    before = study.shown()
    study.render(2)
    study.draw("plain-2.jpg")
    study.list_files(2, "html", "pdf", pictures=("plain-2.jpg",))
    (study.rendered / torn).write_bytes(bytes((study.rendered / torn).stat().st_size))
    with pytest.raises(NotRendered):
        study.publish(2)
    assert study.shown() == before
