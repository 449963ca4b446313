"""The station's key is made once and kept from others."""

import subprocess
from pathlib import Path

import pytest

from leapfrog.errors import StorageError
from leapfrog.state.station.station_key import existing_station_key, station_key


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    assert existing_station_key(tmp_path) is None
    made = station_key(tmp_path)
    assert station_key(tmp_path).public_key == made.public_key
    assert (tmp_path / "station/key.pem").stat().st_mode & 0o777 == 0o600


def test_openssl_checks_what_it_signs(tmp_path: Path) -> None:
    key = station_key(tmp_path)
    content, signature, public = tmp_path / "content", tmp_path / "signature", tmp_path / "public.pem"
    content.write_bytes(b"decided here")
    signature.write_bytes(key.sign(content.read_bytes()))
    public.write_text(key.public_pem)
    checked = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", content, "-sigfile", signature],
        check=False,
        capture_output=True,
    )
    assert checked.returncode == 0, checked.stdout


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    station_key(tmp_path)
    (tmp_path / "station/key.pem").write_text("nothing")
    with pytest.raises(StorageError, match="is damaged"):
        station_key(tmp_path)
