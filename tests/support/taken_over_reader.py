"""A reader that its first image takes over: it tries what `attacks.py` lists, and answers with what came of it.

To the job LIE it answers that it made a picture which is something else.
"""

import json
import os
import sys

from leapfrog.exam import Identity, ImageHeader, ImageReading
from leapfrog.language.sentence import Sentence
from leapfrog.processes.messages import ReadJob, ReadResult
from leapfrog.reader import reader
from support.attacks import OF_A_READER, TARGETS, try_all

LIE = "lie"


def _taken_over(_reader: reader.Reader, job: ReadJob) -> ReadResult:
    own = {**json.loads(os.environ[TARGETS]), "own": str(job.report_dir)}
    os.environ[TARGETS] = json.dumps(own)
    reading = ImageReading(
        instance_id=job.instance_id,
        sop_instance_uid="",
        source=job.source,
        identity=Identity(),
        header=ImageHeader(),
        outcome="not_assessed",
        reason=Sentence(json.dumps(try_all(OF_A_READER))),
        plain="../../given/source" if job.instance_id == LIE else None,
    )
    return ReadResult(instance_id=job.instance_id, state="set_aside", reading=reading)


if __name__ == "__main__":
    reader.Reader._read = _taken_over  # type: ignore[assignment, method-assign]
    sys.exit(reader.main())
