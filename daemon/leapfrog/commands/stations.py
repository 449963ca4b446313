"""The stations whose signatures can be checked here: this box, and those whose public keys lie in a folder.

stations/
  Kitgum.pem          as `leapfrog station key` prints it on that box; the name of the file is what it is called here
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leapfrog.errors import UsageError
from leapfrog.plain_file import NotPlain, content_of
from leapfrog.signed_summary.signing import key_id
from leapfrog.state.station.station_key import public_key_of, public_keys
from leapfrog.wording.text import clean
from leapfrog.wording.verify_words import OLD_KEY, THIS_BOX

LARGEST_KEY_FILE_BYTES = 16 * 1024  # a PEM file with one key has a few hundred bytes
RESERVED = "this box"  # how a name begins that nobody else may have


@dataclass(frozen=True)
class KnownStations:
    """Public keys (raw) and names, by the ids of the keys."""

    keys: Mapping[str, bytes]
    names: Mapping[str, str]

    def name(self, key: str) -> str:
        """What the station with this key is called here; "" if it is not known."""
        return self.names.get(key, "")


def known_stations(state_dir: Path | None, folder: Path | None) -> KnownStations:
    """This box's own keys, as far as this user may read them, and those in `folder`. A district's server, which is no
    box, has no `state_dir`.

    Raises UsageError when `folder` cannot be read, when a file in it is no public key (a key that is silently left out
    would make a sheet look foreign), and when it leaves open who signed: two keys of one name, two names of one key.
    """
    keys: dict[str, bytes] = {}
    names: dict[str, str] = {}
    files: dict[str, Path] = {}
    for file in _key_files(folder) if folder is not None else ():
        key, name = _key_in(file), _plain(file.stem)
        if not name or name.startswith(RESERVED):
            raise UsageError(f"{file} has a name that only the box in front of you has here. Rename the file.")
        if (other := files.get(name)) is not None:
            raise UsageError(f"{other} and {file} have the same name. Keep the one with the key of that station.")
        if key_id(key) in keys:
            raise UsageError(f"{files[_plain(names[key_id(key)])]} and {file} have the same key. Keep one of them.")
        files[name], keys[key_id(key)], names[key_id(key)] = file, key, clean(file.stem)
    for number, key in enumerate(public_keys(state_dir) if state_dir is not None else ()):
        keys[key_id(key)], names[key_id(key)] = key, OLD_KEY if number else THIS_BOX
    return KnownStations(keys, names)


def _key_files(folder: Path) -> list[Path]:
    try:
        files = sorted(folder.iterdir())
    except OSError as problem:
        raise UsageError(f"The folder {folder} cannot be read: {problem.strerror}.") from problem
    for other in (one for one in files if not _is_pem(one)):
        if _holds_a_key(other):
            raise UsageError(f"{other} holds a public key, and its name does not end in .pem. Rename the file.")
    return [one for one in files if _is_pem(one)]


def _is_pem(file: Path) -> bool:
    return file.suffix.lower() == ".pem"


def _holds_a_key(file: Path) -> bool:
    try:
        return public_key_of(content_of(file, LARGEST_KEY_FILE_BYTES)) is not None
    except (NotPlain, OSError):  # a folder, or somebody's notes
        return False


def _plain(name: str) -> str:
    """A name without what nobody sees: case, width of letters, blanks, letters that only format."""
    visible = "".join(letter for letter in name if unicodedata.category(letter) not in ("Cf", "Cc"))
    return " ".join(unicodedata.normalize("NFKC", visible).casefold().split())


def _key_in(file: Path) -> bytes:
    try:
        key = public_key_of(content_of(file, LARGEST_KEY_FILE_BYTES))
    except OSError as problem:
        raise UsageError(f"{file} cannot be read: {problem.strerror}.") from problem
    except NotPlain:
        key = None
    if key is None:
        raise UsageError(f"{file} is not the public key of a station, as `leapfrog station key` prints it.")
    return key
