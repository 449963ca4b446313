"""A folder in a models path may hold anything: it is refused in a sentence, in a moment, and the others are loaded."""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from leapfrog.errors import PackageError
from leapfrog.packages import package_file
from leapfrog.packages.catalogue import find_packages
from leapfrog.packages.manifest import MOST_FILES
from leapfrog.packages.package import LARGEST_MANIFEST_BYTES, load_package
from leapfrog.packages.signature import SignaturePolicy
from support.tiny_models import write_classifier, write_segmenter

pytestmark = pytest.mark.timeout(60)


def _link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", ["model.toml", "model.tflite", "model.toml.sig"])
@pytest.mark.parametrize("instead", [_link, _pipe, _endless, _socket, _folder])
def test_what_is_no_plain_file_is_named_and_hides_no_other_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, instead: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket may have 108 bytes
    models = tmp_path / "models"
    odd, sound = write_classifier(models), write_segmenter(models)
    (odd / name).touch()  # the signature, which it lacks
    instead(odd / name)
    with pytest.raises(PackageError, match=rf"{re.escape(name)} (is not a plain file|cannot be read)"):
        load_package(odd)
    catalogue = find_packages([models], SignaturePolicy())
    assert [package.folder for package in catalogue.packages] == [sound]
    assert [one.folder for one in catalogue.damaged] == [odd]


def test_files_are_read_as_far_as_a_package_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_classifier(tmp_path)
    os.truncate(folder / "model.tflite", 3 * 1024**3)
    monkeypatch.setattr(package_file, "LARGEST_FILE_BYTES", 4_000_000)
    with pytest.raises(PackageError, match=r"model\.tflite is too large for a model"):
        load_package(folder)
    monkeypatch.setattr(package_file, "LARGEST_PACKAGE_BYTES", 2_000_000)
    with pytest.raises(PackageError, match="its files have more than 2000000 bytes"):
        load_package(folder)


MANIFESTS = {
    "too large": (b"#" * (LARGEST_MANIFEST_BYTES + 1), "model.toml is too large"),
    "nested": (b"a = " + b"[" * 200_000, "nested more than 8 deep"),
    "a dotted key": (b"a." * 100_000 + b"a = 1", "more than 8 parts"),
    "a long number": (b"a = " + b"9" * 5000, "is not valid TOML"),
    "no text": (b"\xff\xfe", "is not valid TOML"),
}


@pytest.mark.parametrize(("content", "said"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_that_nobody_should_parse_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    folder = write_classifier(tmp_path)
    (folder / "model.toml").write_bytes(content)
    with pytest.raises(PackageError, match=said):
        load_package(folder)
    (damaged,) = find_packages([tmp_path], SignaturePolicy()).damaged
    assert damaged.folder == folder


NAMES = ["model.tflite.", "card ", "nul\\u0000", "\\u001b[2J", "a/b", ".hidden", "..", "C:x", "x" * 120, "bidi\\u202e"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_some_disk_would_change_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_classifier(tmp_path)
    with (folder / "model.toml").open("a") as manifest:
        manifest.write(f'"{name}" = "{"0" * 64}"\n')
    with pytest.raises(PackageError, match="give the plain name") as refused:
        load_package(folder)
    assert str(refused.value).isprintable()


def test_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    with (folder / "model.toml").open("a") as manifest:
        manifest.write(f'"Model.tflite" = "{"0" * 64}"\n')
    with pytest.raises(PackageError, match="twice, in upper and lower case"):
        load_package(folder)


def test_too_many_files_are_refused_before_one_is_read(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    with (folder / "model.toml").open("a") as manifest:
        manifest.writelines(f'"f{number}" = "{"0" * 64}"\n' for number in range(MOST_FILES))
    with pytest.raises(PackageError, match=f"a package has {MOST_FILES} at most"):
        load_package(folder)


def test_thousands_of_mistakes_are_a_short_sentence_without_control_characters(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    (folder / "model.toml").write_text("".join(f'"\\u001b[2J{"x" * 150}{number}" = 1\n' for number in range(1000)))
    with pytest.raises(PackageError, match=r"and \d+ more mistakes") as refused:
        load_package(folder)
    assert len(str(refused.value)) < 1500
    assert str(refused.value).isprintable()
