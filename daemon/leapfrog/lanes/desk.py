"""A reader's desk: the one folder that the kernel leaves to it, into which a lane puts each job and from which it takes
what was made.

A reader that a damaged picture has taken over is to see the exam in hand and nothing else, and Landlock's rules are
made once, before the first job. So a reader has rights to two folders only: `given`, where it may read, and `made`,
where it may also write. For each job the lane puts hard links of its files into `given`, which cost no copy; what lies
on another file system, or belongs to somebody else, is copied. When the job has ended, the lane moves what the result
names to where it belongs, and empties both folders. Pictures and reports are durable once the lane has moved them, all
at once; of the objects for the spool, the reader makes the contents durable before it answers, and the spool the names.

The names in a result come from the reader, so they are looked at: a plain name of a regular file, or the result counts
for nothing.
"""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from leapfrog.durable import TAKES_NO_MORE, fsync_together, replacing
from leapfrog.exam import ImageReading
from leapfrog.processes.messages import OtherInstance, ReadJob, ReadResult, ReportJob, ReportResult


class NotMade(Exception):
    """A result names something that is no file on the desk."""


class Desk:
    """The desk of one reader, for as long as it lives."""

    def __init__(self, directory: Path) -> None:
        """Make a new one in `directory`, best on the file system of the files that are read. Raises OSError."""
        self._path = Path(tempfile.mkdtemp(prefix="reader-", dir=directory))
        self.given = self._path / "given"
        self.made = self._path / "made"
        self._pictures = self.made / "pictures"  # and reports
        self._objects = self.made / "objects"
        for folder in (self.given, self._pictures, self._objects):
            folder.mkdir(parents=True)

    def lay_out(self, job: ReadJob | ReportJob) -> ReadJob | ReportJob:
        """The same job, with its files on the desk. What does not exist is left out, for the reader to notice. Raises
        OSError when the disk fails or is full.
        """
        out = {"report_dir": self._pictures, "work_dir": self._objects}
        if isinstance(job, ReportJob):
            for name in filter(_is_plain, {*_pictures(job.readings), *job.answers.pictures}):
                give(job.picture_dir / name, self.given / name)
            return job.model_copy(update={"picture_dir": self.given, **out})
        source = give(job.source_path, self.given / "source")
        others = tuple(self._other(other) for other in job.same_uid)
        return job.model_copy(update={"source_path": source, "same_uid": others, **out})

    def _other(self, other: OtherInstance) -> OtherInstance:
        return other.model_copy(update={"path": give(other.path, self.given / f"other-{other.instance_id}")})

    def take_in(self, job: ReadJob | ReportJob, result: ReadResult | ReportResult) -> None:
        """Move what `result` says was made for `job` to where the job wants it. What is in a report's folder is durable
        then. Raises NotMade, and OSError when the disk fails or is full.
        """
        if isinstance(result, ReadResult):
            names = _pictures([result.reading])
        else:  # its pictures were given
            names = {artefact.name for artefact in result.artefacts if not (self.given / artefact.name).exists()}
        pictures = [made_file(self._pictures, name) for name in sorted(names, key=_is_last)]
        objects = [made_file(self._objects, produced.name) for produced in result.produced]
        for path in objects:
            move(path, job.work_dir)
        for path in pictures:
            move(path, job.report_dir)
        # After the move, as for a file that arrives in the spool: no row names them yet, and one commit of the file
        # system is enough for contents and names.
        fsync_together([job.report_dir / path.name for path in pictures])

    def clear(self) -> None:
        """Leave nothing of a job to the next one."""
        for folder in (self.given, self._pictures, self._objects):
            # The reader has ended, and its desk with it; or the disk fails, which others notice.
            with suppress(OSError):
                for path in folder.iterdir():
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def remove(self) -> None:
        """Take it away; its reader has ended."""
        shutil.rmtree(self._path, ignore_errors=True)


def _pictures(readings: Iterable[ImageReading]) -> set[str]:
    """The names of the pictures of `readings`."""
    return {name for reading in readings for name in reading.pictures}


def _is_last(name: str) -> tuple[bool, str]:
    """The order in which files take their names: the JSON, by which a report is known to be there, last."""
    return name.endswith(".json"), name


def _is_plain(name: str) -> bool:
    """Whether it can only be the name of something in the very folder; it came from a reader."""
    return Path(name).name == name and name != ".." and "\0" not in name


def made_file(folder: Path, name: str) -> Path:
    """The file `name` in `folder`, of which a child says that it made it. Raises NotMade when it is none."""
    path = folder / name
    if not _is_plain(name) or not _is_file(path):
        raise NotMade("It named a file that it had not made.")
    return path


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def give(source: Path, place: Path) -> Path:
    """Put the file `source` where a child may read it, as `place`; nothing, where it does not exist. Raises OSError
    when the disk fails or is full.
    """
    try:
        os.link(source, place, follow_symlinks=False)
    except OSError as problem:  # another file system, one without links, somebody else's file; or it is not there
        if problem.errno in TAKES_NO_MORE:
            raise
        if _is_file(source):
            shutil.copyfile(source, place)
    return place


def move(path: Path, folder: Path) -> None:
    """Move `path` into `folder`, also on another file system. Raises OSError."""
    try:
        path.replace(folder / path.name)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        with path.open("rb") as made, replacing(folder / path.name) as copy:
            shutil.copyfileobj(made, copy)
