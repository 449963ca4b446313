"""Tiny pages beside the big ones, which an open page frames for a moment, again and again, to hear what they say.

A page that was opened from a disk may read no other file. It may frame one, though, and the framed page may send it a
message (postMessage): that works from `file://` and from a server, under a strict policy.
"""

from pathlib import Path

from leapfrog.web_page import content_security_policy, environment, inline

TEMPLATES = Path(__file__).with_name("templates")
WATCH_SCRIPT = TEMPLATES / "watch.js"


def alive_page(beat: str, worklist: str) -> str:
    """The page that all open pages listen to: `beat` has never been said before, `worklist` identifies what the
    worklist shows now. It is as long as the last one, so that it can be written over it.
    """
    return _telling({"beat": beat, "worklist": worklist})


def newest_page(version: int, paper: str = "") -> str:
    """The page that an open report listens to. `paper` says what became of its sheet."""
    return _telling({"version": str(version), "paper": paper})


def _telling(told: dict[str, str]) -> str:
    """A page that tells whoever frames it."""
    script = inline(TEMPLATES / "tell.js")
    template = environment(TEMPLATES).get_template("tell.html")
    return template.render(policy=content_security_policy(script), script=script, told=told)
