"""How long a job may take before its lane ends the program that works on it.

An image has the deadline of the settings. A report has it too, and with many images more: of 300 with everything that a
district wants, a report takes as long as reading them. A slow board that is busy with films needs thirty times what a
desktop computer does (6 s an image; 1 s an image for the longest step). It may take that long as long as it shows that
it goes on, so that a program that hangs does not keep the reports of others waiting for as long.
"""

from dataclasses import dataclass

from leapfrog.processes.messages import ReadJob, ReportJob

IMAGES_A_DEADLINE = 10  # so many images of a report may take one deadline
IMAGES_A_SILENCE = 60  # and so many one deadline without a sign of progress


@dataclass(frozen=True)
class TimeLimits:
    """`whole_seconds` for all of a job, and `silent_seconds` from one sign of progress to the next."""

    whole_seconds: float
    silent_seconds: float


def limits_of(job: ReadJob | ReportJob, deadline_seconds: float) -> TimeLimits:
    """Those of `job`, where an image has `deadline_seconds`."""
    if isinstance(job, ReadJob):
        return TimeLimits(deadline_seconds, deadline_seconds)
    images = len(job.readings)
    return TimeLimits(
        deadline_seconds * max(1.0, images / IMAGES_A_DEADLINE), deadline_seconds * max(1.0, images / IMAGES_A_SILENCE)
    )
