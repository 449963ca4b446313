"""The arrays of a check in front: whatever `quality.npz` states or unpacks to, it fills no reader's memory."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from leapfrog.errors import PackageError
from leapfrog.packages.package import SHIPPED_PACKAGES
from leapfrog.reader.assess.check_in_front import arrays
from leapfrog.reader.assess.check_in_front.arrays import LARGEST_ARRAYS_BYTES, MOST_ARRAYS, read_arrays
from leapfrog.reader.assess.check_in_front.checks import load_check

MEGABYTE = 1024 * 1024
SHAPE = (224, 224)
OPEN = f"""
import resource, sys; from pathlib import Path
from leapfrog.errors import PackageError
from leapfrog.reader.assess.check_in_front.checks import load_check
in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + {192 * MEGABYTE},) * 2)
for file in map(Path, sys.argv[1:]):
    try:
        load_check(file, {SHAPE})
    except PackageError as refusal:
        print(refusal)
"""


def header(shape: str, kind: str = "<f4", more: str = "") -> bytes:
    """The beginning of a `.npy` file (NEP 1)."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, {more}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def packed(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("file", sorted(SHIPPED_PACKAGES.glob("*/quality.npz")), ids=lambda file: file.parent.name)
def test_those_that_ship_read_as_numpy_reads_them(file: Path) -> None:
    with np.load(file) as archive:
        expected = {name: archive[name] for name in archive.files}
    found = read_arrays(file)
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_bombs_are_refused_in_little_memory(tmp_path: Path) -> None:
    beginning = header(f"({1024 * MEGABYTE},)")
    zeros = packed(tmp_path / "zeros.npz", limit=beginning + bytes(100 * MEGABYTE))
    several = packed(tmp_path / "several.npz", **{f"a{n}": header("(4000000,)") + bytes(16_000_000) for n in range(5)})
    stated = packed(tmp_path / "stated.npz", limit=beginning)
    understated = packed(tmp_path / "understated.npz", limit=header(f"({25 * MEGABYTE},)") + bytes(100 * MEGABYTE))
    with zipfile.ZipFile(understated, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("limit.npy", header(f"({25 * MEGABYTE},)") + bytes(100 * MEGABYTE))
        archive.getinfo("limit.npy").file_size = 1000
    files = [zeros, several, stated, understated]
    done = subprocess.run(
        [sys.executable, "-c", OPEN, *map(str, files)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert [line.split(" ")[0] for line in said] == [file.name for file in files]
    unpacks = f"it unpacks to more than {LARGEST_ARRAYS_BYTES} bytes"
    for line, reason in zip(said, [unpacks, unpacks, "not of the size that it states", ""], strict=True):
        assert reason in line


ODD = {
    "an object, which would be run": header("(1,)", "|O") + b"cos\nsystem\n(S'false'\ntR.",
    "a negative size": header("(-1, -4)") + bytes(16),
    "elements of no bytes": header(f"({10**15},)", "<U0"),
    "a size that overflows": header(f"({2**40}, {2**40})"),
    "brackets without end": header("(" * 30_000 + ")" * 30_000),
    "many brackets": header("(" * 400 + ")" * 400),
    "a type without end": header("(1,)", "<f4", "'more': " + "[" * 5000),
    "another version": b"\x93NUMPY\x03\x00" + bytes(4),
    "no array": b"no array",
    "nothing": b"",
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_an_array_that_is_none_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PackageError, match="cannot be used"):
        load_check(packed(tmp_path / "quality.npz", limit=content), SHAPE)


def test_too_many_arrays_and_too_large_a_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = io.BytesIO()
    np.save(one, np.zeros(1, np.float32))
    many = packed(tmp_path / "many.npz", **{f"a{number}": one.getvalue() for number in range(MOST_ARRAYS + 1)})
    with pytest.raises(PackageError, match=f"more than {MOST_ARRAYS} arrays"):
        load_check(many, SHAPE)
    monkeypatch.setattr(arrays, "LARGEST_FILE_BYTES", many.stat().st_size - 1)
    with pytest.raises(PackageError, match="it has more than"):
        load_check(many, SHAPE)
