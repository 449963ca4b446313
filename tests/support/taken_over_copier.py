"""The program that writes a patient's copy, taken over by a file: it tries to take other patients' files along."""

import sys
from contextlib import suppress

from leapfrog.processes.copy_messages import CopyAnswer, PlaceJob
from leapfrog.reader.patient_copy import copier


def _taken_over(job: PlaceJob) -> CopyAnswer:
    for path in (job.source.parent / "of-another-patient", job.source.parent.parent / "journal.sqlite"):
        with suppress(OSError):
            job.place.with_name("STOLEN").write_bytes(path.read_bytes())
    for place in (job.place.parents[2] / "DICOMDIR", job.source):
        with suppress(OSError):
            place.write_bytes(b"mine")
    sys.exit(1)


if __name__ == "__main__":
    setattr(copier, "place", _taken_over)  # noqa: B010 - as a file would
    sys.exit(copier.main())
