"""Whether what a destination holds is the same image as an original here, in another transfer syntax. A child decodes
both: what comes from elsewhere is seen by no other process.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from leapfrog.dicom.part10 import Part10Source
from leapfrog.errors import StorageError
from leapfrog.lanes.recoding.child import RecoderChild
from leapfrog.processes.recoding_messages import Compared, CompareJob

LIMIT_SECONDS = 300.0  # for decoding both
CHUNK_BYTES = 1 << 20


class Comparisons:
    """Compares, one pair at a time. Any thread may ask; it waits for the answer."""

    def __init__(self, directory: Path, go_on: Callable[[], bool]) -> None:
        """The files are laid out in `directory`, best on the file system of the spool. When it is not to `go_on`, the
        comparison that runs is ended.
        """
        self._directory = directory
        self._go_on = go_on

    def same_image(self, ours: Part10Source, theirs: Path) -> bool:
        """Whether both are the same image. False also when that is not certain, such as when one cannot be decoded.
        Raises StorageError when the disk fails or is full.
        """
        child = RecoderChild(self._directory)
        try:
            one, other = child.given / "ours", child.given / "theirs"
            with one.open("wb") as stream:
                stream.write(ours.head)
                for chunk in ours.file_chunks(CHUNK_BYTES):
                    stream.write(chunk)
            shutil.copyfile(theirs, other)
            job = CompareJob(one=one, other=other, limit_seconds=LIMIT_SECONDS)
            byte_count = one.stat().st_size + other.stat().st_size
            answer = child.run(job, byte_count, go_on=self._go_on)
        except OSError as problem:
            raise StorageError(f"Two images cannot be compared on this disk: {problem.strerror}.") from problem
        finally:
            child.end()
        return isinstance(answer, Compared) and answer.same
