"""Keys, and signatures that others can check."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from leapfrog.errors import PackageError
from leapfrog.packages.package import load_package
from leapfrog.packages.signature import SIGNATURE_BYTES, signature_policy
from leapfrog_training.cli import main
from leapfrog_training.errors import SigningError
from leapfrog_training.packaging.signing import make_keys, read_private_key, sign_package
from support.tiny_models import write_classifier


def leapfrog_train(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["leapfrog-train", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_commands_make_keys_and_a_signature_that_a_kiosk_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write_classifier(tmp_path)
    assert leapfrog_train(monkeypatch, "keys", "--out", tmp_path / "keys") == 0
    assert leapfrog_train(monkeypatch, "sign", package, "--key", tmp_path / "keys" / "private-key.pem") == 0
    policy = signature_policy([tmp_path / "keys" / "public-key.pem"], required=True)
    assert load_package(package, policy).signature == "trusted"


def test_the_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    private_file, public_file = make_keys(tmp_path / "keys")
    assert stat.S_IMODE(private_file.stat().st_mode) == 0o600
    assert "PRIVATE" not in public_file.read_text()


@pytest.mark.parametrize("present", ["private-key.pem", "public-key.pem"])
def test_no_key_is_overwritten(tmp_path: Path, present: str) -> None:
    (tmp_path / present).write_text("precious")
    with pytest.raises(SigningError, match=f"{present} would be overwritten"):
        make_keys(tmp_path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["precious"]


def test_what_is_no_private_key_is_refused(tmp_path: Path) -> None:
    _, public_file = make_keys(tmp_path / "keys")
    with pytest.raises(SigningError, match="is not an Ed25519 private key"):
        read_private_key(public_file)
    with pytest.raises(SigningError, match="cannot be read: No such file"):
        read_private_key(tmp_path / "none.pem")


def test_a_damaged_package_is_not_signed(tmp_path: Path) -> None:
    package = write_classifier(tmp_path)
    (package / "model.tflite").write_bytes(b"")
    private_file, _ = make_keys(tmp_path / "keys")
    with pytest.raises(PackageError, match="was altered"):
        sign_package(package, read_private_key(private_file))
    assert not (package / "model.toml.sig").exists()


def test_a_package_that_was_changed_can_be_signed_again(tmp_path: Path) -> None:
    private_file, _ = make_keys(tmp_path / "keys")
    package = write_classifier(tmp_path)
    sign_package(package, read_private_key(private_file))
    manifest = package / "model.toml"
    manifest.write_text(manifest.read_text().replace("0.6", "0.7"))
    with pytest.raises(PackageError, match="does not match"):
        load_package(package)
    sign_package(package, read_private_key(private_file))
    assert load_package(package).signature == "unknown key"


@pytest.fixture
def openssl() -> str:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    return program


def test_openssl_checks_the_signature_as_the_documentation_says(tmp_path: Path, openssl: str) -> None:
    private_file, public_file = make_keys(tmp_path / "keys")
    package = write_classifier(tmp_path)
    sign_package(package, read_private_key(private_file))
    signature = tmp_path / "signature"
    signature.write_bytes((package / "model.toml.sig").read_bytes()[:SIGNATURE_BYTES])
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", str(public_file), "-rawin"]
    command += ["-in", str(package / "model.toml"), "-sigfile", str(signature)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout, done.stderr


def test_a_key_that_openssl_made_signs_as_well(tmp_path: Path, openssl: str) -> None:
    private_file, public_file = tmp_path / "private.pem", tmp_path / "public.pem"
    subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", private_file], check=True)
    subprocess.run([openssl, "pkey", "-in", private_file, "-pubout", "-out", public_file], check=True)
    package = write_classifier(tmp_path)
    sign_package(package, read_private_key(private_file))
    assert load_package(package, signature_policy([public_file], required=True)).signature == "trusted"
