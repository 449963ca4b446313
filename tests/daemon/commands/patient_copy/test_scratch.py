"""The folder in which the directory of a copy is made: nothing of a patient stays in it."""

import tempfile
from pathlib import Path

import pytest

from leapfrog.commands.patient_copy.scratch import PREFIX, scratch_folder
from leapfrog.errors import StorageError


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_command_that_was_killed_left_goes_and_what_another_uses_stays(temporary: Path) -> None:
    left = temporary / f"{PREFIX}killed"
    left.mkdir()
    (left / "DICOMDIR").write_text("Okello^Grace")
    with scratch_folder() as one:
        assert not left.exists()
        (one / "DICOMDIR").write_text("Achieng^Mary")
        with scratch_folder():
            assert (one / "DICOMDIR").exists()
    assert list(temporary.iterdir()) == []


def test_a_link_is_not_followed(temporary: Path) -> None:
    (temporary / "letters").mkdir()
    (temporary / f"{PREFIX}link").symlink_to("letters")
    with scratch_folder():
        assert (temporary / "letters").is_dir()


def test_without_room_on_the_box_the_box_is_named_and_not_the_stick(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "gone"))
    with pytest.raises(StorageError, match="on the box"), scratch_folder():
        pass
