"""What an installation brings: all that the box needs, nothing that it does not."""

import email
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from leapfrog.commands.install import LAYOUT, _data_folder, install

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built by hatchling itself: the environment of the tests has it, so nothing is downloaded."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (file,) = folder.glob("leapfrog_kiosk-*.whl")
    return zipfile.ZipFile(file)


@pytest.fixture(scope="session")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_string(wheel.read(name).decode())


def test_every_module_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for source_root, package in (("daemon", "leapfrog"), ("training", "leapfrog_training")):
        for module in (ROOT / source_root / package).rglob("*.py"):
            assert str(module.relative_to(ROOT / source_root)) in names


def test_what_is_no_module_is_in_the_wheel_too(wheel: zipfile.ZipFile) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout, so that nothing says which files belong to it")
    names = set(wheel.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "daemon/leapfrog", "training/leapfrog_training"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for path in tracked.stdout.split():
        assert path.split("/", 1)[1] in names


def test_nothing_else_lands_among_the_installed_packages(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"leapfrog", "leapfrog_training"}


def test_units_and_settings_travel_with_it(wheel: zipfile.ZipFile) -> None:
    for source in LAYOUT:
        assert wheel.read(f"leapfrog/package_data/{source}") == (ROOT / source).read_bytes()


def test_an_editable_installation_takes_them_from_the_checkout() -> None:
    assert _data_folder() == ROOT


def test_the_files_of_a_wheel_are_laid_out_as_from_a_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c",
         "import leapfrog, pathlib, sys; from leapfrog.commands.install import install;"
         "print(leapfrog.__file__); install(pathlib.Path(sys.argv[1]))",
         str(tmp_path / "from-wheel")],
        env={"PYTHONPATH": str(tmp_path / "site")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(str(tmp_path / "site"))
    install(tmp_path / "from-checkout")
    for place in LAYOUT.values():
        assert (tmp_path / "from-wheel" / place).read_bytes() == (tmp_path / "from-checkout" / place).read_bytes()


def test_tensorflow_comes_only_with_the_training_extra(metadata: Message) -> None:
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    always = {requirement.name for requirement in requirements if requirement.marker is None}
    assert not any("tensorflow" in name or "keras" in name for name in always)
    with_training = {
        requirement.name
        for requirement in requirements
        if requirement.marker is not None and requirement.marker.evaluate({"extra": "training"})
    }
    assert {"tensorflow", "tf-keras", "tensorflow-model-optimization"} <= with_training


def test_the_unrelated_package_called_pycoral_is_never_asked_for(metadata: Message) -> None:
    assert not any(Requirement(line).name == "pycoral" for line in metadata.get_all("Requires-Dist", []))


def test_both_commands_are_installed(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(name).decode()
    assert "leapfrog = leapfrog.cli:main" in text
    assert "leapfrog-train = leapfrog_training.cli:main" in text
