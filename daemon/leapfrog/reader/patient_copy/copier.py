"""The program that writes the DICOM files of a patient's own copy: a child of `leapfrog export`, confined like a
reader, since what it reads is strangers'. It may die at any moment.

It takes one job at a time over the socket that it was started with, and answers it.
"""

import argparse
import socket
import sys
import tempfile
from contextlib import suppress

from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.processes.confinement import Rights
from leapfrog.processes.copy_messages import (
    COPY_JOB,
    CopyAnswer,
    CopySetup,
    DirectoryJob,
    PlaceJob,
    ReportObjectJob,
    WriteFailed,
)
from leapfrog.processes.messages import ReaderReady
from leapfrog.reader.patient_copy.directory import write_directory
from leapfrog.reader.patient_copy.medium_objects import place, place_report
from leapfrog.reader.startup import begin

NO_NUMBER = 5  # EIO, of an error that says no other


def answer_to(job: PlaceJob | ReportObjectJob | DirectoryJob) -> CopyAnswer:
    """Do `job`."""
    try:
        match job:
            case PlaceJob():
                return place(job)
            case ReportObjectJob():
                return place_report(job)
            case DirectoryJob():
                return write_directory(job)
    except OSError as problem:
        return WriteFailed(errno=problem.errno or NO_NUMBER)


def serve(channel: LineChannel) -> None:
    """Say that it is ready, then answer jobs until nobody asks any more."""
    with suppress(ChannelClosed):
        channel.send(ReaderReady().model_dump_json())
        while (line := channel.receive()) is not None:
            channel.send(answer_to(COPY_JOB.validate_json(line)).model_dump_json())


def main() -> int:
    """Serve over the open file descriptor --fd; returns the exit status."""
    parser = argparse.ArgumentParser(description="Writes the files of a patient's copy; `leapfrog export` starts it.")
    parser.add_argument("--fd", type=int, required=True, help="the command's file descriptor")
    parser.add_argument("--parent", type=int, required=True, help="the process that this one ends with")
    options = parser.parse_args()
    channel = LineChannel(socket.socket(fileno=options.fd))
    line = channel.receive()
    if line is None:
        return 1
    setup = CopySetup.model_validate_json(line)
    rights = Rights(
        readable=tuple(map(str, setup.readable)),
        writable=tuple(map(str, setup.writable)),
        scratch=(str(setup.scratch),),
    )
    tempfile.tempdir = str(setup.scratch)  # for pydicom's FileSet
    begin(options.parent, setup.memory_bytes, rights)
    serve(channel)
    channel.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
