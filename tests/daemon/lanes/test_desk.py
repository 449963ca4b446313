"""A reader's desk: each job's files are put there, what the result names is taken away, and nothing stays behind."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from leapfrog.durable import fsync_together
from leapfrog.exam import Identity, ImageHeader, ImageReading
from leapfrog.lanes.desk import Desk, NotMade
from leapfrog.processes.messages import (
    Artefact,
    OtherInstance,
    ProducedObject,
    ReadJob,
    ReadResult,
    ReportJob,
    ReportResult,
)
from leapfrog.wording.report_words import WorklistRow
from support.readings import report_job


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    for name in ("report", "work", "spool"):
        (tmp_path / name).mkdir()
    (tmp_path / "spool" / "film.dcm").write_bytes(b"a film")
    return Desk(tmp_path)


def read_job(folder: Path, source: Path | None = None, *others: Path) -> ReadJob:
    return ReadJob(
        instance_id="1",
        study_key="study",
        attempt=1,
        source_path=source or folder / "spool" / "film.dcm",
        source_byte_count=6,
        source="test",
        received_at="2026-11-05T10:00:00+00:00",
        unknown_age="adult",
        assumed_character_set="",
        same_uid=tuple(OtherInstance(instance_id=path.stem, path=path, byte_count=6) for path in others),
        report_dir=folder / "report",
        work_dir=folder / "work",
    )


def reading(plain: str | None = None) -> ImageReading:
    return ImageReading(
        instance_id="1",
        sop_instance_uid="2.25.1",
        source="test",
        identity=Identity(),
        header=ImageHeader(),
        outcome="not_assessed",
        plain=plain,
    )


def read_result(plain: str | None = None, *produced: str) -> ReadResult:
    objects = tuple(
        ProducedObject(name=name, role="wrapped", sop_class_uid="1", sop_instance_uid="2", byte_count=1, digest="")
        for name in produced
    )
    return ReadResult(instance_id="1", state="read", reading=reading(plain), produced=objects)


def laid_out(desk: Desk, job: ReadJob) -> ReadJob:
    out = desk.lay_out(job)
    assert isinstance(out, ReadJob)
    return out


def test_the_file_in_hand_gets_a_second_name_and_no_copy(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "spool" / "other.dcm"
    other.write_bytes(b"before")
    job = laid_out(desk, read_job(tmp_path, None, other))
    assert job.source_path.samefile(tmp_path / "spool" / "film.dcm")
    assert job.same_uid[0].path.samefile(other)
    assert {path.parent for path in (job.source_path, job.same_uid[0].path)} == {desk.given}
    assert job.report_dir.is_relative_to(desk.made)
    assert job.work_dir.is_relative_to(desk.made)


def test_a_file_on_another_file_system_is_copied(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refusing)
    job = laid_out(desk, read_job(tmp_path))
    assert job.source_path.read_bytes() == b"a film"
    assert not job.source_path.samefile(tmp_path / "spool" / "film.dcm")


def refusing(*_: object, **__: object) -> None:
    raise OSError(18, "Invalid cross-device link")


@pytest.mark.parametrize("link", [os.link, refusing])
def test_what_is_no_file_is_left_for_the_reader_to_notice(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: Callable[..., None]
) -> None:
    monkeypatch.setattr(os, "link", link)
    (tmp_path / "spool" / "link").symlink_to(tmp_path / "spool" / "film.dcm")
    for name in ("missing.dcm", "link"):
        job = laid_out(desk, read_job(tmp_path, tmp_path / "spool" / name))
        assert job.source_path.is_symlink() or not job.source_path.exists()
        desk.clear()


def test_what_was_made_is_moved_to_where_it_belongs(desk: Desk, tmp_path: Path) -> None:
    job = read_job(tmp_path)
    out = laid_out(desk, job)
    (out.report_dir / "plain-1-1.jpg").write_bytes(b"a picture")
    (out.report_dir / "not named.jpg").write_bytes(b"left over")
    (out.work_dir / "wrapped.dcm").write_bytes(b"an object")
    desk.take_in(job, read_result("plain-1-1.jpg", "wrapped.dcm"))
    assert {path.name: path.read_bytes() for path in job.report_dir.iterdir()} == {"plain-1-1.jpg": b"a picture"}
    assert {path.name: path.read_bytes() for path in job.work_dir.iterdir()} == {"wrapped.dcm": b"an object"}


@pytest.mark.parametrize(
    "name", ["../film.dcm", "..", ".", "/etc/hostname", "missing.jpg", "link.jpg", "folder", "a\0b"]
)
@pytest.mark.parametrize("kind", ["picture", "object"])
def test_a_name_of_anything_else_counts_for_nothing(desk: Desk, tmp_path: Path, name: str, kind: str) -> None:
    job = read_job(tmp_path)
    out = laid_out(desk, job)
    (out.report_dir.parent / "film.dcm").write_bytes(b"beside")
    for folder in (out.report_dir, out.work_dir):
        (folder / "made.jpg").write_bytes(b"made")
        (folder / "link.jpg").symlink_to(tmp_path / "spool" / "film.dcm")
        (folder / "folder").mkdir()
    result = read_result(name, "made.jpg") if kind == "picture" else read_result("made.jpg", name)
    with pytest.raises(NotMade):
        desk.take_in(job, result)
    assert list(job.report_dir.iterdir()) == list(job.work_dir.iterdir()) == []


def test_a_report_is_given_its_pictures_and_no_others(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    for name in ("plain-1-1.jpg", "plain-2-1.jpg"):
        (folder / name).write_bytes(name.encode())
    job = report_job(folder, reading("plain-1-1.jpg"), reading("plain-9-1.jpg"), reading("../spool/film.dcm"))
    out = desk.lay_out(job)
    assert isinstance(out, ReportJob)
    assert [path.name for path in out.picture_dir.iterdir()] == ["plain-1-1.jpg"]


def test_of_a_report_only_what_is_new_is_moved(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    (folder / "plain-1-1.jpg").write_bytes(b"a picture")
    job = report_job(folder, reading("plain-1-1.jpg"))
    before = (folder / "plain-1-1.jpg").stat()
    out = desk.lay_out(job)
    (out.report_dir / "report-1.html").write_bytes(b"a page")
    names = ("plain-1-1.jpg", "report-1.html")
    row = WorklistRow.model_construct()
    artefacts = tuple(Artefact(name=name, sha256="", byte_count=1) for name in names)
    desk.take_in(job, ReportResult(study_key="study", version=1, artefacts=artefacts, worklist_row=row))
    assert {path.name for path in folder.iterdir() if path.is_file()} == set(names)
    assert (folder / "plain-1-1.jpg").stat().st_ino == before.st_ino


def test_nothing_of_a_job_is_left_for_the_next_one(desk: Desk, tmp_path: Path) -> None:
    out = laid_out(desk, read_job(tmp_path))
    (out.report_dir / "left.jpg").write_bytes(b"over")
    (out.work_dir / "left.dcm").write_bytes(b"over")
    (out.work_dir / "a folder").mkdir()
    desk.clear()
    assert [path for path in desk.made.parent.rglob("*") if not path.is_dir()] == []
    assert (tmp_path / "spool" / "film.dcm").read_bytes() == b"a film"


def test_it_goes_with_its_reader(desk: Desk, tmp_path: Path) -> None:
    desk.lay_out(read_job(tmp_path))
    desk.remove()
    assert {path.name for path in tmp_path.iterdir()} == {"report", "work", "spool"}
    desk.clear()  # of a reader that ended in the middle of a job


def test_files_of_a_report_take_their_names_the_json_last_before_any_is_waited_for(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = report_job(tmp_path / "report", reading()).model_copy(update={"work_dir": tmp_path / "work"})
    out = desk.lay_out(job)
    names = [f"report-1.{kind}" for kind in ("json", "pdf", "html")]
    for name in names:
        (out.report_dir / name).write_text(name)
    result = ReportResult(
        study_key="study",
        version=1,
        artefacts=tuple(Artefact(name=name, sha256="", byte_count=1) for name in names),
        worklist_row=WorklistRow.model_construct(),
    )
    done: list[str] = []
    replace, fsync = Path.replace, os.fsync

    def note_name(path: Path, target: Path) -> Path:
        done.append(f"named {target.name}")
        return replace(path, target)

    def note_sync(descriptor: int) -> None:
        done.append(f"synced {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    monkeypatch.setattr(Path, "replace", note_name)
    monkeypatch.setattr(os, "fsync", note_sync)
    desk.take_in(job, result)
    named = [f"named report-1.{kind}" for kind in ("html", "pdf", "json")]
    synced = [f"synced report-1.{kind}" for kind in ("html", "pdf", "json")]
    assert done == [*named, *synced, "synced report"]


def test_a_pipe_in_the_place_of_a_picture_holds_nobody_up(desk: Desk, tmp_path: Path) -> None:
    """As a reader that was taken over could put it there after the lane has looked."""
    os.mkfifo(tmp_path / "report" / "plain-1-1.jpg")
    with pytest.raises(OSError, match="Invalid argument"):
        fsync_together([tmp_path / "report" / "plain-1-1.jpg"])
