"""The program that writes a patient's copy, which one kind of file kills: as native code dies over a damaged one."""

import os
import signal
import sys

from leapfrog.processes.copy_messages import CopyAnswer, PlaceJob
from leapfrog.reader.patient_copy import copier
from leapfrog.reader.patient_copy.medium_objects import place


def _dies(job: PlaceJob) -> CopyAnswer:
    if b"DEADLY" in job.source.read_bytes():
        os.kill(os.getpid(), signal.SIGSEGV)
    return place(job)


if __name__ == "__main__":
    setattr(copier, "place", _dies)  # noqa: B010 - as a file would
    sys.exit(copier.main())
