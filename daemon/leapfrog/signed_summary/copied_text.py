"""What becomes of a code's text on its way: by telephone, message, word processor and hand.

The signature is over the very letters of the text. What programs and people change without meaning anything by it is
undone here, and where a line was broken both are tried: at a blank, which was lost, and within a word.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from urllib.parse import unquote

from leapfrog.signed_summary.code_text import FIRST_WORD, SIGNATURE_LETTERS

LONGEST_COPY = 8 * 1024  # letters that are looked at, of a message around a code too
BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
QUOTES = frozenset("\"'`\u00b4\u201a\u201e")  # besides those that Unicode calls so
BEGINS = re.compile(rf"{FIRST_WORD}\s?[0-9]{{1,3}}:")
NOT_BLANK = re.compile(r"\s*([:/])\s*")  # where a code has no blanks
SIGNATURE_WORD = re.compile(r"\s*([A-Z0-9=]+)")
MOST_BREAKS = 10  # of which every one may be at a blank or not: 1024 signatures take a tenth of a second


@dataclass(frozen=True)
class Copy:
    """A text as it may have been signed: what the signature is over, and the signature in base32."""

    content: str
    signature: str


def begins_a_code(text: str) -> bool:
    """Whether a code of ours begins somewhere in `text`."""
    return any(BEGINS.search(one) for one in _readings(text))


def copies(text: str) -> Iterator[Copy]:
    """What may have been signed where `text` is what was copied, the likeliest first. Nothing where no code of ours
    begins in it.
    """
    exact = text[:LONGEST_COPY].strip().replace("\r", "").replace("\n", "").upper()
    if not begins_a_code(exact):
        return
    seen = {first := Copy(*_parted(exact))}
    yield first
    for reading in _readings(text):
        starts = [found.start() for found in BEGINS.finditer(reading)]
        for start, end in pairwise([*starts, len(reading)]):
            for copy in _copies_of(reading[start:end].strip()):
                if copy not in seen:
                    seen.add(copy)
                    yield copy


def _readings(text: str) -> Iterator[str]:
    folded = _folded(text[:LONGEST_COPY])
    yield folded
    if "%" in folded:  # it may have been part of an address
        yield _folded(unquote(folded))


def _folded(text: str) -> str:
    """In capitals, with plain colons, dashes and blanks, and without quotes and what nobody sees. One line feed stands
    for each break between lines.
    """
    letters = "".join(_folded_letter(letter) for letter in unicodedata.normalize("NFKC", text))
    lines = (" ".join(line.split()) for line in letters.upper().split("\n"))
    return NOT_BLANK.sub(r"\1", "\n".join(line for line in lines if line))


def _folded_letter(letter: str) -> str:
    if BREAKS.match(letter):
        return "\n"
    if letter.isspace():
        return " "
    category = unicodedata.category(letter)
    if category in ("Cf", "Cc", "Pi", "Pf") or letter in QUOTES:
        return ""
    return "-" if category == "Pd" or letter == "\u2212" else letter


def _copies_of(code: str) -> Iterator[Copy]:
    head, signature = _parted(code)
    places = [place for place, letter in enumerate(head) if letter == "\n"]
    if len(places) > MOST_BREAKS:
        yield from (Copy(head.replace("\n", blank), signature) for blank in ("", " "))
        return
    pieces = head.split("\n")
    for blanks in product(("", " "), repeat=len(places)):
        yield Copy(pieces[0] + "".join(map("".join, zip(blanks, pieces[1:], strict=True))), signature)


def _parted(code: str) -> tuple[str, str]:
    """What is signed, and the signature, which may be broken into lines and have other words behind it."""
    for colon in reversed([found.start() for found in re.finditer(":", code)]):
        signature, place = "", colon + 1
        while len(signature) < SIGNATURE_LETTERS and (word := SIGNATURE_WORD.match(code, place)):
            signature, place = signature + word[1], word.end()
        if len(signature) == SIGNATURE_LETTERS:
            return code[:colon], signature
    head, _, rest = code.rpartition(":")
    return head, "".join(rest.split())
