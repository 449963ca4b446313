"""Damaged bytes never come to an end."""

import hashlib
import io
from pathlib import Path

import pytest

from leapfrog.errors import StorageError
from leapfrog.spool_file.checked import checked_chunks, file_problem
from leapfrog.spool_file.digest import digest_of

CONTENT = bytes(range(256)) * 100


@pytest.fixture(params=["now", "older"])
def digest(request: pytest.FixtureRequest) -> str:
    """Of the content, as it is taken now and as an older Leapfrog took it."""
    return digest_of(io.BytesIO(CONTENT)) if request.param == "now" else hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.dcm"
    path.write_bytes(CONTENT + b"and a record")
    return path


def damage(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("start", [0, 300, len(CONTENT) - 1])
@pytest.mark.parametrize("chunk_bytes", [1000, 1024, 10**6])
def test_whole_bytes_come_as_they_are(file: Path, start: int, chunk_bytes: int, digest: str) -> None:
    assert b"".join(checked_chunks(file, start, len(CONTENT), digest, chunk_bytes)) == CONTENT[start:]


@pytest.mark.parametrize("at", [0, 299, 300, 12_345, len(CONTENT) - 1])
def test_of_damaged_bytes_the_end_never_comes(file: Path, at: int, digest: str) -> None:
    damage(file, at)
    came = 0
    with pytest.raises(StorageError, match="damaged"):
        for chunk in checked_chunks(file, 300, len(CONTENT), digest, 1000):
            came += len(chunk)
    assert came < len(CONTENT) - 300


def test_without_a_digest_only_the_length_is_known(file: Path) -> None:
    damage(file, 5)
    assert len(b"".join(checked_chunks(file, 0, len(CONTENT), "", 1000))) == len(CONTENT)
    with pytest.raises(StorageError, match="damaged"):
        list(checked_chunks(file, 0, len(CONTENT) + 100, "", 1000))


def test_a_file_that_is_gone_is_a_storage_error(tmp_path: Path, digest: str) -> None:
    with pytest.raises(StorageError, match="No such file"):
        list(checked_chunks(tmp_path / "gone", 0, 1, digest, 10))


def test_what_is_wrong_with_a_file(file: Path, tmp_path: Path, digest: str) -> None:
    assert file_problem(file, len(CONTENT), digest) is None
    assert file_problem(file, len(CONTENT), "") is None
    assert file_problem(tmp_path / "gone", len(CONTENT), digest) == "missing"
    damage(file, 7)
    assert file_problem(file, len(CONTENT), digest) == "damaged"
    file.write_bytes(CONTENT[:-1])
    assert file_problem(file, len(CONTENT), "") == "damaged"
