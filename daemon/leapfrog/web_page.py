"""The jinja2 environment and the content security policy of every page that Leapfrog writes."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import jinja2
from markupsafe import Markup

from leapfrog import language
from leapfrog.language.page_words import UNDRAWN, UNREVIEWED, page_words
from leapfrog.language.sentence import Sentence, day, plural, sentence, term
from leapfrog.language.speaker import Speaker

FontPlace = Literal["inside", "files"]
FONT_SOURCES: dict[FontPlace, str] = {"inside": "data:", "files": "'self' file: data:"}
LANGUAGE_TEMPLATES = Path(language.__file__).with_name("templates")
LANGUAGE_SCRIPT = LANGUAGE_TEMPLATES / "language.js"


@jinja2.pass_context
def _in_words(context: jinja2.runtime.Context, value: object) -> object:
    """What is put into a page: a sentence as the page's `speaker` says it."""
    speaker = context.get("speaker")
    return speaker.say(value) if isinstance(speaker, Speaker) and isinstance(value, Sentence) else value


@jinja2.pass_context
def _english(context: jinja2.runtime.Context, text: str) -> Markup:
    """Below what a finding, a grade or a reason is called: its English, where no native reader has reviewed the page's
    language.
    """
    line = context["speaker"].english(text)
    return Markup('<span class="english" lang="en" dir="ltr">{}</span>').format(line) if line else Markup("")


@cache
def environment(templates: Path) -> jinja2.Environment:
    """The templates in that folder, autoescaped. A variable that was not passed is an error, not an empty string. What
    is a sentence, one in a template too, is said by the `speaker` that the page was rendered with.
    """
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader((templates, LANGUAGE_TEMPLATES)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_in_words,
    )
    made.globals |= {
        "sentence": sentence,
        "plural": plural,
        "term": term,
        "day": day,
        "page_words": page_words,
        "english": _english,
        "UNREVIEWED": UNREVIEWED,
        "UNDRAWN": UNDRAWN,
    }
    made.filters["in_english"] = str  # of a sentence, whatever the page's language is
    return made


@cache
def inline(file: Path) -> Markup:
    """The text of one of our style sheets or scripts, to be put into a page unescaped. Comments on lines of their own
    and indents stay behind: the worklist is written anew for each exam.
    """
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    return Markup("".join(f"{line}\n" for line in lines if line and not line.startswith("//")))


def content_security_policy(script: str = "", *, frames: bool = False, fonts: FontPlace | None = None) -> str:
    """The policy of a page: it may show pictures from its own folder, use its own styles, and run only `script`. With
    `frames` it may also frame pages that lie beside it, and with `fonts` use those that are inside it, or in files.

    `file:` is needed besides 'self' because browsers disagree on what 'self' means for a page opened from a disk.
    """
    allowed = ["default-src 'none'", "style-src 'unsafe-inline'", "img-src 'self' file: data:"]
    allowed += ["base-uri 'none'", "form-action 'none'"]
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        allowed.append(f"script-src 'sha256-{digest}'")
    if fonts is not None:
        allowed.append(f"font-src {FONT_SOURCES[fonts]}")
    if frames:
        allowed.append("frame-src 'self' file:")
    return "; ".join(allowed)
