"""Which fonts a page needs, and how it gets them: inside the page, or from a folder beside it.

A browser lets a page that was opened from a disk use a font inside it in any case, which is how a report stays whole
wherever it is copied. The worklist is written anew for each exam and takes its fonts from files.
"""

import base64
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FONTS = Path(__file__).with_name("fonts")
UNDRAWN_SCRIPT = Path(__file__).with_name("undrawn.js")  # of a page that has a hidden line with the id "undrawn"
FAMILY = "Leapfrog"  # as style sheets name all of these fonts together
# Stands in a page's style where the fonts go, which are known once the page is rendered. No text that is shown has a
# private character (`clean`).
FONTS_HERE = "\ue000fonts\ue000"
SHARED_RANGES = "U+200C-200D,U+25CC"  # joiners and the dotted circle belong to whatever script they stand in


@dataclass(frozen=True)
class Script:
    """A font, and the code points that it is for, as CSS writes them (`unicode-range`)."""

    name: str
    ranges: str

    @property
    def file(self) -> str:
        """The name of the font's file."""
        return f"{self.name}.woff2"


# In the order in which pages name them. What none of these draws, and Latin, Greek and Cyrillic, is the device's.
SCRIPTS = (
    Script("Arabic", "U+0600-06FF,U+0750-077F,U+08A0-08FF,U+FB50-FDFF,U+FE70-FEFE"),
    Script("Hebrew", "U+0590-05FF,U+FB1D-FB4F"),
    Script("Armenian", "U+0530-058F,U+FB13-FB17"),
    Script("Georgian", "U+10A0-10FF"),
    Script("Devanagari", "U+0900-097F,U+1CD0-1CFF,U+A8E0-A8FF"),
    Script("Bengali", "U+0980-09FF"),
    Script("Gurmukhi", "U+0A00-0A7F"),
    Script("Gujarati", "U+0A80-0AFF"),
    Script("Oriya", "U+0B00-0B7F"),
    Script("Tamil", "U+0B80-0BFF"),
    Script("Telugu", "U+0C00-0C7F"),
    Script("Kannada", "U+0C80-0CFF"),
    Script("Malayalam", "U+0D00-0D7F"),
    Script("Sinhala", "U+0D80-0DFF"),
    Script("Thai", "U+0E00-0E7F"),
    Script("Lao", "U+0E80-0EFF"),
    Script("Myanmar", "U+1000-109F,U+A9E0-A9FF,U+AA60-AA7F"),
    Script("Ethiopic", "U+1200-139F,U+2D80-2DDF,U+AB00-AB2F"),
    Script("Khmer", "U+1780-17FF,U+19E0-19FF"),
    Script(
        "Signs",  # that pages draw themselves
        "U+2212,U+2265,U+25B2-25B3,U+25B6,U+25C0,U+25CB,U+25CF,U+25F7,U+2713,U+2715,U+27A4",
    ),
)


def scripts_in(text: str) -> tuple[Script, ...]:
    """The scripts of which `text` has letters, in the order of `SCRIPTS`."""
    letters = [ord(letter) for letter in set(text) if not letter.isascii()]
    return tuple(
        script
        for script in SCRIPTS
        if any(first <= letter <= last for first, last in _spans(script) for letter in letters)
    )


def with_fonts(page: str, folder: str = "", others: Collection[Script] = ()) -> str:
    """The page, with the fonts that its text needs, and those of `others`, where it says `FONTS_HERE`. They are taken
    from `folder`, a path relative to the page, or are inside the page if that is "".
    """
    needed = set(scripts_in(page)) | set(others)
    return page.replace(FONTS_HERE, font_faces((script for script in SCRIPTS if script in needed), folder))


def font_faces(scripts: Iterable[Script], folder: str = "") -> str:
    """The rules of a style sheet by which `FAMILY` draws these scripts."""
    faces = []
    for script in scripts:
        source = f"{folder}/{script.file}" if folder else _embedded(script)
        ranges = script.ranges if script.name == "Signs" else f"{script.ranges},{SHARED_RANGES}"
        faces.append(
            f'@font-face{{font-family:{FAMILY};src:url("{source}") format("woff2");font-display:swap;'
            f"unicode-range:{ranges}}}\n"
        )
    return "".join(faces)


def fonts_of(text: str) -> list[tuple[str, str]]:
    """The fonts that a text needs, for a script that adds them to a page: source and ranges of each, as CSS has it."""
    needed = [script for script in scripts_in(text) if script.name != "Signs"]
    return [(f"url({_embedded(script)})", f"{script.ranges},{SHARED_RANGES}") for script in needed]


@cache
def _embedded(script: Script) -> str:
    return f"data:font/woff2;base64,{base64.b64encode((FONTS / script.file).read_bytes()).decode()}"


@cache
def _spans(script: Script) -> tuple[tuple[int, int], ...]:
    """The first and last code point of each range."""
    spans = []
    for one in script.ranges.split(","):
        first, _, last = one.removeprefix("U+").partition("-")
        spans.append((int(first, 16), int(last or first, 16)))
    return tuple(spans)
