"""Parses TOML that a stranger wrote, if it is shallow.

tomllib follows nesting by recursion, and takes time by the square of the parts of a dotted key: 4 s for 16,000 of them,
which are 32 kB. So brackets and dots are counted first.
"""

import re
import tomllib
from typing import Any

DEEPEST = 8  # brackets within brackets, and parts of a dotted key; the packages that ship have 2 and 4
# What brackets and dots may stand in without meaning anything (toml.io/en/v1.0.0): strings of all four kinds, also
# those that do not end, and comments. A string in three quotes may end in two more. Whatever begins one of them, the
# expression matches, to the end of the text if need be, and so it never goes back: it looks at each letter once.
TEXT = re.compile(
    r'"""(?:[^"\\]+|\\.|"(?!""))*(?:"{3,5}|\\?\Z)'
    r"|'''(?:[^']+|'(?!''))*(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]+|\\.)*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*",
    re.DOTALL,
)
DOTTED = re.compile(r"[\w-]+(?:[ \t]*\.[ \t]*[\w-]+)*")
OPENING, CLOSING = frozenset("[{"), frozenset("]}")


def parse_shallow_toml(content: bytes) -> dict[str, Any]:
    """The document. Raises ValueError, with the reason, if it is no TOML in UTF-8 or nested more than DEEPEST deep."""
    text = content.decode()
    bare = TEXT.sub("s", text.replace("\r\n", "\n"))
    if _depth(bare) > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    if any(key.count(".") >= DEEPEST for key in DOTTED.findall(bare)):
        raise ValueError(f"one of its keys has more than {DEEPEST} parts")
    return tomllib.loads(text)


def _depth(bare: str) -> int:
    depth = deepest = 0
    for letter in bare:
        if letter in OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif letter in CLOSING:
            depth = max(0, depth - 1)
    return deepest
