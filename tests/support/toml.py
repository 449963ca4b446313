"""Writes settings files, which the standard library only reads."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path


def toml_document(
    sections: Mapping[str, Mapping[str, object]], arrays: Mapping[str, Sequence[Mapping[str, object]]] | None = None
) -> str:
    """The tables of a settings file, and behind them those that may be there several times."""
    several = [f"[[{name}]]\n{_lines(table)}" for name, tables in (arrays or {}).items() for table in tables]
    return "\n".join([*(f"[{name}]\n{_lines(table)}" for name, table in sections.items()), *several])


def toml_value(value: object) -> str:
    """Nearly every value is written the same in JSON and TOML; tables, and paths, are not."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml_value(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(entry) for entry in value) + "]"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _lines(table: Mapping[str, object]) -> str:
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in table.items())
