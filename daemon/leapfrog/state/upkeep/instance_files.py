"""Compares the spool file of an instance with what the journal says of it, and notes in the journal what is found."""

import logging
import os
from pathlib import Path

from leapfrog.dicom.part10 import content_digest
from leapfrog.spool_file.checked import FileProblem, file_problem
from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.digest import digest_of
from leapfrog.spool_file.record import Arrival, content_holds, read_record
from leapfrog.state.spool import Spool
from leapfrog.state.spooled_files import SpooledFiles, SpooledInstance

_log = logging.getLogger(__name__)


class InstanceFiles:
    """The spool files of instances, looked at one by one."""

    def __init__(self, files: SpooledFiles, spool: Spool) -> None:
        """Nothing is looked at yet."""
        self._files = files
        self._spool = spool

    def look(self, file: SpooledInstance) -> FileProblem | None:
        """Read the file whole. What is wrong with it is noted in the journal, and returned; None if nothing is."""
        path = self._spool.path(file.spool_name)
        problem = self._take_digest(path, file) if not file.file_digest else self._compare(path, file)
        if problem != file.file_problem and self._files.note(file, problem):
            if problem:
                _log.error("The spool file of instance %s of exam %s is %s.", file.id, file.exam_number, problem)
            else:
                _log.info("The spool file of instance %s of exam %s is whole again.", file.id, file.exam_number)
        return problem

    def _compare(self, path: Path, file: SpooledInstance) -> FileProblem | None:
        problem = file_problem(path, file.byte_count, file.file_digest)
        return None if problem == "damaged" and self._is_repaired(path, file) else problem

    def _is_repaired(self, path: Path, file: SpooledInstance) -> bool:
        """Whether it was repaired, and the power was cut before the journal knew: then its own record is right."""
        try:
            record = read_record(path)
            if not isinstance(record, Arrival) or not content_holds(path, record):
                return False
            digest = content_digest(path, record.byte_count)
        except OSError:
            return False
        if file.is_picture or digest != file.dataset_sha256:
            return False
        return self._files.repaired(file.id, record.byte_count, record.digest, digest)

    def _take_digest(self, path: Path, file: SpooledInstance) -> FileProblem | None:
        """Take the digest of a file from a Leapfrog that took none, if nothing speaks against its being whole: its
        size, and where a reader has noted what it read, that.
        """
        try:
            if path.stat().st_size < file.byte_count:
                return "damaged"
            read = "" if file.is_picture else file.dataset_sha256
            if read and content_digest(path, file.byte_count) != read:
                return "damaged"
            with open_content(path, file.byte_count) as stream:
                self._files.take_digest(file, digest_of(stream))
        except FileNotFoundError:
            return "missing"
        except OSError:
            return "damaged"
        return None


def drop_from_cache(path: Path) -> None:
    """Let the kernel forget the bytes that were just read: it has better ones to keep."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
