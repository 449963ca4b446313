"""What a courier says of a server, in the words for one destination among several.

Its texts speak of "the district" and its keys, since [district] is the short way to the only one. Of any other, people
must be told which one it is.
"""

import re

from leapfrog.settings.destinations import DISTRICT

_KEY = re.compile(r"\bdistrict\.([a-z_]+)")
_SERVER = re.compile(r"\b([Tt])he district server\b")
_DISTRICT = re.compile(r"\b[Tt]he district\b")


def told_of(destination: str, text: str) -> str:
    """`text`, which a courier says, about the destination of that name."""
    if destination == DISTRICT:
        return text
    text = _KEY.sub(rf"\1 of the destination {destination}", text)
    text = _SERVER.sub(rf"\1he server {destination}", text)
    return _DISTRICT.sub(f"{destination}", text)


def with_article(destination: str) -> str:
    """The destination, within a sentence."""
    return "the district" if destination == DISTRICT else f"the destination {destination}"
