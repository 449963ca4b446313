"""The report that a journal which is made anew takes over: one whose files are as they were made."""

from collections.abc import Callable
from pathlib import Path

import pytest

from leapfrog.reader.report.study_report import render
from leapfrog.worklist.rendered_report import rendered_report
from support.readings import chest_reading, report_job


def cut_power(path: Path) -> None:
    """The name arrived on the disk, and the bytes did not."""
    path.write_bytes(bytes(path.stat().st_size))


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With two versions: the second was not in the journal yet when the power was cut."""
    for version in (1, 2):
        render(report_job(tmp_path, chest_reading(tmp_path), version=version))
    return tmp_path


def version_of(folder: Path) -> int:
    report = rendered_report(folder)
    return report.version if report else 0


@pytest.mark.parametrize("tear", [cut_power, empty])
@pytest.mark.parametrize("torn", ["report-2.html", "report-2.pdf", "report-2.json"])
def test_a_version_of_which_a_file_is_torn_gives_way_to_the_one_before(
    torn: str, tear: Callable[[Path], None], folder: Path
) -> None:
    assert version_of(folder) == 2
    tear(folder / torn)
    assert version_of(folder) == 1


def test_an_image_whose_picture_is_torn_is_read_again_and_no_version_is_given_twice(folder: Path) -> None:
    whole = rendered_report(folder)
    assert whole is not None and whole.readings[0].plain is not None
    cut_power(folder / whole.readings[0].plain)
    report = rendered_report(folder)
    assert report is not None
    assert (report.version, report.readings) == (2, ())


def test_a_picture_that_somebody_removed_makes_no_report_torn(folder: Path) -> None:
    whole = rendered_report(folder)
    assert whole is not None and whole.readings[0].plain is not None
    (folder / whole.readings[0].plain).unlink()
    assert rendered_report(folder) == whole
