"""The jinja2 environment of every page that Leapfrog writes."""

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup


@cache
def environment(templates: Path) -> jinja2.Environment:
    """The templates in that folder, autoescaped; a name that one does not know is an error, not an empty string."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def inline(file: Path) -> Markup:
    """The text of a style sheet or script of ours, to stand inside a page as it is."""
    return Markup(file.read_text(encoding="utf-8"))


def content_security_policy(script: str = "") -> str:
    """What a page may do: show pictures that lie beside it, be styled by itself, run only the very text of `script`.

    `file:` stands beside 'self' because browsers differ in what 'self' means for a page opened from a disk.
    """
    allowed = ["default-src 'none'", "style-src 'unsafe-inline'", "img-src 'self' file: data:"]
    allowed += ["base-uri 'none'", "form-action 'none'"]
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        allowed.append(f"script-src 'sha256-{digest}'")
    return "; ".join(allowed)
