"""Installing and removing packages: which one is used afterwards, what is refused, and what a power cut leaves."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from leapfrog.commands.models.store import install_package, remove_package
from leapfrog.errors import DiskFull, PackageError, StateDirectoryHeld, StorageError, UsageError
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.settings import EngineSettings, ModelSettings, RetentionSettings, Settings, StationSettings
from support.signed_packages import new_signer, write_version
from support.tiny_models import (
    CLASSIFIER,
    SEGMENTER,
    blind_content,
    classifier_content,
    segmenter_content,
    write_package,
)
from support.waiting import wait_until

NAME = "tiny-chest"


def box(directory: Path, *, min_free_bytes: int = 0, models: ModelSettings | None = None) -> Settings:
    return Settings(
        station=StationSettings(state_dir=directory / "state"),
        retention=RetentionSettings(min_free_bytes=min_free_bytes),
        models=models or ModelSettings(),
    )


def used(settings: Settings, name: str = NAME) -> str | None:
    package = packages_in_use(settings).named(name)
    return package.manifest.version if package else None


def installed(settings: Settings) -> list[str]:
    """The names in the folder of installed packages, hidden ones too."""
    return sorted(path.name for path in (settings.state_dir / "models").iterdir())


def install(settings: Settings, *versions: str) -> None:
    for version in versions:
        install_package(write_version(settings.state_dir.parent / f"new-{version}", version), settings)


def test_an_installed_package_is_used_and_the_former_is_kept_to_go_back_to(tmp_path: Path) -> None:
    settings = box(tmp_path)
    install(settings, "1.0", "1.1")
    assert used(settings) == "1.1"
    assert installed(settings) == ["tiny-chest_1.0", "tiny-chest_1.1"]
    removed = remove_package(NAME, settings)
    assert (removed.version, used(settings)) == ("1.1", "1.0")
    assert removed.now is not None and removed.now.manifest.version == "1.0"
    assert remove_package(NAME, settings).now is None
    assert (used(settings), installed(settings)) == (None, [])


def test_in_the_end_the_package_that_ships_is_used_again(tmp_path: Path) -> None:
    settings = box(tmp_path)
    shipped = packages_in_use(settings).named("fetal-head")
    assert shipped is not None
    newer = SEGMENTER.replace("tiny-head", "fetal-head").replace("0.0.1", "99.0")
    install_package(write_package(tmp_path / "newer", newer, segmenter_content()), settings)
    assert used(settings, "fetal-head") == "99.0"
    assert remove_package("fetal-head", settings).now == shipped


def test_after_going_back_the_same_version_can_be_installed_again(tmp_path: Path) -> None:
    settings = box(tmp_path)
    install(settings, "1.0", "1.1")
    remove_package(NAME, settings)
    install_package(tmp_path / "new-1.1", settings)
    assert used(settings) == "1.1"


@pytest.mark.parametrize("version", ["1.9", "1.10", "1.10.0", "1.10-rc.1", "1.10+other"])
def test_a_version_that_is_not_higher_is_refused_and_both_are_named(tmp_path: Path, version: str) -> None:
    settings = box(tmp_path)
    install(settings, "1.10")
    source = write_version(tmp_path / "other", version)
    with pytest.raises(PackageError) as refused:
        install_package(source, settings)
    assert str(refused.value).startswith(f"tiny-chest {version} is not installed: tiny-chest 1.10 is in use")
    assert "leapfrog models remove tiny-chest" in str(refused.value)
    assert installed(settings) == ["tiny-chest_1.10"]


def test_the_version_that_ships_must_be_exceeded_too(tmp_path: Path) -> None:
    settings = box(tmp_path)
    shipped = packages_in_use(settings).named("fetal-head")
    assert shipped is not None
    with pytest.raises(PackageError, match=f"fetal-head {shipped.manifest.version} is in use, and only a higher"):
        install_package(shipped.folder, settings)


def test_a_package_that_would_never_be_used_is_refused(tmp_path: Path) -> None:
    write_version(tmp_path / "configured" / "a", "1.0")
    settings = box(tmp_path, models=ModelSettings(paths=(tmp_path / "configured",)))
    with pytest.raises(PackageError, match=r"comes first, since models\.paths names"):
        install(settings, "2.0")


def test_a_damaged_version_is_replaced_by_a_sound_copy_of_it(tmp_path: Path) -> None:
    settings = box(tmp_path)
    install(settings, "1.0", "2.0")
    (settings.state_dir / "models" / "tiny-chest_2.0" / "model.tflite").write_bytes(b"")
    assert used(settings) == "1.0"
    install_package(tmp_path / "new-2.0", settings)
    assert used(settings) == "2.0"
    assert installed(settings) == ["tiny-chest_1.0", "tiny-chest_2.0"]


def test_a_damaged_version_is_what_remove_takes_first_and_none_is_slipped_in_below_it(tmp_path: Path) -> None:
    settings = box(tmp_path)
    install(settings, "1.0", "2.0")
    (settings.state_dir / "models" / "tiny-chest_2.0" / "model.toml").write_text("")
    with pytest.raises(
        PackageError, match=r"1\.5 is not installed: tiny-chest 2\.0 is installed.*leapfrog models remove"
    ):
        install(settings, "1.5")
    assert remove_package(NAME, settings).version == "2.0"
    assert (used(settings), installed(settings)) == ("1.0", ["tiny-chest_1.0"])


def test_what_was_not_installed_is_not_removed(tmp_path: Path) -> None:
    settings = box(tmp_path)
    with pytest.raises(UsageError, match=r"fetal-head .* was not removed: .* did not install it"):
        remove_package("fetal-head", settings)
    install(settings, "1.0")
    with pytest.raises(UsageError, match="There is no package brain"):
        remove_package("brain", settings)
    assert used(settings) == "1.0"


# ---------------------------------------------------------------- unsound packages


@pytest.mark.parametrize("file", ["model.toml", "model.tflite", "model.toml.sig"])
def test_a_package_that_was_altered_after_signing_is_not_installed(tmp_path: Path, file: str) -> None:
    signer = new_signer(tmp_path / "keys")
    settings = box(tmp_path, models=ModelSettings(trusted_keys=(signer.public_file,), require_signature=True))
    source = signer.sign(write_version(tmp_path / "new", "1.0"))
    content = bytearray((source / file).read_bytes())
    content[-2] ^= 1
    (source / file).write_bytes(content)
    with pytest.raises(PackageError, match=r"tiny-chest_1\.0 is not loaded|is not valid TOML"):
        install_package(source, settings)
    assert installed(settings) == []


def test_where_signatures_are_required_only_trusted_packages_are_installed(tmp_path: Path) -> None:
    signer = new_signer(tmp_path / "keys")
    settings = box(tmp_path, models=ModelSettings(trusted_keys=(signer.public_file,), require_signature=True))
    source = write_version(tmp_path / "new", "1.0")
    with pytest.raises(PackageError, match="it is not signed"):
        install_package(source, settings)
    new_signer(tmp_path / "stranger").sign(source)
    with pytest.raises(PackageError, match="signed with a key that is not"):
        install_package(source, settings)
    signer.sign(source)
    assert install_package(source, settings).package.signature == "trusted"
    assert used(settings) == "1.0"


def test_where_signatures_are_required_a_signed_copy_of_what_ships_can_be_installed(tmp_path: Path) -> None:
    shipped = packages_in_use(box(tmp_path)).named("fetal-head")
    assert shipped is not None
    signer = new_signer(tmp_path / "keys")
    settings = box(tmp_path, models=ModelSettings(trusted_keys=(signer.public_file,), require_signature=True))
    assert used(settings, "fetal-head") is None
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", shipped.folder, copy], check=True)
    install_package(signer.sign(copy), settings)
    assert used(settings, "fetal-head") == shipped.manifest.version


def test_a_model_that_the_engine_does_not_take_is_not_installed(tmp_path: Path) -> None:
    settings = box(tmp_path)
    install(settings, "1.0")
    broken = write_package(tmp_path / "broken", CLASSIFIER, b"TFL3 it is not")
    with pytest.raises(PackageError, match=r"its model was run once, and failed.*cannot be run by this box's engine"):
        install_package(broken, settings)
    assert installed(settings) == ["tiny-chest_1.0"]


@pytest.mark.parametrize(
    ("original", "replacement", "message"),
    [
        ("height = 28", "height = 32", "other input than its package says"),
        ("scores = 0", "scores = 1", "has shape"),
        ("heatmap = 1", "heatmap = 2", "names output 2"),
        ("[outputs]", "[view]\ncolumn = 2\n[outputs]", "3 columns"),
    ],
)
def test_a_model_that_its_manifest_does_not_describe_is_not_installed(
    tmp_path: Path, original: str, replacement: str, message: str
) -> None:
    settings = box(tmp_path)
    source = write_package(tmp_path / "new", CLASSIFIER.replace(original, replacement), classifier_content())
    with pytest.raises(PackageError, match=message):
        install_package(source, settings)
    assert installed(settings) == []


def test_a_model_that_does_not_look_at_the_picture_is_not_installed(tmp_path: Path) -> None:
    settings = box(tmp_path)
    source = write_package(tmp_path / "new", SEGMENTER, blind_content())
    with pytest.raises(PackageError, match="one and the same answer for a phantom and for plain gray"):
        install_package(source, settings)
    assert installed(settings) == []


def test_an_engine_that_hangs_ends_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leapfrog.processes.model_trying.TRIAL_START_SECONDS", 15.0)  # it must have begun
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    python.chmod(0o755)
    engine = EngineSettings(python=python, deadline_seconds=0.1)
    settings = box(tmp_path).model_copy(update={"engine": engine})
    with pytest.raises(PackageError, match="did not answer in time"):
        install(settings, "1.0")
    assert installed(settings) == []
    hanging = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    wait_until(lambda: not hanging.exists() or " Z " in hanging.read_text(), "the engine is gone")


# ---------------------------------------------------------------- the disk


def test_the_daemon_can_read_what_root_installs(tmp_path: Path) -> None:
    settings = box(tmp_path)
    former = os.umask(0o077)
    try:
        install(settings, "1.0")
    finally:
        os.umask(former)
    folder = settings.state_dir / "models" / "tiny-chest_1.0"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder, *folder.iterdir())}
    assert modes == {"models": 0o755, "tiny-chest_1.0": 0o755, "model.toml": 0o644, "model.tflite": 0o644}


def test_a_package_that_leaves_too_little_room_is_refused(tmp_path: Path) -> None:
    settings = box(tmp_path, min_free_bytes=10**15)
    with pytest.raises(DiskFull, match="Make room"):
        install(settings, "1.0")
    assert installed(settings) == []


def test_a_failed_write_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    settings = box(tmp_path)
    install(settings, "1.0")
    source = write_version(tmp_path / "new", "2.0")
    program = f"""
        import resource, sys
        from pathlib import Path
        from leapfrog.errors import StorageError
        from leapfrog.commands.models.store import install_package
        from leapfrog.settings import RetentionSettings, Settings, StationSettings
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        settings = Settings(station=StationSettings(state_dir=Path({str(settings.state_dir)!r})),
                            retention=RetentionSettings(min_free_bytes=0))
        try:
            install_package(Path({str(source)!r}), settings)
        except StorageError as problem:
            sys.exit(str(problem))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)
    assert "cannot be changed: File too large" in done.stderr
    assert installed(settings) == ["tiny-chest_1.0"]


def test_a_state_directory_that_cannot_be_changed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageError, match=r"cannot be changed: .*Run this as root"):
        install(box(tmp_path), "1.0")


def test_two_commands_do_not_work_at_the_same_time(tmp_path: Path) -> None:
    settings = box(tmp_path)
    install(settings, "1.0")
    descriptor = os.open(settings.state_dir / "models", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(StateDirectoryHeld, match="Try again"):
            remove_package(NAME, settings)
    finally:
        os.close(descriptor)
    assert used(settings) == "1.0"


KILLED = """
import os, signal, sys
from pathlib import Path
from leapfrog.commands.models import store as model_store
from leapfrog.settings import RetentionSettings, Settings, StationSettings

state_dir, step, action, subject = sys.argv[1:]
model_store._run_once = lambda package, engine: None  # slow, and it changes nothing on the disk
left = int(step)

def count(event, arguments):
    global left
    if event in {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod"} or (
        event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    ):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

settings = Settings(
    station=StationSettings(state_dir=Path(state_dir)), retention=RetentionSettings(min_free_bytes=0)
)
sys.addaudithook(count)
model_store.install_package(Path(subject), settings) if action == "install" else (
    model_store.remove_package(subject, settings)
)
"""


def killed_at(step: int, settings: Settings, action: str, subject: str) -> bool:
    """Run a command that is killed before its `step`th change of the disk; whether it got that far."""
    command = [sys.executable, "-c", KILLED, str(settings.state_dir), str(step), action, subject]
    done = subprocess.run(command, check=False)
    assert done.returncode in {0, -signal.SIGKILL}
    return done.returncode != 0


@pytest.mark.parametrize("action", ["install", "remove"])
def test_whenever_it_is_killed_a_whole_version_is_used_and_the_next_command_tidies_up(
    tmp_path: Path, action: str
) -> None:
    source = write_version(tmp_path / "new", "3.0")
    seen = set()
    for step in range(200):
        settings = box(tmp_path / f"{step}")
        settings.state_dir.mkdir(parents=True)
        for version in ("1.0", "2.0"):
            write_version(settings.state_dir / "models" / f"tiny-chest_{version}", version)
        was_killed = killed_at(step, settings, action, str(source) if action == "install" else NAME)
        catalogue = packages_in_use(settings)
        assert catalogue.damaged == ()
        seen.add(used(settings))
        if not was_killed:
            break
        remove_package(NAME, settings)
        assert not any(name.startswith(".") for name in installed(settings))
    else:
        pytest.fail("the command never finished")
    assert seen == ({"2.0", "3.0"} if action == "install" else {"1.0", "2.0"})
