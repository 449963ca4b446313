"""Kinds of text and of numbers in a manifest."""

from typing import Annotated

from pydantic import AfterValidator, Field

LONGEST_CAUTION = 160  # characters: it stands in one or two lines above the headline, and in the list
Fraction = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _a_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be one line of printable letters, without spaces around it")
    return text


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit in it: routing looks at nothing else."""
    return any(map(str.isalnum, text))


Line = Annotated[str, Field(max_length=LONGEST_CAUTION), AfterValidator(_a_line)]
# Of what is found, measured or not looked for, as people read it.
Name = Annotated[str, Field(min_length=1), AfterValidator(_a_line)]
