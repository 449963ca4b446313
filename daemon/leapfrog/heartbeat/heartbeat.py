"""Tiny pages beside the big ones, which an open page frames for a moment, again and again, to hear what they say.

A page that was opened from a disk may read no other file. It may frame one, though, and the framed page may send it a
message (postMessage): that works from `file://` and from a server, under a strict policy.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leapfrog.web_page import content_security_policy, environment, inline

TEMPLATES = Path(__file__).with_name("templates")
ASK_SCRIPT, WATCH_SCRIPT = TEMPLATES / "ask.js", TEMPLATES / "watch.js"


def alive_page(beat: str, worklist: str, folder: str = "") -> str:
    """The page that all open pages listen to: `beat` has never been said before, `worklist` identifies what the
    worklist shows now, `folder` is that of the reports: a copy of it has a copy of the link to the page in memory, and
    is not kept up to date. The page is as long as the last one, so that it can be written over it.
    """
    return _telling({"beat": beat, "worklist": worklist, "folder": folder})


@dataclass(frozen=True)
class SheetTold:
    """What became of the newest sheet of a report: the state of its print, and when that ended, `2026-11-03 14:22`."""

    state: str
    ended_at: str = ""


def newest_page(version: int, sheet: SheetTold | None = None) -> str:
    """The page that an open report listens to."""
    told = sheet or SheetTold("")
    return _telling({"version": str(version), "paper": told.state, "paper_at": told.ended_at})


def language_page(messages: str, fonts: Sequence[tuple[str, str]]) -> str:
    """The page that others listen to when somebody chose its language; `messages` is JSON, and `fonts` are those that
    the language needs (`page_fonts.fonts_of`).
    """
    return _telling({"language": messages, "fonts": json.dumps(fonts)})


def _telling(told: dict[str, str]) -> str:
    """A page that tells whoever frames it."""
    script = inline(TEMPLATES / "tell.js")
    template = environment(TEMPLATES).get_template("tell.html")
    return template.render(policy=content_security_policy(script), script=script, told=told)
