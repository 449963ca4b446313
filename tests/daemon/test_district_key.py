"""The key of a district: one file there, one line in the settings of each box."""

import io
import stat
from pathlib import Path

import pyrage
import pytest

from leapfrog.district_key import DistrictPublicKey, district_key
from leapfrog.errors import StorageError


def test_what_a_box_writes_for_its_district_only_that_reads_and_what_that_signs_every_box_knows(tmp_path: Path) -> None:
    mine, other = district_key(tmp_path / "district.key"), district_key(tmp_path / "other.key")
    known = DistrictPublicKey.parse(str(mine.public))
    sealed, opened = io.BytesIO(), io.BytesIO()
    recipient = pyrage.x25519.Recipient.from_str(known.recipient)
    pyrage.encrypt_io(io.BytesIO(b"for the district"), sealed, [recipient])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt_io(io.BytesIO(sealed.getvalue()), io.BytesIO(), [other.identity])
    pyrage.decrypt_io(io.BytesIO(sealed.getvalue()), opened, [mine.identity])
    assert opened.getvalue() == b"for the district"
    assert known.signed(b"a receipt", mine.sign(b"a receipt"))
    assert not known.signed(b"another", mine.sign(b"a receipt"))
    assert not known.signed(b"a receipt", other.sign(b"a receipt"))


def test_it_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "district.key"
    made = district_key(path)
    assert district_key(path).public == made.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_one_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "district.key"
    path.write_text("AGE-SECRET-KEY-1\n")
    with pytest.raises(StorageError, match="damaged"):
        district_key(path)
    assert path.read_text() == "AGE-SECRET-KEY-1\n"


@pytest.mark.parametrize("line", ["", "age1abc", "LEAPFROG-DISTRICT-1:age1abc:00"])
def test_what_is_no_public_key_is_refused_with_what_it_should_be(line: str) -> None:
    with pytest.raises(ValueError, match="receive --public-key"):
        DistrictPublicKey.parse(line)
