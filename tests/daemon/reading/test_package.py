"""Model packages: what is loaded, what is refused and why, which of several is used."""

import subprocess
import sys
from pathlib import Path

import pytest

from leapfrog.errors import PackageError
from leapfrog.reading.package import find_packages, load_package
from support.tiny_models import CLASSIFIER, classifier_content, write_classifier, write_package, write_segmenter


def test_a_sound_package_is_loaded(tmp_path: Path) -> None:
    package = load_package(write_classifier(tmp_path))
    assert package.title == "tiny-chest 1.2.3"
    assert [rule.name for rule in package.manifest.finding] == ["Bright", "Dark"]
    assert package.model_path.is_file()
    assert package.quality_path is None


def test_an_altered_model_is_refused_by_its_hash(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    content = bytearray((folder / "model.tflite").read_bytes())
    content[-1] ^= 1
    (folder / "model.tflite").write_bytes(content)
    with pytest.raises(PackageError, match=r"tiny-chest is not loaded: model\.tflite was altered"):
        load_package(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    (folder / "model.tflite").unlink()
    with pytest.raises(PackageError, match=r"model\.tflite cannot be read"):
        load_package(folder)


@pytest.mark.parametrize(
    ("original", "replacement", "said"),
    [
        ('task = "classification"', 'task = "translation"', "task"),
        ("threshold = 0.6", "threshold = 60", r"finding\.0\.threshold"),
        ("height = 28", "height = 28\ncolour = true", r"input\.colour"),
        ("scores = 0", "mask = 0", r"outputs\.scores"),
        ('name = "tiny-chest"', 'name = "../escape"', "name"),
        ('version = "1.2.3"', "version = [", "not valid TOML"),
    ],
)
def test_a_manifest_that_is_not_right_is_refused_by_its_key(
    tmp_path: Path, original: str, replacement: str, said: str
) -> None:
    folder = write_package(tmp_path / "wrong", CLASSIFIER.replace(original, replacement), b"model")
    with pytest.raises(PackageError, match=said):
        load_package(folder)


def test_a_listed_file_outside_the_package_is_refused(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    with (folder / "model.toml").open("a") as manifest:
        manifest.write(f'"../secret" = "{"0" * 64}"\n')
    with pytest.raises(PackageError, match="plain name"):
        load_package(folder)


def test_the_first_directory_wins_and_a_damaged_package_hides_no_sound_one(tmp_path: Path) -> None:
    shipped, installed, configured = (tmp_path / name for name in ("shipped", "installed", "configured"))
    write_classifier(shipped)
    write_segmenter(shipped)
    newer = CLASSIFIER.replace("1.2.3", "2.0.0")
    write_package(installed / "tiny-chest", newer, classifier_content())
    damaged = write_segmenter(configured)
    (damaged / "model.tflite").write_bytes(b"")
    catalogue = find_packages((configured, installed, shipped, tmp_path / "missing"))
    assert {package.title for package in catalogue.packages} == {"tiny-chest 2.0.0", "tiny-head 0.0.1"}
    assert [broken.folder for broken in catalogue.damaged] == [damaged]
    listing = {(entry["path"], entry["verified"]) for entry in catalogue.listing()}
    assert (str(damaged), False) in listing
    assert (str(installed / "tiny-chest"), True) in listing


def test_a_directory_may_be_a_package_itself(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    assert [package.folder for package in find_packages((folder,)).packages] == [folder]


def test_the_main_process_loads_no_numpy_with_lane_and_package() -> None:
    program = "import sys, leapfrog.reading.lane, leapfrog.reading.package; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
