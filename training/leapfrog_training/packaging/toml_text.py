"""Writing TOML: the few kinds of values that `model.toml` holds."""

import json
from collections.abc import Mapping, Sequence

Value = str | bool | int | float | Sequence["Value"] | Mapping[str, "Value"]


def toml_text(document: Mapping[str, Value]) -> str:
    """The document as TOML: plain values first, then tables, then arrays of tables, in the order given.

    Tables within an array of tables are written inline. Raises TypeError for a value that TOML has no form for.
    """
    return "\n".join(_table(document, path=())).lstrip("\n") + "\n"


def _table(table: Mapping[str, Value], path: tuple[str, ...]) -> list[str]:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if _is_plain(value)]
    for key, value in table.items():
        inner = (*path, key)
        if isinstance(value, Mapping):
            lines += ["", f"[{_dotted(inner)}]", *_table(value, inner)]
        elif not _is_plain(value) and isinstance(value, Sequence):
            for entry in value:
                lines += ["", f"[[{_dotted(inner)}]]"]
                lines += [f"{_key(name)} = {_value(item)}" for name, item in _mapping(entry).items()]
    return lines


def _is_plain(value: Value) -> bool:
    if isinstance(value, Mapping):
        return False
    return isinstance(value, str) or not isinstance(value, Sequence) or not any(isinstance(v, Mapping) for v in value)


def _value(value: Value) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_value, value)) + "]"
    raise TypeError(f"TOML has no form for {value!r}")


def _mapping(entry: Value) -> Mapping[str, Value]:
    if not isinstance(entry, Mapping):
        raise TypeError(f"an array mixes tables with {entry!r}")
    return entry


def _dotted(path: Sequence[str]) -> str:
    return ".".join(map(_key, path))


def _key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else json.dumps(name, ensure_ascii=False)
