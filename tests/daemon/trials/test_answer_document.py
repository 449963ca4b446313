"""The program that examines documents of a district survives what they are, and can do nothing else."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from leapfrog.processes.command_lines import our_program
from leapfrog.processes.confinement import landlock_abi
from leapfrog.processes.trial import Trials
from support.radiologist import FINDING, encapsulated_pdf, file_of, node, pdf_pages, structured_report
from support.targets import targets

TESTS = str(Path(__file__).parents[2])
DEFLATED = b"1.2.840.10008.1.2.1.99"
ITEM = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"  # Content Sequence, and one item in it
END = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"


def printed(content: bytes) -> tuple[int, str]:
    """Exit status, and what it said."""
    end = Trials().run(our_program("leapfrog.trials.answer_document"), 60.0, content)
    assert end.how == "by itself", end
    return end.status, end.printed.decode()


def nested(levels: int) -> bytes:
    """A report whose content tree is so deep."""
    report = file_of(structured_report("1.2.3", "17", content=[node("TEXT", FINDING, "x")]))
    return report[: report.rfind(ITEM[:6])] + ITEM * levels + END * levels


def deflated(byte_count: int) -> bytes:
    """A report that says to be a few kB and unpacks to as many bytes."""
    whole = file_of(structured_report("1.2.3", "17"))
    head = whole[: whole.find(b"\x08\x00")]  # the file's head, up to its first element
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(byte_count >> 20)) + packer.flush()
    return head.replace(b"1.2.840.10008.1.2.1\0", DEFLATED) + bomb


def test_a_letter_comes_with_its_pages() -> None:
    status, said = printed(file_of(encapsulated_pdf("1.2.3", "17", pdf_pages("Clear."))))
    assert status == 0
    assert len(json.loads(said)["pages"]) == json.loads(said)["document"]["pages"] == 1


def test_a_tree_of_10_000_levels_is_refused() -> None:
    assert printed(nested(10_000)) == (1, "Its content is nested more deeply than any report is.")


@pytest.mark.slow
def test_what_unpacks_to_gigabytes_is_refused() -> None:
    status, said = printed(deflated(3 << 30))
    assert status == 1
    assert said in ("It needs more memory than it is allowed.", "It is no DICOM file, or a damaged one.")


@pytest.mark.skipif(landlock_abi() < 1, reason="this kernel has no Landlock")
def test_a_document_that_takes_it_over_reaches_nothing(tmp_path: Path) -> None:
    path = os.pathsep.join((TESTS, os.environ.get("PYTHONPATH", "")))
    with targets(tmp_path / "state") as environment:
        done = subprocess.run(
            [sys.executable, "-m", "support.taken_over_document", "--parent", str(os.getpid())],
            env={**os.environ, **environment, "PYTHONPATH": path}, input=b"", capture_output=True, check=True,
        )  # fmt: skip
    errors = json.loads(done.stdout)
    assert set(errors.values()) <= {"EPERM", "EACCES"}, errors
