"""Settings that come from several files: each is laid over those before it, key by key.

A list is one value, and so is a list of tables such as `[[destination]]`: the last file that has it has all of it.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from leapfrog.errors import SettingsError

LARGEST_FILE_BYTES = 4 * 1024 * 1024  # the longest that anybody will write has a hundredth of it


@dataclass(frozen=True)
class Layer:
    """The content of one settings file, and how people know that file."""

    name: str
    document: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_file(cls, file: Path, name: str = "", what: str = "The settings file") -> Self:
        """The TOML in `file`. Raises SettingsError, naming the file, when there is none."""
        try:
            with file.open("rb") as stream:
                content = stream.read(LARGEST_FILE_BYTES + 1)
        except OSError as problem:
            raise SettingsError(f"{what} {file} cannot be read: {problem.strerror}.") from problem
        if len(content) > LARGEST_FILE_BYTES:
            raise SettingsError(f"{what} {file} is no settings file: it has more than {LARGEST_FILE_BYTES} bytes.")
        return cls(name or file.name, document_of(content, f"{what} {file}"))

    def entries(self) -> Iterator[tuple[str, str]]:
        """Section and key of each value; the key is "" for what is no table."""
        for section, table in self.document.items():
            if isinstance(table, Mapping):
                yield from ((section, key) for key in table)
            else:
                yield section, ""

    def has(self, section: str, key: str = "") -> bool:
        """Whether this file has that key; without `key`, anything of that section."""
        table = self.document.get(section)
        return section in self.document and (not key or not isinstance(table, Mapping) or key in table)


def document_of(content: bytes, what: str) -> dict[str, Any]:
    """The TOML in `content`. Raises SettingsError, naming `what`, when it is none."""
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as problem:
        raise SettingsError(f"{what} is not UTF-8 text. Save it as UTF-8.") from problem
    except (ValueError, RecursionError) as problem:  # TOMLDecodeError, and what numbers of 5,000 digits raise
        raise SettingsError(f"{what} is not valid TOML: {problem}.") from problem


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """All of them in one document, the last over the others."""
    document: dict[str, Any] = {}
    for layer in layers:
        for section, table in layer.document.items():
            below = document.get(section)
            if isinstance(table, Mapping):
                document[section] = {**(below if isinstance(below, Mapping) else {}), **table}
            else:
                document[section] = table
    return document


def origin(layers: Sequence[Layer], section: str, key: str = "") -> str:
    """From which file that value comes; for a whole section, from which files; "" if none has it."""
    having = [layer.name for layer in layers if layer.has(section, key)]
    return " and ".join(having) if not key else having[-1] if having else ""
