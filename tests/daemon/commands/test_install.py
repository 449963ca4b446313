"""`leapfrog install` writes the files that a system needs, and never overwrites changed settings."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leapfrog.commands.install import FOR_THE_SYSTEM, LAYOUT, SCREEN_LAYOUT, WEB_LAYOUT, Extras, install, next_steps
from leapfrog.errors import StorageError
from leapfrog.settings import load_settings

README = Path(__file__).resolve().parents[3] / "README.md"
UNIT = "etc/systemd/system/leapfrog.service"
SETTINGS = "etc/leapfrog/leapfrog.toml"


def exec_start(root: Path) -> str:
    (line,) = [line for line in (root / UNIT).read_text().splitlines() if line.startswith("ExecStart=")]
    return line.removeprefix("ExecStart=")


@contextmanager
def working_under_umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_every_file_is_written_and_listed(tmp_path: Path) -> None:
    written = install(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in written} == set(LAYOUT.values())
    assert all(path.is_file() for path in written)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("extras", "more"),
    [
        (Extras(web=True), WEB_LAYOUT),
        (Extras(screen=True), SCREEN_LAYOUT),
        (Extras(web=True, screen=True), WEB_LAYOUT | SCREEN_LAYOUT),
    ],
)
def test_what_is_for_tablets_and_the_screen_comes_when_it_is_asked_for(
    tmp_path: Path, extras: Extras, more: dict[str, str]
) -> None:
    written = install(tmp_path, extras)
    assert {str(path.relative_to(tmp_path)) for path in written} == {*LAYOUT.values(), *more.values()}
    assert install(tmp_path, extras) == []


@pytest.mark.parametrize("place", ["etc/nginx/sites-available/leapfrog", "etc/leapfrog/web/access.conf"])
def test_who_a_clinic_lets_in_is_kept(tmp_path: Path, place: str) -> None:
    extras = Extras(web=True)
    install(tmp_path, extras)
    (tmp_path / place).write_text("deny all;\n")
    assert install(tmp_path, extras) == [(tmp_path / place).with_name(f"{Path(place).name}.new")]
    assert (tmp_path / place).read_text() == "deny all;\n"
    assert f"Your {tmp_path / place} was kept" in next_steps(tmp_path, extras)


def test_every_folder_that_was_asked_for_is_made_by_the_command_that_is_told() -> None:
    assert "systemd-tmpfiles --create leapfrog.conf leapfrog-web.conf &&" in next_steps(Path("/"), Extras(web=True))
    assert "leapfrog-web" not in next_steps(Path("/"))


def test_the_settings_file_that_is_written_can_be_loaded(tmp_path: Path) -> None:
    install(tmp_path)
    assert load_settings(tmp_path / SETTINGS).state_dir == Path("/var/lib/leapfrog")


def test_the_unit_starts_the_leapfrog_that_installed_it(tmp_path: Path) -> None:
    install(tmp_path)
    program = Path(sysconfig.get_path("scripts")) / "leapfrog"
    assert exec_start(tmp_path) == f"{program} run --config /{SETTINGS}"


def test_without_a_command_in_the_environment_the_unit_starts_its_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.commands.install.sysconfig.get_path", lambda _name: str(tmp_path / "nowhere"))
    install(tmp_path)
    assert exec_start(tmp_path).startswith(f"{sys.executable} -m leapfrog run ")


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("with space", '"{}/leapfrog"'),
        ("100%", '"{}/leapfrog"'),
        ('a "name"', '"{}/leapfrog"'),
        ("plain", "{}/leapfrog"),
    ],
)
def test_a_path_is_quoted_as_systemd_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, written: str
) -> None:
    scripts = tmp_path / folder
    scripts.mkdir()
    (scripts / "leapfrog").touch()
    monkeypatch.setattr("leapfrog.commands.install.sysconfig.get_path", lambda _name: str(scripts))
    install(tmp_path)
    escaped = str(scripts).replace('"', '\\"').replace("%", "%%")
    assert exec_start(tmp_path).startswith(written.format(escaped) + " run ")


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    first = install(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in first}
    assert install(tmp_path) == []
    assert {path: path.stat().st_mtime_ns for path in first} == before


def test_changed_settings_are_kept_and_the_shipped_ones_are_written_beside_them(tmp_path: Path) -> None:
    install(tmp_path)
    settings = tmp_path / SETTINGS
    shipped = settings.read_bytes()
    settings.write_text('[station]\nname = "Mine"\n')

    new = settings.with_name("leapfrog.toml.new")
    assert install(tmp_path) == [new]
    assert settings.read_text() == '[station]\nname = "Mine"\n'
    assert new.read_bytes() == shipped
    assert "Your settings were kept" in next_steps(tmp_path)
    assert install(tmp_path) == []


def test_a_changed_unit_is_replaced_since_changes_belong_in_a_drop_in(tmp_path: Path) -> None:
    install(tmp_path)
    drop_in = tmp_path / f"{UNIT}.d/override.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nNice=0\n")
    (tmp_path / UNIT).write_text("[Unit]\n")
    assert install(tmp_path) == [tmp_path / UNIT]
    assert drop_in.read_text() == "[Service]\nNice=0\n"


def test_the_daemon_can_read_the_files_whatever_the_umask(tmp_path: Path) -> None:
    with working_under_umask(0o077):
        written = install(tmp_path)
    assert {path.stat().st_mode & 0o777 for path in written} == {0o644}


def test_a_destination_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match=r"cannot be written: .*\. Run this as root, or name another folder"):
        install(tmp_path)


def test_the_next_steps_name_the_settings_and_how_to_start(tmp_path: Path) -> None:
    install(tmp_path)
    steps = next_steps(tmp_path)
    assert str(tmp_path / SETTINGS) in steps
    assert f"systemctl --root={tmp_path} enable leapfrog" in steps


def test_on_the_running_system_the_steps_create_the_user_and_start_the_unit() -> None:
    steps = next_steps(Path("/"))
    for step in ("systemd-sysusers", "systemd-tmpfiles --create", "config check", "systemctl enable --now leapfrog"):
        assert step in steps


def test_a_leapfrog_that_its_own_user_cannot_read_brings_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.commands.install.HIDDEN_FROM_SERVICES", (sysconfig.get_path("scripts"),))
    warning = next_steps(tmp_path)
    assert "which the service's own user cannot read" in warning
    for step in FOR_THE_SYSTEM:
        assert step in warning
        assert f"sudo {step}" in README.read_text()
    monkeypatch.setattr("leapfrog.commands.install.HIDDEN_FROM_SERVICES", ("/home",))
    monkeypatch.setattr("leapfrog.commands.install.sysconfig.get_path", lambda _name: str(tmp_path))
    (tmp_path / "leapfrog").touch()
    assert "which the service's own user cannot read" not in next_steps(tmp_path)


def test_the_command_prints_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leapfrog", "install", "--root", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    unwrapped = done.stdout.replace("\n", "")
    assert all(str(tmp_path / place) in unwrapped for place in LAYOUT.values())
    assert "systemctl" in unwrapped


def test_the_command_reports_a_failed_write_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "etc").touch()
    done = subprocess.run(
        [sys.executable, "-m", "leapfrog", "install", "--root", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("leapfrog: ")
    assert "Traceback" not in done.stderr
