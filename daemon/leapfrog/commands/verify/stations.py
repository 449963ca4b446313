"""The stations whose signatures can be checked here: this box, and those whose public keys lie in a folder.

stations/
  Kitgum.pem          as `leapfrog station key` prints it on that box; the name of the file is what it is called here
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leapfrog.errors import UsageError
from leapfrog.signed_summary.signing import key_id
from leapfrog.state.station.station_key import public_key_of, public_keys
from leapfrog.wording.verify_words import OLD_KEY, THIS_BOX

LARGEST_KEY_FILE_BYTES = 16 * 1024  # a PEM file with one key has a few hundred bytes


@dataclass(frozen=True)
class KnownStations:
    """Public keys (raw) and names, by the ids of the keys."""

    keys: Mapping[str, bytes]
    names: Mapping[str, str]

    def name(self, key: str) -> str:
        """What the station with this key is called here; "" if it is not known."""
        return self.names.get(key, "")


def known_stations(state_dir: Path, folder: Path | None) -> KnownStations:
    """This box's own keys, as far as this user may read them, and those in `folder`. Raises UsageError when `folder`
    cannot be read or a file in it is no public key: a key that is silently left out would make a sheet look foreign.
    """
    keys: dict[str, bytes] = {}
    names: dict[str, str] = {}
    for file in _pem_files(folder) if folder is not None else ():
        key = _key_in(file)
        keys[key_id(key)], names[key_id(key)] = key, file.stem
    for number, key in enumerate(public_keys(state_dir)):
        keys[key_id(key)], names[key_id(key)] = key, OLD_KEY if number else THIS_BOX
    return KnownStations(keys, names)


def _pem_files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".pem")
    except OSError as problem:
        raise UsageError(f"The folder {folder} cannot be read: {problem.strerror}.") from problem


def _key_in(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            key = public_key_of(stream.read(LARGEST_KEY_FILE_BYTES))
    except OSError as problem:
        raise UsageError(f"{file} cannot be read: {problem.strerror}.") from problem
    if key is None:
        raise UsageError(f"{file} is not the public key of a station, as `leapfrog station key` prints it.")
    return key
