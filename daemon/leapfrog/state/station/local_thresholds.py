"""The thresholds of this place as the box keeps them: one file a package, signed with the station's key.

    station/thresholds/chest-findings.json
        {"thresholds": [...]}                         one line of JSON
        3c1f... 8a07...                               the signature of that line, and the public key, in hexadecimal

A file whose signature does not hold, or that was made for another version of its package, counts for nothing, and the
box says so until somebody sets the thresholds again or undoes them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from leapfrog.durable import fsync_directory, write_durably
from leapfrog.errors import LeapfrogError, StorageError
from leapfrog.exam import Frozen
from leapfrog.packages.catalogue import Catalogue
from leapfrog.packages.local_threshold import LocalThreshold
from leapfrog.packages.local_thresholds import holds_for
from leapfrog.packages.package import ModelPackage
from leapfrog.problem import Problem
from leapfrog.state.station.station_key import (
    THRESHOLDS_NAME,
    make_station_folder,
    own_as,
    station_folder,
    station_key_file,
)
from leapfrog.state.station.station_signature import SignedHere, signature_line, signed_here
from leapfrog.wording.text import date_of
from leapfrog.wording.threshold_words import evaluate_again, in_films

PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
LARGEST_FILE_BYTES = 1024 * 1024
NOT_SIGNED: Mapping[SignedHere, str] = {
    "altered": "{file} was altered.",
    "no key": "the station key {key} is missing. Put it back from a backup, or set the thresholds again.",
    "another key": "the station key {key} is new, or {file} was signed by another box. Put the old key back from a"
    " backup, or set the thresholds again.",
}
RESTART = "Restart Leapfrog to use the change: systemctl restart leapfrog"


class _Kept(Frozen):
    """The content of a file."""

    thresholds: tuple[LocalThreshold, ...]


@dataclass(frozen=True)
class _Signed:
    """The thresholds whose signatures hold, and what is wrong with the other files."""

    thresholds: tuple[LocalThreshold, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class LocalThresholds:
    """Those that are in use, and what is wrong with the others."""

    in_use: tuple[LocalThreshold, ...] = ()
    problems: tuple[Problem, ...] = ()


def signed_thresholds(state_dir: Path) -> tuple[LocalThreshold, ...]:
    """Those whose signatures hold, whatever packages are here: each says for which very package it was set."""
    return _look_at(state_dir).thresholds


def local_thresholds(state_dir: Path, catalogue: Callable[[], Catalogue]) -> LocalThresholds:
    """The thresholds of this place that hold for the packages of `catalogue`, which is asked only if there are any."""
    signed = _look_at(state_dir)
    packages = catalogue() if signed.thresholds else Catalogue()
    in_use: list[LocalThreshold] = []
    problems = list(signed.problems)
    for one in signed.thresholds:
        package = packages.named(one.package)
        if package is not None and holds_for(one, package):
            in_use.append(one)
        else:
            problems.append(_not_used(one, package))
    return LocalThresholds(tuple(in_use), tuple(problems))


def kept_thresholds(state_dir: Path, package: str) -> tuple[LocalThreshold, ...]:
    """What the file of `package` holds, whatever version it is for; nothing if there is none.

    Raises StorageError when it cannot be read, was altered, or was not signed with the station key that is here now.
    """
    file = _file(state_dir, package)
    try:
        with file.open("rb") as stream:
            content, _, signature = stream.read(LARGEST_FILE_BYTES).partition(b"\n")
    except FileNotFoundError:
        return ()
    except OSError as problem:
        raise _refused(package, f"{file} cannot be read ({problem.strerror}).") from problem
    if (state := signed_here(state_dir, content, signature)) != "signed":
        raise _refused(package, NOT_SIGNED[state].format(file=file, key=station_key_file(state_dir)))
    try:
        thresholds = _Kept.model_validate_json(content).thresholds
    except ValidationError as problem:
        raise _refused(package, f"{file} is of another version of Leapfrog.") from problem
    if any(one.package != package for one in thresholds):
        raise _refused(package, f"{file} is of another package.")
    return thresholds


def keep_thresholds(state_dir: Path, package: str, thresholds: Sequence[LocalThreshold]) -> None:
    """Sign and keep the thresholds of `package` in the place of those that were kept; none removes the file.

    Raises StorageError when they cannot be written.
    """
    file = _file(state_dir, package)
    try:
        if not thresholds:
            file.unlink(missing_ok=True)
            fsync_directory(file.parent)
            return
        content = _Kept(thresholds=tuple(thresholds)).model_dump_json().encode()
        signature = signature_line(state_dir, content)
        make_station_folder(file.parent)
        write_durably(file, content + b"\n" + signature)
        own_as(file, state_dir)
    except OSError as problem:
        raise StorageError(
            f"The thresholds of {package} cannot be changed in {file}: {problem.strerror}. Run this as root or as the"
            " daemon's user."
        ) from problem


def has_thresholds(state_dir: Path, package: str) -> bool:
    """Whether thresholds of `package` are kept here, whether or not they are in use.

    Raises StorageError when nobody can tell.
    """
    return _file(state_dir, package) in _files(state_dir)


class ThresholdsAtStart:
    """What changed about the thresholds of this place since the daemon started, which uses those of its start."""

    def __init__(self, state_dir: Path, catalogue: Callable[[], Catalogue]) -> None:
        """Look at them."""
        self._state_dir = state_dir
        self._catalogue = catalogue
        self._at_start = local_thresholds(state_dir, catalogue).in_use
        self._known: tuple[object, LocalThresholds] | None = None

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with them now. Nothing is read while no file, no package and no key has changed."""
        try:
            files = _files(self._state_dir)
        except StorageError as problem:
            return (Problem(what=str(problem)),)
        if not files and not self._at_start:
            return ()
        now = self._look(files)
        if now.in_use == self._at_start:
            return now.problems
        changed = Problem(what="The thresholds of this place were changed after Leapfrog started.", remedy=RESTART)
        return (*now.problems, changed)

    def _look(self, files: Sequence[Path]) -> LocalThresholds:
        catalogue = self._catalogue()
        looked_at = (*files, station_key_file(self._state_dir))
        seen = ([(file, _fingerprint(file)) for file in looked_at], catalogue)
        if self._known is None or self._known[0] != seen:
            self._known = (seen, local_thresholds(self._state_dir, lambda: catalogue))
        return self._known[1]


def _look_at(state_dir: Path) -> _Signed:
    thresholds: list[LocalThreshold] = []
    problems: list[Problem] = []
    try:
        files = _files(state_dir)
    except StorageError as problem:
        return _Signed((), (Problem(what=str(problem)),))
    for file in files:
        try:
            thresholds += kept_thresholds(state_dir, file.stem)
        except LeapfrogError as problem:
            problems.append(Problem(what=str(problem), remedy=_remedy(file.stem)))
    return _Signed(tuple(thresholds), tuple(problems))


def _refused(package: str, reason: str) -> StorageError:
    return StorageError(f"The thresholds set here for {package} are not used: {reason}")


def _not_used(one: LocalThreshold, package: ModelPackage | None) -> Problem:
    """That it was not set for `package`, which is in use under its package's name now."""
    now = f"{package.title} is in use now" if package else f"there is no package {one.package} any more"
    same_version = package is not None and package.version == one.version
    changed = f"{now}, with other content" if same_version else now
    return Problem(what=f"{_named(one)} is not used: {changed}.", remedy=_remedy(one.package))


def _files(state_dir: Path) -> list[Path]:
    """The files of all packages. Raises StorageError when their folder cannot be listed."""
    folder = _folder(state_dir)
    try:
        found = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise StorageError(
            f"The thresholds of this place cannot be read: {folder} cannot be listed ({problem.strerror}). The daemon's"
            " user must be able to read it: put that right, or put the folder back from a backup, and restart Leapfrog:"
            " systemctl restart leapfrog. Commands are to be run as root or as that user."
        ) from problem
    return [path for path in found if path.suffix == ".json" and PACKAGE_NAME.fullmatch(path.stem)]


def _folder(state_dir: Path) -> Path:
    return station_folder(state_dir) / THRESHOLDS_NAME


def _file(state_dir: Path, package: str) -> Path:
    return _folder(state_dir) / f"{package}.json"


def _fingerprint(file: Path) -> tuple[int, ...]:
    """What changes when a file is written, replaced, or put back with its old date; () while there is none."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def _named(one: LocalThreshold) -> str:
    finding, package = in_films(one.finding, one.view), f"{one.package} {one.version}"
    return f"The threshold of {finding} that was set here on {date_of(one.set_at)} for {package}"


def _remedy(package: str) -> str:
    return (
        f"{evaluate_again(package)} and set it anew; or go back to the package's own thresholds:"
        f" `leapfrog models thresholds {package} --undo`."
    )
