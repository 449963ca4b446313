"""A backup is whole or refused, and writes nowhere but into the state directory."""

import io
import tarfile
from pathlib import Path

import pytest

from leapfrog.commands.backup.archive import ArchiveWriter, extract, verified
from leapfrog.errors import StorageError

WHEN = "2026-12-01T09:30:00+03:00"


def backup(folder: Path, **content: bytes) -> Path:
    path = folder / "box.backup"
    with ArchiveWriter(path) as archive:
        for number, (name, text) in enumerate(content.items()):
            source = folder / f"source-{number}"
            source.write_bytes(text)
            archive.add(f"spool/{name}", source)
        archive.finish(WHEN, "Test clinic", ("gone.dcm",))
    return path


def test_what_was_written_comes_out_again(tmp_path: Path) -> None:
    path = backup(tmp_path, a=b"first", b=b"x" * 3_000_000)
    manifest = verified(path)
    assert (manifest.station, manifest.created_at, manifest.forgotten) == ("Test clinic", WHEN, ("gone.dcm",))
    extract(path, tmp_path / "out")
    assert (tmp_path / "out" / "spool" / "b").read_bytes() == b"x" * 3_000_000
    assert sorted(found.name for found in (tmp_path / "out" / "spool").iterdir()) == ["a", "b"]


def test_station_key_and_journal_stay_private(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(b"key")
    with ArchiveWriter(tmp_path / "backup.tar") as archive:
        archive.add("station/key.pem", key)
        archive.add("journal.sqlite", key)
        archive.add("station/thresholds/chest-child.json", key)
        archive.finish("2026-11-29T10:00:00+00:00", "Test clinic", ())
    extract(tmp_path / "backup.tar", tmp_path / "out")
    assert (tmp_path / "out/station/key.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "out/journal.sqlite").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "out/station/thresholds/chest-child.json").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("kept", [0, 100, 512, 2000, -1500, -600])
def test_one_that_was_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    path = backup(tmp_path, a=b"first" * 500)
    content = path.read_bytes()
    end = content.index(b'{"leapfrog"') + 40 if kept < 0 else kept
    path.write_bytes(content[:end])
    with pytest.raises(StorageError, match=r"no backup of Leapfrog|not a whole one|is not whole|cannot be read"):
        verified(path)


def test_one_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = backup(tmp_path, a=b"first" * 500)
    content = bytearray(path.read_bytes())
    content[content.index(b"firstfirst") + 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(StorageError, match="1 of its files are not as they were written"):
        verified(path)


def test_any_other_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    for content in (b"", b"\0" * 132 + b"DICM", b"PK\3\4", b"\0" * 10_240):
        path.write_bytes(content)
        with pytest.raises(StorageError):
            verified(path)
    with pytest.raises(StorageError, match="cannot be read"):
        verified(tmp_path / "none")


@pytest.mark.parametrize(
    "name",
    ["../journal.sqlite", "/etc/passwd", "spool/../../x", "spool", "control.sock", "spool/./x", "models//x", "inbox/x"],
)
def test_nothing_is_written_elsewhere(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.backup"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(StorageError):
        verified(path)


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE):
        path = tmp_path / "evil.backup"
        with tarfile.open(path, "w") as tar:
            info = tarfile.TarInfo("spool/x")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        with pytest.raises(StorageError, match="no backup of Leapfrog"):
            verified(path)


def test_nothing_is_left_of_one_that_was_given_up(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), ArchiveWriter(tmp_path / "box.backup"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
