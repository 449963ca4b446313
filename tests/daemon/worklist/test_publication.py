"""A report is switched to its plain names in one step per file, forwards only."""

import json
from pathlib import Path

import pytest

from leapfrog.worklist.publication import publish, published_version


def _render(report_dir: Path, version: int, *, pdf: bool = True) -> None:
    (report_dir / f"report-{version}.html").write_text(f"page {version}")
    (report_dir / f"report-{version}.json").write_text(json.dumps({"version": version}))
    if pdf:
        (report_dir / f"report-{version}.pdf").write_text(f"paper {version}")


def _names(report_dir: Path) -> list[str]:
    return sorted(path.name for path in report_dir.iterdir())


def test_publishing_shows_the_version_under_plain_names(tmp_path: Path) -> None:
    _render(tmp_path, 1)
    publish(tmp_path, 1)
    assert (tmp_path / "report.html").read_text() == "page 1"
    assert (tmp_path / "report.pdf").read_text() == "paper 1"
    assert published_version(tmp_path) == 1


def test_publishing_again_changes_nothing(tmp_path: Path) -> None:
    _render(tmp_path, 1)
    publish(tmp_path, 1)
    before = _names(tmp_path)
    publish(tmp_path, 1)
    assert _names(tmp_path) == before
    assert (tmp_path / "report.html").read_text() == "page 1"


def test_a_newer_version_replaces_and_removes_the_older_one_but_no_picture(tmp_path: Path) -> None:
    (tmp_path / "plain-1.jpg").write_bytes(b"picture")
    for version in (1, 2, 10):
        _render(tmp_path, version)
        publish(tmp_path, version)
    assert (tmp_path / "report.html").read_text() == "page 10"
    assert _names(tmp_path) == [
        "plain-1.jpg",
        "report-10.html",
        "report-10.json",
        "report-10.pdf",
        "report.html",
        "report.json",
        "report.pdf",
    ]


def test_an_older_version_never_overwrites_a_newer_one(tmp_path: Path) -> None:
    _render(tmp_path, 2)
    publish(tmp_path, 2)
    _render(tmp_path, 1)
    publish(tmp_path, 1)
    assert (tmp_path / "report.html").read_text() == "page 2"
    assert published_version(tmp_path) == 2


def test_a_version_without_a_pdf_leaves_the_last_pdf(tmp_path: Path) -> None:
    _render(tmp_path, 1)
    publish(tmp_path, 1)
    _render(tmp_path, 2, pdf=False)
    publish(tmp_path, 2)
    assert (tmp_path / "report.pdf").read_text() == "paper 1"
    assert (tmp_path / "report.html").read_text() == "page 2"


def test_a_switch_that_was_cut_short_is_completed_by_the_next(tmp_path: Path) -> None:
    _render(tmp_path, 1)
    publish(tmp_path, 1)
    _render(tmp_path, 2)
    (tmp_path / ".report.html.part").write_text("left over")
    (tmp_path / "report.pdf").unlink()
    (tmp_path / "report.pdf").write_text("paper 2")  # the pdf was switched, then the power went
    publish(tmp_path, 2)
    assert (tmp_path / "report.html").read_text() == "page 2"
    assert not (tmp_path / ".report.html.part").exists()


def test_a_broken_report_json_does_not_stop_publishing(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(b"\x00\xff")
    _render(tmp_path, 1)
    publish(tmp_path, 1)
    assert published_version(tmp_path) == 1


def test_publishing_what_was_never_rendered_fails_and_keeps_what_is_shown(tmp_path: Path) -> None:
    _render(tmp_path, 1)
    publish(tmp_path, 1)
    with pytest.raises(FileNotFoundError):
        publish(tmp_path, 2)
    assert (tmp_path / "report.html").read_text() == "page 1"
