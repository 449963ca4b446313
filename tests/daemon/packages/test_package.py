"""Model packages: what is loaded, what is refused and why, which of several is used."""

import subprocess
import sys
from pathlib import Path

import pytest

from leapfrog.errors import PackageError
from leapfrog.packages.package import load_package
from support.tiny_models import CLASSIFIER, NERVE_SEGMENTER, write_classifier, write_package, write_segmenter


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
    ("original", "replacement", "message"),
    [
        ('task = "classification"', 'task = "translation"', "task"),
        ("threshold = 0.6", "threshold = 60", r"finding\.0\.threshold"),
        ("height = 28", "height = 28\ncolour = true", r"input\.colour"),
        ("scores = 0", "mask = 0", r"outputs\.scores"),
        ('name = "tiny-chest"', 'name = "../escape"', "name"),
        ('version = "1.2.3"', "version = [", "not valid TOML"),
        ('version = "1.2.3"', 'version = "latest"', "version"),
    ],
)
def test_a_manifest_that_is_not_right_is_refused_by_its_key(
    tmp_path: Path, original: str, replacement: str, message: str
) -> None:
    folder = write_package(tmp_path / "wrong", CLASSIFIER.replace(original, replacement), b"model")
    with pytest.raises(PackageError, match=message):
        load_package(folder)


@pytest.mark.parametrize(
    ("original", "replacement"),
    [('unit = "mm2"', 'unit = "mm"'), ('kind = "area"', 'kind = "ellipse_circumference"')],
)
def test_a_measurement_has_the_unit_of_its_kind(tmp_path: Path, original: str, replacement: str) -> None:
    folder = write_package(tmp_path / "wrong", NERVE_SEGMENTER.replace(original, replacement), b"model")
    with pytest.raises(PackageError, match="measurement: the unit of"):
        load_package(folder)


def test_a_measurement_without_a_kind_is_a_circumference(tmp_path: Path) -> None:
    measurement = load_package(write_segmenter(tmp_path)).manifest.measurement
    assert measurement is not None
    assert (measurement.kind, measurement.unit) == ("ellipse_circumference", "mm")


def test_a_listed_file_outside_the_package_is_refused(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    with (folder / "model.toml").open("a") as manifest:
        manifest.write(f'"../secret" = "{"0" * 64}"\n')
    with pytest.raises(PackageError, match="plain name"):
        load_package(folder)


def test_the_main_process_loads_no_numpy_with_lane_and_package() -> None:
    program = "import sys, leapfrog.lanes.lane, leapfrog.packages.package; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
