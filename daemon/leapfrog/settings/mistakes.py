"""What is wrong in a settings file, in sentences: each mistake with its key, its value and what is allowed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

MOST_MISTAKES = 50  # that are told of one file
LONGEST_SHOWN = 200  # letters of a value that is not allowed
# Keys of older settings files, and what took their place.
REPLACED_KEYS = {"report.print_to": 'Write a line [print] and below it printer = "NAME", with the name of the queue.'}

Location = tuple[str | int, ...]


def sentences(
    problem: ValidationError,
    model: type[BaseModel],
    listed: Mapping[str | int, type[BaseModel]],
    where: Callable[[Location], str] = lambda _location: "",
) -> list[str]:
    """A sentence for each mistake in a document for `model`. `listed` are the tables of which there may be several, by
    their key; `where` says in which file the key at a place is, "" where there is only one.
    """
    return [f"{_sentence(error, model, listed)}{where(error['loc'])}" for error in problem.errors()[:MOST_MISTAKES]]


def _sentence(error: Any, model: type[BaseModel], listed: Mapping[str | int, type[BaseModel]]) -> str:
    key = _key(error["loc"])
    if error["type"] == "extra_forbidden" and key in REPLACED_KEYS:
        return f"{key} is a setting no longer. {REPLACED_KEYS[key]}"
    if error["type"] == "extra_forbidden":
        return f"Unknown key {key}. {_known_keys(error['loc'], model, listed)}."
    if error["type"] == "missing":
        return f"{key} is missing."
    if error["type"] == "model_type":
        shown = _shown(error["input"])
        return f"{key} = {shown} is not allowed: it is a table, so write a line [{key}] and its keys below."
    if error["type"] == "value_error" and isinstance(error["input"], dict):  # of several keys, or of several tables
        told = f"{_table(key, error['input'])}{_reason(key, error)}."
        return told[0].upper() + told[1:] if not key else told
    reason = _reason(key, error)
    return f"{key} = {_shown(error['input'])} is not allowed: {reason[0].lower()}{reason[1:]}."


def _reason(key: str, error: Any) -> str:
    if error["type"] == "tuple_type":
        return _how_lists_are_written(key, error["input"])
    return str(error["msg"]).removeprefix("Value error, ")


def _how_lists_are_written(key: str, value: object) -> str:
    if isinstance(value, dict):
        return f"there may be several of these tables, so write [[{key}]], with two brackets on either side"
    return f'it is a list, so write ["{value}"]' if isinstance(value, str) else "it is a list, in [brackets]"


def _table(key: str, table: dict[str, object]) -> str:
    """In which table a mistake is; "" for the file as a whole."""
    name = table.get("name")
    named = f' ("{_shown(name)[1:-1]}")' if isinstance(name, str) else ""
    return f"{key}{named}: " if key else ""


def _shown(value: object) -> str:
    """As much of a value as is needed to find it in the file."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # keys of a thousand dots; a number of thousands of digits
        return "a value without end"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _key(location: Iterable[str | int]) -> str:
    key = ""
    for part in location:
        if isinstance(part, int):
            key += f"[{part}]"
        elif part.isidentifier():  # skips the names of union members, which pydantic adds and which are no identifiers
            key += f".{part}" if key else part
    return key


def _known_keys(location: Location, model: type[BaseModel], listed: Mapping[str | int, type[BaseModel]]) -> str:
    for part in location[:-1]:
        if part in listed:
            model = listed[part]
        elif isinstance(part, str):
            annotation = model.model_fields[part].annotation
            model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else model
    return "Known keys here: " + ", ".join(model.model_fields)
