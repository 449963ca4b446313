"""JSON that somebody signs: one way to write it, so that whoever checks has the very bytes that were signed, whatever
became of blanks and of the order of names on the way.
"""

import json
from typing import Any, NoReturn


def canonical(value: Any) -> bytes:
    """`value` as it is signed: names in order, no blanks, ASCII alone. Raises ValueError for what is no JSON, and for
    numbers that are not whole, which not everybody writes alike.
    """
    _require_plain(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def parsed(content: bytes) -> dict[str, Any]:
    """The object that `content` is. Raises ValueError for anything else, and for one that readers may understand in
    two ways: a name that is there twice, a number without a value.
    """
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_no_name_twice, parse_constant=_no_number)
    except RecursionError as problem:
        raise ValueError("it is nested too deeply") from problem
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value


def _require_plain(value: Any) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if not all(isinstance(name, str) for name in one):
                raise ValueError("a name is no text")
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
        elif one is not None and not isinstance(one, str | bool | int):
            raise ValueError(f"{type(one).__name__} is not written alike everywhere")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is there twice")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
