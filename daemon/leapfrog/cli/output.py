"""How a command shows what it found: as JSON for programs, as lines for people."""

import json
import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from leapfrog.wording.text import harmless

STEERS_A_TERMINAL = re.compile(
    r"[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)  # what JSON leaves as it is


class _HarmlessConsole(Console):
    """Shows text from outside as text: rich itself would hand escape sequences on to the terminal."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(harmless(text), **options)


SCREEN = _HarmlessConsole(markup=False, highlight=False)


def screen_unless(as_json: bool) -> Console | None:
    """Where progress is shown; nowhere when a program reads what the command prints."""
    return None if as_json else SCREEN


def print_json(value: Any) -> None:
    """Print `value` as JSON, with nothing in it that a terminal would obey."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print(STEERS_A_TERMINAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))  # noqa: T201


def show(value: Any, as_json: bool, lines: Iterable[str | Table], *, unwrapped: bool = False) -> None:
    """Print `value` as JSON for programs, or `lines` for people; `unwrapped` lines stay whole on a narrow screen."""
    if as_json:
        print_json(value)
        return
    for line in lines:
        SCREEN.print(line, soft_wrap=unwrapped)
