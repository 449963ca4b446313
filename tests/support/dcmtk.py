"""DCMTK's command-line programs as modalities."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

TIMEOUT_SECONDS = 120.0
LARGEST_PDU = "131072"


@dataclass(frozen=True)
class Outcome:
    """How a program ended. `text` is all that it printed."""

    exit_status: int
    text: str

    @property
    def succeeded(self) -> bool:
        """Whether the program itself says that all went well."""
        return self.exit_status == 0

    @property
    def statuses(self) -> list[str]:
        """The C-STORE statuses that it logged, in order, such as '0x0000: Success' or '0xa700: ...'."""
        marker = "Received Store Response ("
        return [line.split(marker, 1)[1].split(")")[0] for line in self.text.splitlines() if marker in line]

    @property
    def acknowledged(self) -> list[Path]:
        """The files that the far side answered with success, in order."""
        found, sending = [], None
        for line in self.text.splitlines():
            _, marker, name = line.partition("Sending file: ")
            if marker:
                sending = Path(name)
            elif "Received Store Response (Success)" in line and sending is not None:
                found.append(sending)
                sending = None
        return found


def dcmtk_program(name: str) -> str:
    """Where the program is; the test is skipped where DCMTK is not installed."""
    for folder in os.get_exec_path():
        found = shutil.which(name, path=folder)
        # pynetdicom brings scripts of the same names, which come first on the path where an environment is activated.
        if found is not None and not Path(found).read_bytes().startswith(b"#!"):
            return found
    pytest.skip(f"DCMTK's {name} is not installed")


def run_program(
    name: str, *arguments: str, timeout_seconds: float = TIMEOUT_SECONDS, behind: Sequence[str] = ()
) -> Outcome:
    """Run one of DCMTK's programs to its end, behind another command line if one is given."""
    done = subprocess.run(
        [*behind, dcmtk_program(name), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_seconds,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(errors="replace"))


def echo(port: int, *, called: str = "LEAPFROG", calling: str = "MODALITY") -> Outcome:
    """C-ECHO."""
    return run_program("echoscu", "-v", "-aec", called, "-aet", calling, "127.0.0.1", str(port))


def store(
    port: int,
    files: Sequence[Path],
    *options: str,
    called: str = "LEAPFROG",
    calling: str = "MODALITY",
    timeout_seconds: float = TIMEOUT_SECONDS,
    behind: Sequence[str] = (),
) -> Outcome:
    """C-STORE `files` with storescu over one association; `options` such as "-xs" propose a transfer syntax."""
    program, *arguments = store_arguments(port, files, *options, called=called, calling=calling)
    return run_program(program, *arguments, timeout_seconds=timeout_seconds, behind=behind)


def store_arguments(
    port: int, files: Sequence[Path], *options: str, called: str = "LEAPFROG", calling: str = "MODALITY"
) -> list[str]:
    """The command line of `store`, for a test that starts several at once or ends one in the middle."""
    return [
        dcmtk_program("storescu"), "-v", "-nh", "-pdu", LARGEST_PDU, "--max-send-pdu", LARGEST_PDU,
        "-aec", called, "-aet", calling, *options, "127.0.0.1", str(port), *map(str, files),
    ]  # fmt: skip


def send(port: int, files: Sequence[Path], *, called: str = "LEAPFROG", calling: str = "MODALITY") -> Outcome:
    """C-STORE `files` with dcmsend, which proposes for each file the transfer syntax that it has."""
    return run_program(
        "dcmsend", "-v", "-nh", "-nuc", "-pdu", LARGEST_PDU, "--max-send-pdu", LARGEST_PDU,
        "-aec", called, "-aet", calling, "127.0.0.1", str(port), *map(str, files),
    )  # fmt: skip
