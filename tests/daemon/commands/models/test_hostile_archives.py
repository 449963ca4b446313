"""Whatever a zip file states or holds, it is refused within limits, before anything is in the place of packages."""

import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from leapfrog.commands.models.source import opened_source
from leapfrog.errors import PackageError
from leapfrog.packages.plain_archive import MOST_ENTRIES
from support.tiny_models import write_classifier

from .test_source import zipped

MEGABYTE = 1024 * 1024
# Opens a package in little memory. A refusal is printed, everything else is an error.
OPEN = f"""
import resource, sys; from pathlib import Path
from leapfrog.commands.models.source import opened_source
from leapfrog.errors import PackageError
in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + {64 * MEGABYTE},) * 2)
target = Path(sys.argv[2]); target.mkdir()
try:
    with opened_source(Path(sys.argv[1])) as opened:
        opened.byte_count
        opened.copy_into(target)
except PackageError as refusal:
    print(refusal)
"""


def refusal_in_little_memory(source: Path, target: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(source), str(target)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def add(archive: Path, name: str, content: bytes = b"x", attributes: int = 0) -> None:
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as writer:
        member = zipfile.ZipInfo(name)
        member.compress_type = zipfile.ZIP_DEFLATED
        member.external_attr = attributes << 16
        writer.writestr(member, content)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return zipped(write_classifier(tmp_path), tmp_path / "package.zip")


@pytest.mark.parametrize("name", ["model.tflite", "quality.npz"])
def test_three_gigabytes_in_a_small_zip_are_refused_unread(tmp_path: Path, name: str) -> None:
    folder = write_classifier(tmp_path)
    if name != "model.tflite":
        with (folder / "model.toml").open("a") as manifest:
            manifest.write(f'"{name}" = "{"0" * 64}"\n')
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for file in folder.iterdir():
            writer.write(file, file.name)
    add_stating(archive, name, 3 * 1024**3)
    assert archive.stat().st_size < MEGABYTE
    assert "it is too large" in refusal_in_little_memory(archive, tmp_path / "copy")
    assert not list((tmp_path / "copy").iterdir())


def add_stating(archive: Path, name: str, byte_count: int) -> None:
    """Let `archive` state that the member `name`, which it may have or not, unpacks to so many bytes."""
    with zipfile.ZipFile(archive) as reader:
        contents = {member.filename: reader.read(member) for member in reader.infolist()}
    contents.setdefault(name, b"x")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for one, content in contents.items():
            writer.writestr(one, content)
        writer.getinfo(name).file_size = byte_count  # in the list of files, which counts


def test_a_manifest_that_unpacks_to_gigabytes_costs_no_memory(tmp_path: Path, archive: Path) -> None:
    add_stating(archive, "model.toml", 100 * MEGABYTE)
    assert "is too large" in refusal_in_little_memory(archive, tmp_path / "copy")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("model.toml", bytes(100 * MEGABYTE))
        writer.getinfo("model.toml").file_size = 1000  # so that it seems to be short
    assert "damaged zip file" in refusal_in_little_memory(archive, tmp_path / "another")


def test_a_list_of_files_that_is_longer_than_a_package_is_not_read(tmp_path: Path) -> None:
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as writer:
        for number in range(200):  # with names of 10 kB, so that the list alone has 2 MB
            writer.writestr(f"{number}{'x' * 10_000}", "x")
    with pytest.raises(PackageError, match="the list of its files is longer"), opened_source(many):
        pass


def test_more_files_than_a_package_has_are_refused(tmp_path: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as writer:
        for number in range(MOST_ENTRIES):
            writer.writestr(f"more/{number}", b"")
    with pytest.raises(PackageError, match=f"more than {MOST_ENTRIES} files"), opened_source(archive):
        pass
    folder = tmp_path / "full"
    folder.mkdir()
    for number in range(MOST_ENTRIES + 1):
        (folder / str(number)).touch()
    with pytest.raises(PackageError, match=f"more than {MOST_ENTRIES} files"), opened_source(folder):
        pass


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("card.md", stat.S_IFLNK, "a link or a device"),
        ("card.md", stat.S_IFIFO, "a link or a device"),
        ("card.md", stat.S_IFCHR, "a link or a device"),
        ("card.md", stat.S_IFBLK, "a link or a device"),
        ("more/", stat.S_IFLNK, "a link or a device"),
        ("C:card.md", 0, "leads outside"),
        ("/etc/passwd", 0, "leads outside"),
        ("more/../../card.md", 0, "leads outside"),
        ("model.tflite.", 0, "another name"),
        ("card.md ", 0, "another name"),
        ("more./card.md", 0, "another name"),
        ("\x1b[2Jcard.md", 0, "another name"),
        ("card\n.md", 0, "another name"),
        ("Model.tflite", 0, "two of its names for one"),
        ("MODEL.TOML", 0, "two of its names for one"),
        ("model.tflite", 0, "two of its names for one"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_and_kinds_that_no_package_has_are_refused(archive: Path, name: str, kind: int, said: str) -> None:
    add(archive, name, attributes=kind)
    with pytest.raises(PackageError, match=said) as refused, opened_source(archive):
        pass
    assert str(refused.value).isprintable()


def test_what_a_mac_puts_beside_the_files_is_no_obstacle(tmp_path: Path, archive: Path) -> None:
    add(archive, "__MACOSX/._model.toml")
    add(archive, ".DS_Store")
    with opened_source(archive) as opened:
        assert opened.byte_count > 0


def test_a_link_in_a_folder_is_not_followed(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    (folder / "model.tflite").rename(tmp_path / "elsewhere")
    (folder / "model.tflite").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "copy").mkdir()
    with pytest.raises(PackageError, match="not a plain file"), opened_source(folder) as opened:
        opened.copy_into(tmp_path / "copy")


def test_a_file_that_grows_while_it_is_copied_is_not_followed(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    (tmp_path / "copy").mkdir()
    with pytest.raises(PackageError, match=r"model\.tflite grew"), opened_source(folder) as opened:
        _ = opened.byte_count
        with (folder / "model.tflite").open("ab") as stream:
            stream.write(bytes(4 * MEGABYTE))
        opened.copy_into(tmp_path / "copy")
    assert not (tmp_path / "copy" / "model.tflite").exists()
