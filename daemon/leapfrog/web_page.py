"""The jinja2 environment and the content security policy of every page that Leapfrog writes."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import jinja2
from markupsafe import Markup

FontPlace = Literal["inside", "files"]
FONT_SOURCES: dict[FontPlace, str] = {"inside": "data:", "files": "'self' file:"}


@cache
def environment(templates: Path) -> jinja2.Environment:
    """The templates in that folder, autoescaped. A variable that was not passed is an error, not an empty string."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def inline(file: Path) -> Markup:
    """The text of one of our style sheets or scripts, to be put into a page unescaped: without indentation and lines of
    comment, since it is written anew with each exam.
    """
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return Markup("\n".join(line for line in lines if line and not line.startswith("//")) + "\n")


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
