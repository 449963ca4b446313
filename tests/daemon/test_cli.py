"""The command line for people and programs: exit statuses, JSON shapes, one clear sentence for each mistake."""

import json
import os
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from leapfrog.phantoms.exams import chest_picture
from support.films import write_film
from support.instances import gradient, image_dataset, save
from support.kiosk import Kiosk
from support.signed_packages import new_signer
from support.tiny_models import CLASSIFIER, classifier_content, write_package
from support.waiting import wait_until


def leapfrog(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with its own home directory, so that the built-in defaults touch nothing real."""
    finished = subprocess.run(
        [sys.executable, "-m", "leapfrog", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(home), "COLUMNS": "200"},
        check=False,
    )
    assert "Traceback" not in finished.stderr + finished.stdout
    return finished


def damaged_png() -> bytes:
    """A picture file that is whole, and whose pixels cannot be unpacked."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))

    header = struct.pack(">LLBBBBB", 64, 64, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    with Kiosk(tmp_path_factory.mktemp("kiosk")) as running:
        (running.inbox / "damaged.png").write_bytes(damaged_png())
        wait_until(lambda: running.status()["instances"]["set_aside"] == 1, "the damaged file is set aside")
        yield running


def settings_with(directory: Path, text: str) -> Path:
    path = directory / "leapfrog.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[dicom]\nprot = 104\n", "Unknown key dicom.prot"),
        ("[dicom]\nport = 70000\n", "dicom.port = 70000 is not allowed"),
        ("[wrong]\n", "Unknown key wrong"),
        ("[dicom\n", "not valid TOML"),
        ('[district]\nurl = "district.example"\n', "district.url"),
        ('[folder]\nfilename_pattern = "("\n', "folder.filename_pattern"),
    ],
)
@pytest.mark.parametrize("command", [["run"], ["status"], ["config", "check"]])
def test_wrong_settings_are_named_and_exit_2(tmp_path: Path, command: list[str], text: str, expected: str) -> None:
    finished = leapfrog(*command, "--config", settings_with(tmp_path, text), home=tmp_path)
    assert finished.returncode == 2
    assert expected in finished.stderr


def test_a_missing_settings_file_is_named_and_exits_2(tmp_path: Path) -> None:
    finished = leapfrog("run", "--config", tmp_path / "none.toml", home=tmp_path)
    assert finished.returncode == 2
    assert "none.toml cannot be read" in finished.stderr


@pytest.mark.parametrize("arguments", [["frobnicate"], ["retry"], ["read"], ["models"], ["status", "--frob"]])
def test_an_unknown_command_or_a_missing_argument_exits_2(tmp_path: Path, arguments: list[str]) -> None:
    assert leapfrog(*arguments, home=tmp_path).returncode == 2


def test_a_port_in_use_is_one_sentence_and_exit_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = f'[station]\nstate_dir = "{tmp_path}/state"\n[dicom]\nhost = "127.0.0.1"\nport = {port}\n'
        finished = leapfrog("run", "--config", settings_with(tmp_path, text), home=tmp_path)
    assert finished.returncode == 1
    assert f"port {port}: another program is using it" in finished.stderr


def test_a_state_directory_that_cannot_be_created_is_one_sentence_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = f'[station]\nstate_dir = "{tmp_path}/file/state"\n'
    finished = leapfrog("run", "--config", settings_with(tmp_path, text), home=tmp_path)
    assert finished.returncode == 1
    assert "state cannot be used: Not a directory" in finished.stderr


def test_a_second_daemon_says_which_process_uses_the_state_directory_and_exits_1(kiosk: Kiosk, tmp_path: Path) -> None:
    finished = leapfrog("run", "--config", kiosk.settings_file, home=tmp_path)
    assert finished.returncode == 1
    assert f"process id {kiosk.process.pid}" in finished.stderr


def answer(kiosk: Kiosk, *arguments: str, home: Path) -> Any:
    finished = leapfrog(*arguments, "--config", kiosk.settings_file, "--json", home=home)
    found = json.loads(finished.stdout)
    needs_attention = isinstance(found, dict) and found.get("attention")
    assert finished.returncode == (1 if needs_attention else 0), finished.stderr
    return found


def test_status_has_the_shape_that_programs_rely_on(kiosk: Kiosk, tmp_path: Path) -> None:
    status = answer(kiosk, "status", home=tmp_path)
    assert status["listening"] is True
    assert set(status["instances"]) == {"received", "read", "set_aside", "forward_only"}
    assert set(status["deliveries"]) == {"waiting", "confirmed", "refused", "superseded", "dismissed"}
    assert {"device", "oldest_owed_seconds", "free_bytes", "last_confirmed_at"} <= set(status)
    (found,) = [found for found in status["attention"] if "could not be read" in found["what"]]
    assert found["since"] and "leapfrog retry ID" in found["remedy"]


def test_instances_have_the_shape_that_programs_rely_on(kiosk: Kiosk, tmp_path: Path) -> None:
    (row,) = answer(kiosk, "instances", "--state", "set_aside", home=tmp_path)
    assert set(row) >= {
        "id",
        "state",
        "reason",
        "sop_instance_uid",
        "study_key",
        "source",
        "received_at",
        "attempts",
    }
    assert row["reason"].startswith("The file is damaged: its picture could not be decoded.")
    assert answer(kiosk, "instances", "--state", "read", home=tmp_path) == []


def test_an_unknown_state_or_id_exits_2(kiosk: Kiosk, tmp_path: Path) -> None:
    for arguments in (["instances", "--state", "lost"], ["retry", "0" * 16], ["dismiss", "0" * 16]):
        finished = leapfrog(*arguments, "--config", kiosk.settings_file, home=tmp_path)
        assert finished.returncode == 2
        assert finished.stderr.startswith("leapfrog: ")


def test_what_was_set_aside_is_read_again_on_request(kiosk: Kiosk, tmp_path: Path) -> None:
    (row,) = answer(kiosk, "instances", "--state", "set_aside", home=tmp_path)
    assert answer(kiosk, "retry", row["id"], home=tmp_path)["done"] == [row["id"]]
    wait_until(lambda: kiosk.status()["instances"]["set_aside"] == 1, "it is set aside again")
    finished = leapfrog("dismiss", row["id"], "--config", kiosk.settings_file, home=tmp_path)
    assert finished.returncode == 1
    assert "nothing to dismiss" in finished.stdout


def test_commands_without_a_daemon_and_a_state_directory_say_so(tmp_path: Path) -> None:
    for command in ("status", "instances", "sync"):
        finished = leapfrog(command, home=tmp_path)
        assert finished.returncode == 1
        assert "leapfrog run" in finished.stderr
    assert not (tmp_path / ".local").exists()


def test_status_and_instances_work_while_the_daemon_is_stopped(tmp_path: Path) -> None:
    with Kiosk(tmp_path / "kiosk") as kiosk:
        kiosk.stop()
        status = answer(kiosk, "status", home=tmp_path)
        assert status["listening"] is False
        assert status["device"] == "not running"
        assert answer(kiosk, "instances", home=tmp_path) == []


def test_the_shipped_packages_are_listed_and_verified(tmp_path: Path) -> None:
    finished = leapfrog("models", "list", "--json", home=tmp_path)
    rows = json.loads(finished.stdout)
    assert {"chest-findings", "fetal-head"} <= {row["name"] for row in rows}
    for row in rows:
        assert set(row) >= {"name", "version", "task", "demonstration", "verified", "signature", "path"}
        assert row["verified"] and row["demonstration"]
    assert leapfrog("models", "verify", home=tmp_path).returncode == 0


def test_a_damaged_package_fails_the_verification_and_is_named(tmp_path: Path) -> None:
    package = tmp_path / "packages" / "broken"
    package.mkdir(parents=True)
    (package / "model.toml").write_text("name = 3\n")
    config = settings_with(tmp_path, f'[models]\npaths = ["{tmp_path}/packages"]\n')
    finished = leapfrog("models", "verify", "--config", config, home=tmp_path)
    assert finished.returncode == 1
    assert "broken is not loaded" in finished.stdout


def test_a_package_is_installed_used_and_removed_again(tmp_path: Path) -> None:
    config = settings_with(tmp_path, f'[station]\nstate_dir = "{tmp_path}/state"\n[retention]\nmin_free_bytes = 0\n')
    newer = CLASSIFIER.replace("tiny-chest", "chest-findings").replace("1.2.3", "99.0")
    source = write_package(tmp_path / "newer", newer, classifier_content())
    finished = leapfrog("models", "install", source, "--config", config, "--json", home=tmp_path)
    assert finished.returncode == 0, finished.stderr
    installed = json.loads(finished.stdout)
    assert (installed["name"], installed["version"], installed["signature"]) == ("chest-findings", "99.0", "none")
    assert Path(installed["path"]).parent == tmp_path / "state" / "models"

    film = write_film(tmp_path / "film.dcm")
    read = leapfrog("read", film, "--out", tmp_path / "out", "--config", config, "--json", home=tmp_path)
    (result,) = json.loads(read.stdout)
    report = json.loads(Path(result["report"]).with_suffix(".json").read_text())
    assert report["images"][0]["model"]["version"] == "99.0"

    again = leapfrog("models", "install", source, "--config", config, home=tmp_path)
    assert again.returncode == 1
    assert "chest-findings 99.0 is not installed: chest-findings 99.0 is in use" in again.stderr

    removed = leapfrog("models", "remove", "chest-findings", "--config", config, home=tmp_path)
    assert removed.returncode == 0, removed.stderr
    assert "chest-findings 99.0 was removed." in removed.stdout
    assert f"chest-findings {installed['former']} in" in removed.stdout
    assert "systemctl restart leapfrog" in removed.stdout
    assert leapfrog("models", "remove", "chest-findings", "--config", config, home=tmp_path).returncode == 2


def test_a_missing_trusted_key_is_refused_by_every_command_that_needs_it(tmp_path: Path) -> None:
    config = settings_with(tmp_path, f'[models]\ntrusted_keys = ["{tmp_path}/none.pem"]\n')
    film = write_film(tmp_path / "film.dcm")
    for command in (["config", "check"], ["models", "list"], ["run"], ["read", film, "--out", tmp_path / "out"]):
        finished = leapfrog(*command, "--config", config, home=tmp_path)
        assert finished.returncode == 2
        assert "models.trusted_keys" in finished.stderr and "none.pem cannot be read" in finished.stderr


def test_a_box_that_requires_signatures_says_which_packages_it_does_not_use(tmp_path: Path) -> None:
    signer = new_signer(tmp_path / "keys")
    models = {"trusted_keys": [str(signer.public_file)], "require_signature": True}
    with Kiosk(tmp_path / "kiosk", models=models) as strict:
        attention = " ".join(found["what"] for found in strict.status()["attention"])
        assert "chest-findings is not loaded: it is not signed, and models.require_signature is true" in attention
        write_film(strict.inbox / "film.dcm")
        strict.wait_until_read(1)
        wait_until(strict.reports, "the report is there")
        assert strict.reports()[0]["images"][0]["outcome"] == "not_assessed"
        verified = strict.command("models", "verify")
        assert verified.returncode == 1
        strict.stop()
        attention = " ".join(found["what"] for found in strict.command_json("status")["attention"])
        assert "fetal-head is not loaded" in attention
        assert "fetal-head is not loaded" in strict.log()


def test_each_file_is_read_into_a_report_of_its_own(tmp_path: Path) -> None:
    film = save(image_dataset(gradient()), tmp_path / "film.dcm")
    picture = tmp_path / "picture.png"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(picture)
    out = tmp_path / "out"
    finished = leapfrog("read", film, picture, "--modality", "US", "--out", out, "--json", home=tmp_path)
    assert finished.returncode == 0, finished.stderr
    results = json.loads(finished.stdout)
    assert [Path(result["file"]).name for result in results] == ["film.dcm", "picture.png"]
    for result in results:
        folder = Path(result["report"]).parent
        assert folder.parent == out
        assert {"report.html", "report.pdf", "report.json"} <= {path.name for path in folder.iterdir()}


def test_the_age_can_be_given_for_a_file_that_says_none(tmp_path: Path) -> None:
    picture = tmp_path / "film.png"
    picture.write_bytes(chest_picture("opaque", 8))
    described = ("read", picture, "--modality", "DX", "--body-part", "CHEST", "--view", "PA", "--json")

    def result(name: str, *options: str) -> str:
        finished = leapfrog(*described, "--out", tmp_path / name, *options, home=tmp_path)
        assert finished.returncode == 0, finished.stderr
        return str(json.loads(finished.stdout)[0]["result"])

    assert result("unknown").startswith("Age not given: this reading holds for adults only; for a child disregard it.")
    neither = result("child", "--age", "7")
    assert neither.startswith("Not assessed: ") and "This patient is 7 years old" in neither
    assert "people of 1 to 5 years" in neither and "people of 15 years and over" in neither
    assert not result("grown", "--age", "40").startswith(("Age not given", "Not assessed"))
    refused = leapfrog(*described, "--out", tmp_path / "wrong", "--age", "1984", home=tmp_path)
    assert refused.returncode == 2


def test_a_file_that_cannot_be_read_is_reported_with_exit_1_and_the_others_are_read(tmp_path: Path) -> None:
    film = save(image_dataset(gradient()), tmp_path / "film.dcm")
    film_content = film.read_bytes()
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(film_content[:-3000])
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    finished = leapfrog("read", damaged, film, text, "--out", tmp_path / "out", "--json", home=tmp_path)
    assert finished.returncode == 1
    results = {Path(result["file"]).name: result for result in json.loads(finished.stdout)}
    assert "the picture ends early" in results["damaged.dcm"]["result"]
    assert results["film.dcm"]["failed"] is False
    assert results["notes.txt"]["failed"] is True and results["notes.txt"]["report"] is None


def test_a_missing_file_exits_2(tmp_path: Path) -> None:
    finished = leapfrog("read", tmp_path / "none.dcm", "--out", tmp_path / "out", home=tmp_path)
    assert finished.returncode == 2
    assert "none.dcm is not a file" in finished.stderr


def test_config_check_prints_warnings(tmp_path: Path) -> None:
    config = settings_with(tmp_path, '[district]\nurl = "http://district.example/dicom-web"\n')
    finished = leapfrog("config", "check", "--config", config, home=tmp_path)
    assert finished.returncode == 0
    assert "unencrypted" in finished.stdout


def test_version_prints_the_package_version(tmp_path: Path) -> None:
    assert leapfrog("--version", home=tmp_path).stdout.strip().count(".") == 2


def test_thresholds_that_are_not_used_and_forgotten_options_end_in_failure(tmp_path: Path) -> None:
    write_package(tmp_path / "packages/tiny", CLASSIFIER, classifier_content())
    state = tmp_path / "state"
    text = f'[station]\nstate_dir = "{state}"\n[models]\npaths = ["{tmp_path / "packages"}"]\n'
    command = ("models", "thresholds", "tiny-chest", "--config", settings_with(tmp_path, text))
    assert leapfrog(*command, home=tmp_path).returncode == 0
    forgotten = leapfrog(*command, "--finding", "Bright", "--threshold", "0.5", home=tmp_path)
    assert forgotten.returncode == 2 and "Missing: --from, --by." in forgotten.stderr
    (state / "station/thresholds").mkdir(parents=True)
    (state / "station/thresholds/tiny-chest.json").write_text("{}\nnobody\n")
    altered = leapfrog(*command, home=tmp_path)
    assert altered.returncode == 1 and "was altered" in altered.stdout
