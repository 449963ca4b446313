"""What needs attention at the box, as its district is told of it: without anything that names an exam, a machine, a
file or a folder. Those who look at fifty boxes need to know what is wrong at one; which exam it is, the box says.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from leapfrog.exam_number import is_exam_number
from leapfrog.fleet.box_state import Attention
from leapfrog.problem import Problem
from leapfrog.settings import Settings

MOST_TOLD = 50
LONGEST = 500  # characters of a sentence
LEFT_OUT = "…"

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
EXAMS = re.compile(r" \(exams? [^()]*\)")  # as `exams_in_brackets` writes them
QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”")  # what a machine calls itself, and the like
BELOW = re.compile(rf"{LEFT_OUT}/[^\s,;:()]*")  # a folder that was left out, and what is in it
PATH = re.compile(r"(?<![\w/:.])/[^\s/][^\s,;:()\"']*")
WORD = re.compile(r"[0-9A-Za-z]{2}-[0-9A-Za-z]{3,7}(?![0-9A-Za-z-])")


def told_problems(problems: Iterable[Problem], settings: Settings) -> tuple[Attention, ...]:
    """At most 50 of `problems`, each once: those that cannot wait, then the first ones."""
    folders = _folders(settings)
    printer = re.compile(rf"(?<!\w){re.escape(settings.print.printer)}(?!\w)") if settings.print.printer else None
    told: dict[str, Attention] = {}
    for problem in sorted(problems, key=lambda one: not one.cannot_wait):
        what = _without_names(printer.sub(LEFT_OUT, problem.what) if printer else problem.what, problem.names, folders)
        if what and what not in told and len(told) < MOST_TOLD:
            told[what] = Attention(what=what, since=moment_of(problem.since), cannot_wait=problem.cannot_wait)
    return tuple(told.values())


def _without_names(what: str, names: Sequence[str], folders: Sequence[str]) -> str:
    text = CONTROL.sub(" ", what)
    for name in filter(None, (*names, *folders)):
        text = text.replace(name, LEFT_OUT)
    text = EXAMS.sub("", text)
    text = QUOTED.sub(LEFT_OUT, text)
    text = BELOW.sub(LEFT_OUT, text)
    text = PATH.sub(LEFT_OUT, text)
    text = WORD.sub(lambda match: LEFT_OUT if is_exam_number(match[0]) else match[0], text)
    text = text.strip()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}{LEFT_OUT}"


def _folders(settings: Settings) -> list[str]:
    """All paths that the settings name, the longest first: one may lie within another, and have blanks in it."""
    return sorted({str(path) for path in _paths(settings) if str(path) != "/"}, key=len, reverse=True)


def _paths(value: object) -> Iterator[Path]:
    if isinstance(value, Settings):
        yield from (value.state_dir, value.reports_dir, *value.inbox_dirs)
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _paths(one)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _paths(getattr(value, name))


def moment_of(text: str | None) -> datetime | None:
    """Local ISO text as a moment; None where it is none."""
    try:
        return datetime.fromisoformat(text).astimezone() if text else None
    except (ValueError, OverflowError):
        return None
