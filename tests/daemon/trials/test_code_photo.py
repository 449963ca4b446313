"""The program that looks at photos reads codes, whatever the telephone, and can do nothing else."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
import segno
from PIL import Image

from leapfrog.processes.command_lines import our_program
from leapfrog.processes.confinement import landlock_abi
from leapfrog.processes.trial import Trials
from support.targets import targets

NO_PICTURE = (
    "It is no JPEG or PNG picture, or a damaged one. Take a photo of the sheet, or save the picture as JPEG or PNG."
)
TESTS = str(Path(__file__).parents[2])
TEXT = "LEAPFROG 1:EXAM K7-42F V1:" + "A7" * 120


def photo(kind: str = "JPEG", mode: str = "RGB", **values: object) -> bytes:
    """A code on gray, a third of the picture wide."""
    code = BytesIO()
    segno.make(TEXT, error="m", boost_error=False, micro=False).save(code, kind="png", scale=6, border=4)
    picture = Image.new(mode, (1200, 900), "gray")
    with Image.open(code) as drawn:
        picture.paste(drawn.convert(mode), (300, 200))
    content = BytesIO()
    picture.save(content, kind, **values)
    return content.getvalue()


def printed(content: bytes) -> tuple[int, str]:
    """Exit status, and what it said."""
    end = Trials().run(our_program("leapfrog.trials.code_photo"), 60.0, content)
    assert end.how == "by itself", end
    return end.status, end.printed.decode()


@pytest.mark.parametrize(
    "content",
    [photo(), photo("PNG", "RGBA"), photo("PNG", "L"), photo("MPO", save_all=True), photo("JPEG", quality=30)],
    ids=["JPEG", "PNG", "gray", "MPO", "poor"],
)
def test_it_reads_what_telephones_write(content: bytes) -> None:
    status, said = printed(content)
    assert (status, json.loads(said)) == (0, [TEXT])


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(20), photo("PNG")[:500], b"\xff\xd8\xff" + bytes(100)])
def test_what_is_no_picture_it_says_so(content: bytes) -> None:
    status, said = printed(content)
    assert (status, said) == (1, NO_PICTURE)


def test_a_picture_of_endless_size_is_not_unpacked() -> None:
    huge = bytearray(photo("PNG", "L"))
    huge[16:24] = (60_000).to_bytes(4) * 2  # IHDR
    status, said = printed(bytes(huge))
    assert status == 1
    assert said in ("It has more pixels than any camera makes.", NO_PICTURE)


@pytest.mark.skipif(landlock_abi() < 1, reason="this kernel has no Landlock")
def test_a_photo_that_takes_it_over_reaches_nothing(tmp_path: Path) -> None:
    path = os.pathsep.join((TESTS, os.environ.get("PYTHONPATH", "")))
    with targets(tmp_path / "state") as environment:
        done = subprocess.run(
            [sys.executable, "-m", "support.taken_over_photo", "--parent", str(os.getpid())],
            env={**os.environ, **environment, "PYTHONPATH": path}, input=b"", capture_output=True, check=True,
        )  # fmt: skip
    errors = json.loads(done.stdout)
    assert set(errors.values()) <= {"EPERM", "EACCES"}, errors
