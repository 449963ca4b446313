"""Packages are read from a folder or a zip file: only what the manifest lists, wherever an archive wants to put it."""

import zipfile
from pathlib import Path

import pytest

from leapfrog.commands.models import source as package_source
from leapfrog.commands.models.source import opened_source
from leapfrog.errors import PackageError, UsageError
from support.tiny_models import write_classifier


def zipped(folder: Path, archive: Path, inside: str = "", compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """`folder` as a zip file, its files below `inside`."""
    with zipfile.ZipFile(archive, "w", compression) as writer:
        for file in sorted(folder.iterdir()):
            writer.write(file, f"{inside}{file.name}")
    return archive


def copied(source: Path, target: Path) -> dict[str, bytes]:
    target.mkdir()
    with opened_source(source) as opened:
        opened.copy_into(target)
    return {file.name: file.read_bytes() for file in target.iterdir()}


@pytest.mark.parametrize("inside", ["", "tiny-chest-1.2.3/"])
def test_a_zip_file_gives_what_its_folder_gives(tmp_path: Path, inside: str) -> None:
    folder = write_classifier(tmp_path)
    archive = zipped(folder, tmp_path / "package.zip", inside)
    assert copied(archive, tmp_path / "from-zip") == copied(folder, tmp_path / "from-folder")


def test_what_the_manifest_does_not_list_is_left_behind(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    (folder / "setup.sh").write_text("#!/bin/sh")
    (folder / "more").mkdir()
    assert set(copied(folder, tmp_path / "copy")) == {"model.toml", "model.tflite"}


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "a/../../escaped", "..\\escaped"])
def test_an_archive_that_leads_outside_the_package_is_refused(tmp_path: Path, name: str) -> None:
    archive = zipped(write_classifier(tmp_path), tmp_path / "package.zip")
    with zipfile.ZipFile(archive, "a") as writer:
        writer.writestr(name, "x")
    with pytest.raises(PackageError, match="leads outside the package"):
        copied(archive, tmp_path / "copy")
    assert not list(tmp_path.rglob("escaped*"))


def test_a_manifest_that_names_a_file_outside_the_package_is_refused(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    (tmp_path / "secret").write_text("secret")
    with (folder / "model.toml").open("a") as manifest:
        manifest.write(f'"../secret" = "{"0" * 64}"\n')
    with pytest.raises(PackageError, match="plain name"):
        copied(folder, tmp_path / "copy")


@pytest.mark.parametrize(("missing", "message"), [("model.toml", "it has no model.toml"), ("model.tflite", "it lacks")])
def test_an_incomplete_folder_is_refused(tmp_path: Path, missing: str, message: str) -> None:
    folder = write_classifier(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(PackageError, match=message), opened_source(folder) as opened:
        _ = opened.byte_count


def test_two_packages_in_one_archive_are_refused(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    archive = zipped(folder, tmp_path / "package.zip", "one/")
    with zipfile.ZipFile(archive, "a") as writer:
        writer.write(folder / "model.toml", "two/model.toml")
    with pytest.raises(PackageError, match="It contains 2"):
        copied(archive, tmp_path / "copy")


def test_an_archive_that_unpacks_to_more_than_a_package_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_source, "LARGEST_PACKAGE_BYTES", 1_000_000)
    folder = write_classifier(tmp_path)
    (folder / "model.tflite").write_bytes(bytes(2_000_000))
    archive = zipped(folder, tmp_path / "package.zip")
    assert archive.stat().st_size < 10_000
    with pytest.raises(PackageError, match="too large"), opened_source(archive) as opened:
        _ = opened.byte_count


def test_an_archive_that_understates_a_size_gives_no_more_than_it_states(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    (folder / "model.tflite").write_bytes(bytes(2_000_000))
    archive = zipped(folder, tmp_path / "package.zip")
    content = archive.read_bytes()
    assert content.count((2_000_000).to_bytes(4, "little")) == 2
    archive.write_bytes(content.replace((2_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little")))
    with pytest.raises(PackageError, match="damaged zip file"):
        copied(archive, tmp_path / "copy")
    assert sum(file.stat().st_size for file in (tmp_path / "copy").iterdir()) <= 1_000


def test_an_archive_in_another_compression_is_refused(tmp_path: Path) -> None:
    archive = zipped(write_classifier(tmp_path), tmp_path / "package.zip", compression=zipfile.ZIP_LZMA)
    with pytest.raises(PackageError, match="compressed in an unusual way"):
        copied(archive, tmp_path / "copy")


def test_a_damaged_archive_is_reported_as_damaged(tmp_path: Path) -> None:
    archive = zipped(write_classifier(tmp_path), tmp_path / "package.zip")
    content = bytearray(archive.read_bytes())
    content[60] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(PackageError, match="damaged zip file"):
        copied(archive, tmp_path / "copy")


def test_what_is_neither_folder_nor_archive_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "film.dcm").write_bytes(b"DICM")
    for source in (tmp_path / "film.dcm", tmp_path / "none"):
        with pytest.raises(UsageError, match="neither a folder nor a zip file"), opened_source(source):
            pass
