"""`leapfrog install --from SITE.toml`: one command for each of fifty boxes, and no editor."""

import grp
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from leapfrog.commands.install import Extras
from leapfrog.commands.site import is_as_written, set_up
from leapfrog.errors import PackageError, SettingsError, UsageError
from leapfrog.settings import load_settings
from support.signed_packages import write_version

SETTINGS = "etc/leapfrog/leapfrog.toml"
SITE = """
[install]
[[install.file]]
from = "client.key"
to = "/etc/leapfrog/tls/client.key"
secret = true
[station]
name = "Kitui"
[dicom]
ae_title = "KITUI"
[[dicom.modality]]
ae_title = "FILMROOM"
host = "192.168.1.20"
port = 104
[district]
client_key = "/etc/leapfrog/tls/client.key"
client_certificate = "/etc/leapfrog/tls/client.pem"
"""
COMMON = """
[install]
[[install.file]]
from = "district-ca.pem"
to = "/etc/leapfrog/tls/district-ca.pem"
[station]
name = "somewhere"
language = "sw"
[district]
url = "https://district.example/dicom-web"
windows = ["19:00-06:30", "12:30-13:30"]
[[destination]]
name = "province"
url = "https://province.example/dicom-web"
"""


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """What a technician carries: a folder with the common file and one for each box."""
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "kitui.toml").write_text(SITE)
    (stick / "common.toml").write_text(COMMON)
    (stick / "client.key").write_text("secret\n")
    (stick / "district-ca.pem").write_text("public\n")
    return stick


def install(stick: Path, root: Path, site: str = "kitui.toml") -> list[str]:
    done = set_up(stick / site, None, root, Extras(), start=False)
    return [str(path.relative_to(root)) for path in done.written]


def test_the_box_has_its_own_values_over_those_of_all(stick: Path, tmp_path: Path) -> None:
    install(stick, tmp_path / "root")
    settings = load_settings(tmp_path / "root" / SETTINGS)
    assert (settings.station.name, settings.station.language) == ("Kitui", "sw")
    assert settings.state_dir == Path("/var/lib/leapfrog")  # as the file that ships has it
    assert [one.ae_title for one in settings.dicom.modality] == ["FILMROOM"]
    assert [one.name for one in settings.destinations] == ["district", "province"]
    assert len(settings.district.windows) == 2


def test_every_value_says_where_it_comes_from_and_what_it_is(stick: Path, tmp_path: Path) -> None:
    install(stick, tmp_path / "root")
    text = (tmp_path / "root" / SETTINGS).read_text()
    assert 'name = "Kitui"  # from kitui.toml\n' in text
    assert 'language = "sw"  # from common.toml\n' in text
    assert "# The name of this box, which is printed on every report." in text
    assert "#port = 11112" in text  # what nobody set stands there with its default


def test_a_second_run_changes_nothing_and_one_after_a_change_that_alone(stick: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert {SETTINGS, "etc/leapfrog/tls/client.key", "etc/leapfrog/tls/district-ca.pem"} < set(install(stick, root))
    assert install(stick, root) == []
    (stick / "common.toml").write_text(COMMON.replace('"sw"', '"fr"'))
    assert install(stick, root) == [SETTINGS]
    assert load_settings(root / SETTINGS).station.language == "fr"


def test_what_a_person_changed_by_hand_is_kept(stick: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(stick, root)
    changed = (root / SETTINGS).read_text().replace('"Kitui"', '"Kitui Hospital"')
    (root / SETTINGS).write_text(changed)
    assert not is_as_written(changed.encode())
    done = set_up(stick / "kitui.toml", None, root, Extras(), start=False)
    assert done.settings_kept
    assert (root / SETTINGS).read_text() == changed
    assert 'name = "Kitui"  # from kitui.toml' in (root / f"{SETTINGS}.new").read_text()
    (root / f"{SETTINGS}.new").replace(root / SETTINGS)  # the person takes it
    assert not set_up(stick / "kitui.toml", None, root, Extras(), start=False).settings_kept
    assert not (root / f"{SETTINGS}.new").exists()


def test_the_file_that_ships_is_replaced_and_a_plain_install_never_replaces_that_of_a_site(
    stick: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    command = [sys.executable, "-m", "leapfrog", "install", "--root", str(root)]
    subprocess.run(command, check=True, capture_output=True)
    assert SETTINGS in install(stick, root)
    subprocess.run(command, check=True, capture_output=True)
    assert load_settings(root / SETTINGS).station.name == "Kitui"


def test_every_mistake_is_named_with_its_file_and_nothing_is_written(stick: Path, tmp_path: Path) -> None:
    (stick / "common.toml").write_text(COMMON.replace('"sw"', '"xx"') + "[report]\nquiet_seconds = -1\n")
    (stick / "kitui.toml").write_text(SITE.replace("ae_title", "ea_title", 1))
    (stick / "client.key").unlink()
    with pytest.raises(SettingsError) as caught:
        install(stick, tmp_path / "root")
    told = str(caught.value)
    assert "station.language = 'xx'" in told
    assert (
        "report.quiet_seconds = -1 is not allowed: input should be greater than or equal to 0. It is in common" in told
    )
    assert "Unknown key dicom.ea_title" in told
    assert "It is in kitui.toml." in told
    assert "client.key, which cannot be read" in told
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("to", ["/etc/passwd", "/etc/leapfrog/../passwd", "tls/x", "/etc/leapfrog"])
def test_files_go_below_one_folder_only(stick: Path, tmp_path: Path, to: str) -> None:
    (stick / "kitui.toml").write_text(SITE.replace("/etc/leapfrog/tls/client.key", to, 1))
    with pytest.raises(SettingsError, match="below /etc/leapfrog only"):
        install(stick, tmp_path / "root")


@pytest.mark.root
def test_a_box_that_starts_from_an_image_can_read_its_secrets(stick: Path, tmp_path: Path) -> None:
    """Nobody runs the command on it again: what makes the service's group gives it the files too."""
    root = tmp_path / "root"
    to = "/etc/leapfrog/tls/100% of it.key"
    (stick / "kitui.toml").write_text(SITE.replace('to = "/etc/leapfrog/tls/client.key"', f'to = "{to}"'))
    install(stick, root)
    subprocess.run(["systemd-sysusers", "--root", str(root)], check=True, capture_output=True)
    subprocess.run(["systemd-tmpfiles", "--create", "--root", str(root), "leapfrog-site.conf"], check=True)
    line = next(one for one in (root / "etc/group").read_text().splitlines() if one.startswith("leapfrog:"))
    key = (root / "etc/leapfrog/tls" / "100% of it.key").stat()
    assert (key.st_mode & 0o777, key.st_gid) == (0o640, int(line.split(":")[2]))


def test_a_secret_is_for_root_and_for_the_service_once_its_user_is_there(stick: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    done = set_up(stick / "kitui.toml", None, root, Extras(), start=False)
    key = root / "etc/leapfrog/tls/client.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert any("run this once more" in note for note in done.notes)
    own = grp.getgrgid(key.stat().st_gid)
    (root / "etc/group").write_text(f"root:x:0:\nleapfrog:x:{own.gr_gid}:\n")
    assert install(stick, root) == ["etc/leapfrog/tls/client.key"]
    assert key.stat().st_mode & 0o777 == 0o640
    assert (root / "etc/leapfrog/tls/district-ca.pem").stat().st_mode & 0o777 == 0o644


def test_models_come_along_once(stick: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_version(stick / "tiny-chest", "1.2.3")
    (stick / "common.toml").write_text(COMMON.replace("[install]", '[install]\nmodels = ["tiny-chest"]', 1))
    assert "tiny-chest 1.2.3 is installed" in set_up(stick / "kitui.toml", None, root, Extras(), start=False).models[0]
    assert (root / "var/lib/leapfrog/models/tiny-chest_1.2.3/model.toml").exists()
    assert set_up(stick / "kitui.toml", None, root, Extras(), start=False).models == ()
    write_version(stick / "tiny-chest", "1.2.2")
    with pytest.raises(PackageError, match="only a higher version"):
        install(stick, root)


def test_odd_values_are_written_as_they_are(stick: Path, tmp_path: Path) -> None:
    (stick / "kitui.toml").write_text(
        '[station]\nname = \'Kitui "the\\\\hospital" # 1\'\nissuer_of_patient_id = "क"\n'
        "[folder]\nfilename_pattern = '''(?P<patient_id>[^_]+)\"'''\n[engine]\ndeadline_seconds = 1e2\n"
        '[[destination]]\nname = "a"\nurl = "https://a.example"\nsince = 2026-01-31\nsend = []\n'
    )
    install(stick, tmp_path / "root")
    written = tomllib.loads((tmp_path / "root" / SETTINGS).read_text())
    assert written["station"]["name"] == 'Kitui "the\\\\hospital" # 1'
    assert written["folder"]["filename_pattern"] == '(?P<patient_id>[^_]+)"'
    assert [one["name"] for one in written["destination"]] == ["a"]  # the box's own list, and not both
    assert load_settings(tmp_path / "root" / SETTINGS).destination[0].since is not None


def test_another_common_file_may_be_named(stick: Path, tmp_path: Path) -> None:
    (stick / "other.toml").write_text('[station]\nlanguage = "fr"\n')
    set_up(stick / "kitui.toml", stick / "other.toml", tmp_path / "a", Extras(), start=False)
    assert load_settings(tmp_path / "a" / SETTINGS).station.language == "fr"
    (stick / "kitui.toml").write_text(SITE.replace("[install]", '[install]\ncommon = "other.toml"', 1))
    install(stick, tmp_path / "b")
    assert load_settings(tmp_path / "b" / SETTINGS).station.language == "fr"
    (stick / "kitui.toml").write_text('[install]\ncommon = "none.toml"\n')
    with pytest.raises(SettingsError, match=r"none\.toml cannot be read"):
        install(stick, tmp_path / "c")


def test_only_this_system_is_started(stick: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="without --root"):
        set_up(stick / "kitui.toml", None, tmp_path / "root", Extras(), start=True)
