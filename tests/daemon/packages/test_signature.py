"""Which files are taken for keys and signatures."""

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from leapfrog.errors import SettingsError
from leapfrog.packages.signature import SignaturePolicy, signature_policy
from support.signed_packages import Signer, new_signer

MANIFEST = b"name = 'x'"


@pytest.fixture
def hospital(tmp_path: Path) -> Signer:
    return new_signer(tmp_path / "keys")


def signed(signer: Signer) -> bytes:
    return signer.private_key.sign(MANIFEST) + signer.private_key.public_key().public_bytes_raw()


def test_a_signature_with_a_trusted_key_is_trusted_for_these_bytes_only(hospital: Signer) -> None:
    policy = signature_policy([hospital.public_file], required=True)
    assert policy.state(MANIFEST, signed(hospital)) == "trusted"
    assert policy.state(MANIFEST + b" ", signed(hospital)) == "bad"


def test_any_of_several_trusted_keys_will_do(hospital: Signer, tmp_path: Path) -> None:
    other = new_signer(tmp_path / "other")
    policy = signature_policy([other.public_file, hospital.public_file], required=True)
    assert [policy.state(MANIFEST, signed(signer)) for signer in (hospital, other)] == ["trusted", "trusted"]


def test_a_stranger_cannot_pass_for_a_trusted_key_by_naming_it(hospital: Signer, tmp_path: Path) -> None:
    policy = signature_policy([hospital.public_file], required=True)
    stranger = new_signer(tmp_path / "stranger")
    trusted_key = hospital.private_key.public_key().public_bytes_raw()
    assert policy.state(MANIFEST, stranger.private_key.sign(MANIFEST) + trusted_key) == "bad"
    assert policy.state(MANIFEST, signed(stranger)) == "unknown key"


@pytest.mark.parametrize("position", [0, 63, 64, 95])
def test_an_altered_signature_is_bad(hospital: Signer, position: int) -> None:
    signature = bytearray(signed(hospital))
    signature[position] ^= 1
    assert signature_policy([hospital.public_file], required=False).state(MANIFEST, bytes(signature)) == "bad"


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(95), bytes(96), bytes(97), b"\xff" * 96])
def test_what_is_no_signature_is_bad(signature: bytes) -> None:
    assert SignaturePolicy().state(MANIFEST, signature) == "bad"


def test_a_key_that_cannot_be_used_is_named(tmp_path: Path, hospital: Signer) -> None:
    with pytest.raises(SettingsError, match=r"models\.trusted_keys: .*none\.pem cannot be read: No such file"):
        signature_policy([tmp_path / "none.pem"], required=False)
    key = rsa.generate_private_key(65537, 2048).public_key()
    (tmp_path / "rsa.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "text.pem").write_text("no key")
    for file in (tmp_path / "rsa.pem", tmp_path / "text.pem", hospital.public_file.with_name("private-key.pem")):
        with pytest.raises(SettingsError, match=f"{file.name} is not an Ed25519 public key"):
            signature_policy([file], required=False)


def test_where_nothing_is_signed_no_cryptography_is_loaded() -> None:
    program = "import sys, leapfrog.reader.reader; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
