"""The folders in which readers draw and render: one a study, in the state directory.

From here a report is published in the folder that staff open, whenever that folder's disk allows, and from here a new
version takes the pictures of images that were read earlier. They stay as long as their study does: beside the originals
in the spool they are a few per cent, and nothing where hard links publish them.
"""

import re
import shutil
import threading
from contextlib import suppress
from pathlib import Path

from leapfrog.durable import fsync_directory
from leapfrog.errors import StorageError

RENDERED_NAME = "rendered"  # in the state directory
VERSIONED_NAME = re.compile(r"report-(\d+)\.(html|json|pdf)")
SHEET_NAME = re.compile(r"print-[0-9a-f]+\.pdf")  # what is printed, until it is


class Rendered:
    """The rendered reports of all studies, a folder each, named by the study's key."""

    def __init__(self, directory: Path) -> None:
        """Create the directory if it is missing. Raises StorageError when that fails."""
        self.directory = directory
        self._syncing = threading.Lock()  # guards the one below, and is held while it comes true
        self._has_new_names = False
        try:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as problem:
            raise StorageError(f"The folder {directory} cannot be created: {problem.strerror}.") from problem

    def path(self, study_key: str) -> Path:
        """Where the folder of a study is, or would be."""
        return self.directory / study_key

    def folder(self, study_key: str) -> Path:
        """The folder of a study, which is created if it is missing; its name is durable after `sync_names`. Raises
        StorageError when that fails.
        """
        path = self.path(study_key)
        try:
            path.mkdir(mode=0o750)
        except FileExistsError:
            return path
        except OSError as problem:
            raise StorageError(f"The folder {path} cannot be created: {problem.strerror}.") from problem
        with self._syncing:
            self._has_new_names = True
        return path

    def sync_names(self) -> None:
        """Make the names of all folders durable, before the journal speaks of what is in one. Raises StorageError."""
        with self._syncing:
            if self._has_new_names:
                try:
                    fsync_directory(self.directory)
                except OSError as problem:
                    raise StorageError(f"The disk of {self.directory} failed: {problem.strerror}.") from problem
                self._has_new_names = False

    def prune(self, study_key: str, version: int) -> None:
        """Remove the reports of a study older than `version`, a PDF too: nobody is shown one of before."""
        path = self.path(study_key)
        for match in _versioned(path):
            if int(match[1]) < version:
                with suppress(OSError):  # then it goes with the next version
                    (path / match[0]).unlink()

    def clear_version(self, study_key: str, version: int) -> None:
        """Remove what an attempt at this version of a study's report left that came to nothing: a PDF of it would be
        taken for one of the next attempt. Raises OSError.
        """
        path = self.path(study_key)
        for match in _versioned(path):
            if int(match[1]) == version:
                (path / match[0]).unlink(missing_ok=True)

    def has_pdf(self, study_key: str, version: int) -> bool:
        """Whether this version of a study's report was rendered as a PDF too: not every version is."""
        return (self.path(study_key) / f"report-{version}.pdf").is_file()

    def sheet(self, study_key: str, print_id: str) -> Path:
        """Where the sheet of a print is, or would be."""
        return self.path(study_key) / sheet_name(print_id)

    def remove_sheet(self, study_key: str, print_id: str) -> None:
        """Remove the sheet of a print, if there is one: it is not needed any more."""
        with suppress(OSError):  # then it goes with its study
            self.sheet(study_key, print_id).unlink()

    def remove(self, study_key: str) -> None:
        """Remove a study's folder, if there is one."""
        shutil.rmtree(self.path(study_key), ignore_errors=True)


def sheet_name(print_id: str) -> str:
    """The name of a sheet that is to be printed, in its study's folder."""
    return f"print-{print_id}.pdf"


def versions(folder: Path, kind: str) -> list[int]:
    """The versions of which `folder` has a report of that kind: html, json or pdf. The newest comes first. Raises
    OSError when the folder cannot be read.
    """
    return sorted((int(match[1]) for match in _versioned(folder) if match[2] == kind), reverse=True)


def _versioned(folder: Path) -> list[re.Match[str]]:
    try:
        matches = [VERSIONED_NAME.fullmatch(path.name) for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return [match for match in matches if match]
