"""The child that writes the DICOM files of a copy, as the command sees it: started on demand, and started again after a
file that it died over.
"""

import socket
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from leapfrog.errors import LeapfrogError
from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.processes.child_process import ChildProcess
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.copy_messages import (
    COPY_ANSWER,
    CopyAnswer,
    CopySetup,
    DirectoryJob,
    PlaceJob,
    ReportObjectJob,
    WriteFailed,
)
from leapfrog.processes.messages import ReaderReady

PROGRAM = "leapfrog.reader.patient_copy.copier"
MEMORY_BYTES = 2 << 30  # of its address space, as of the program that re-encodes originals
START_SECONDS = 120.0
JOB_SECONDS = 300.0  # and more for a large file
BYTES_PER_SECOND = 50_000.0  # of a file that is decoded and written on a slow stick
PAIR_SECONDS = 1e-4  # pydicom compares each file with each other: 6 µs on a PC


class CopierChild:
    """One child at a time. For one thread, whose child it is."""

    def __init__(self, readable: Sequence[Path], writable: Sequence[Path], scratch: Path) -> None:
        """It may read the files `readable`, write in the folders `writable`, and do in `scratch` what it likes. Nothing
        is started before the first job.
        """
        self._setup = CopySetup(
            readable=tuple(readable), writable=tuple(writable), scratch=scratch, memory_bytes=MEMORY_BYTES
        )
        self._process: ChildProcess | None = None
        self._channel: LineChannel | None = None

    def run(self, job: PlaceJob | ReportObjectJob | DirectoryJob, byte_count: int = 0) -> CopyAnswer | None:
        """Have `job`, over a file of `byte_count` bytes, done; None if the child died over it or took too long. Raises
        OSError when the medium fails, LeapfrogError when no child can be started.
        """
        channel = self._started()
        answer: CopyAnswer | None = None
        try:
            channel.send(job.model_dump_json(), timeout_seconds=START_SECONDS)
            line = channel.receive(JOB_SECONDS + _more_seconds(job, byte_count))
            answer = COPY_ANSWER.validate_json(line) if line is not None else None
        except (ChannelClosed, ValidationError):
            pass
        if answer is None:
            self.end()
        if isinstance(answer, WriteFailed):
            raise OSError(answer.errno, "the file could not be written")
        return answer

    def _started(self) -> LineChannel:
        if self._channel is not None and self._process is not None and self._process.alive:
            return self._channel
        self.end()
        ours, theirs = socket.socketpair()
        try:
            self._channel = LineChannel(ours)
            command = our_program(PROGRAM, "--fd", str(theirs.fileno()))
            self._process = ChildProcess("copier", command, theirs, may_log=False)
            self._channel.send(self._setup.model_dump_json(), timeout_seconds=START_SECONDS)
            line = self._channel.receive(START_SECONDS)
            if line is not None and isinstance(COPY_ANSWER.validate_json(line), ReaderReady):
                return self._channel
            how = "late"
        except (ChannelClosed, ValidationError, OSError) as problem:
            how = str(problem)
        raise LeapfrogError(
            f"The program that writes the copy cannot be started ({how or self.end()}). `leapfrog doctor` may say why."
        )

    def end(self) -> str:
        """End it, if it runs. Returns how it ended."""
        if self._channel is not None:
            self._channel.close()
        how = self._process.end() if self._process is not None else "it was not started"
        self._process, self._channel = None, None
        return how


def _more_seconds(job: PlaceJob | ReportObjectJob | DirectoryJob, byte_count: int) -> float:
    """How much longer than others a job may take."""
    if isinstance(job, DirectoryJob):
        return len(job.files) ** 2 * PAIR_SECONDS
    return byte_count / BYTES_PER_SECOND
