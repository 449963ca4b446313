"""The folders in which reports are rendered."""

from pathlib import Path

import pytest

from leapfrog.errors import StorageError
from leapfrog.state.rendered import Rendered


@pytest.fixture
def rendered(tmp_path: Path) -> Rendered:
    return Rendered(tmp_path / "rendered")


def names(rendered: Rendered) -> list[str]:
    return sorted(path.name for path in rendered.path("key").iterdir())


def test_a_study_has_one_folder_however_often_it_is_asked_for(rendered: Rendered) -> None:
    (rendered.folder("key") / "plain-1.jpg").touch()
    assert rendered.folder("key") == rendered.path("key")
    assert names(rendered) == ["plain-1.jpg"]


def test_older_reports_go_and_pictures_stay(rendered: Rendered) -> None:
    for name in ("plain-1.jpg", "report-2.html", "report-2.json", "report-2.pdf", "report-10.html", "report-10.json"):
        (rendered.folder("key") / name).touch()
    assert rendered.has_pdf("key", 2) and not rendered.has_pdf("key", 10)
    rendered.prune("key", 10)
    assert names(rendered) == ["plain-1.jpg", "report-10.html", "report-10.json"], "nobody is shown a PDF of before"


def test_what_is_not_there_can_be_removed_and_pruned(rendered: Rendered) -> None:
    rendered.prune("nobody", 3)
    rendered.remove("nobody")
    rendered.folder("key")
    rendered.remove("key")
    assert not rendered.path("key").exists()


def test_a_folder_that_cannot_be_made_is_named(rendered: Rendered) -> None:
    rendered.directory.rmdir()
    rendered.directory.touch()
    with pytest.raises(StorageError, match="cannot be created: Not a directory"):
        rendered.folder("key")


def test_the_name_of_a_new_folder_is_made_durable_once(rendered: Rendered, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("leapfrog.state.rendered.fsync_directory", synced.append)
    rendered.folder("key")
    assert synced == [], "its pictures are drawn meanwhile"
    rendered.sync_names()
    rendered.folder("key")
    rendered.sync_names()
    assert synced == [rendered.directory]


def test_a_name_that_could_not_be_made_durable_is_tried_again(
    rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise OSError(5, "Input/output error")

    rendered.folder("key")
    with monkeypatch.context() as failing, pytest.raises(StorageError):
        failing.setattr("leapfrog.state.rendered.fsync_directory", fail)
        rendered.sync_names()
    synced: list[Path] = []
    monkeypatch.setattr("leapfrog.state.rendered.fsync_directory", synced.append)
    rendered.sync_names()
    assert synced == [rendered.directory]
