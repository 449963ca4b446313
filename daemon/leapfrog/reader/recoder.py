"""The program that re-encodes originals for the way out: a child process of its own, which has the processor and the
disk only while nobody else wants them, and is confined like a reader. It may die at any moment.

It takes one job at a time over the socket that it was started with, and answers it.
"""

import argparse
import os
import socket
import sys
from contextlib import suppress

from leapfrog.dicom.uids import EXPLICIT_LITTLE_ENDIAN, JPEG_LS_LOSSLESS
from leapfrog.durable import TAKES_NO_MORE, fsync_directory, yield_disk_to_others
from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.processes.confinement import Rights
from leapfrog.processes.messages import DiskRefusal, ReaderReady
from leapfrog.processes.recoding_messages import (
    RECODER_JOB,
    Compared,
    CompareJob,
    GoesAsItCame,
    Recoded,
    RecodeJob,
    RecoderAnswer,
)
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.originals.recoding.compression import compress
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.originals.recoding.uncompression import uncompress
from leapfrog.reader.originals.same_image import is_same_image
from leapfrog.reader.startup import begin
from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.digest import digest_of
from leapfrog.spool_file.record import Reencoding, append_record

IS_DAMAGED = "Its spool file is missing or damaged."
UNKNOWN_TARGET = "This box writes no originals in that transfer syntax."


def answer_to(job: RecodeJob | CompareJob) -> RecoderAnswer:
    """Do `job`. Raises OSError when the disk fails."""
    try:
        if isinstance(job, CompareJob):
            one, other = open_dicom_file(job.one), open_dicom_file(job.other)
            return Compared(same=is_same_image(one, other, job.limit_seconds))
        return _recoded(job)
    except AsItCame as refusal:
        return GoesAsItCame(reason=str(refusal))
    except FileNotFoundError:
        return GoesAsItCame(reason=IS_DAMAGED)
    except OSError as problem:
        if problem.errno not in TAKES_NO_MORE:
            raise
        return DiskRefusal(detail=problem.strerror or "the disk takes no more")


def _recoded(job: RecodeJob) -> Recoded:
    target = job.work_dir / job.name
    with (
        open_content(job.source_path, job.source_byte_count, may_wait=True) as source,
        target.open("w+b") as out,
    ):
        if job.source_digest and digest_of(source, job.source_digest) != job.source_digest:
            raise AsItCame(IS_DAMAGED)
        match job.transfer_syntax_uid:
            case syntax if syntax == JPEG_LS_LOSSLESS:
                compress(source, out)
            case syntax if syntax == EXPLICIT_LITTLE_ENDIAN:
                uncompress(job.source_path, job.source_byte_count, source, out)
            case _:
                raise AsItCame(UNKNOWN_TARGET)
        digest = digest_of(out)
        byte_count = out.seek(0, os.SEEK_END)
        append_record(
            out,
            Reencoding(
                sop_instance_uid=job.sop_instance_uid,
                transfer_syntax_uid=job.transfer_syntax_uid,
                byte_count=byte_count,
                digest=digest,
            ),
        )
        out.flush()
        os.fsync(out.fileno())
    fsync_directory(job.work_dir)
    return Recoded(byte_count=byte_count, digest=digest)


def serve(channel: LineChannel) -> None:
    """Say that it is ready, then answer jobs until nobody asks any more."""
    with suppress(ChannelClosed):
        channel.send(ReaderReady().model_dump_json())
        while (line := channel.receive()) is not None:
            channel.send(answer_to(RECODER_JOB.validate_json(line)).model_dump_json())


def main() -> int:
    """Serve over the open file descriptor --fd; returns the exit status."""
    parser = argparse.ArgumentParser(description="Leapfrog's program that re-encodes originals; the daemon starts it.")
    parser.add_argument("--fd", type=int, required=True, help="the daemon's file descriptor")
    parser.add_argument("--parent", type=int, required=True, help="the process that this one ends with")
    parser.add_argument("--given", required=True, help="the folder from which it may read")
    parser.add_argument("--made", required=True, help="the folder in which it may write")
    parser.add_argument("--memory", type=int, required=True, help="bytes of its address space")
    options = parser.parse_args()
    with suppress(OSError):  # where that is not allowed, it still is as nice as a reader
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # the processor only while nobody else wants it
    yield_disk_to_others()
    begin(options.parent, options.memory, Rights(readable=(options.given,), writable=(options.made,)))
    channel = LineChannel(socket.socket(fileno=options.fd))
    serve(channel)
    channel.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
