"""Says sentences in one language."""

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from pydantic import BaseModel

from leapfrog.language.catalogue import Catalogue, catalogue
from leapfrog.language.languages import Language
from leapfrog.language.sentence import Numeral, Part, Plain, Said, Sentence, Value, filled, lower_first

RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
LEFT_TO_RIGHT = re.compile(r"[^\W\d_]|\d")
# Between them a text keeps its own direction (Unicode's "isolates"), whatever stands around it.
ISOLATE, END_OF_ISOLATE = "\u2066", "\u2069"
ISOLATES = re.compile(f"[{ISOLATE}{END_OF_ISOLATE}]")


class Speaker:
    """Says what people read in one language, and remembers what it said, so that a page can say it in another one. A
    message that the catalogue lacks, or whose translation cannot take its values, is said in English.

    One is made for each page, sheet or picture, and for one thread.
    """

    def __init__(self, language: str | Catalogue = "en") -> None:
        """`language` is its code, or a catalogue."""
        self.catalogue = catalogue(language) if isinstance(language, str) else language
        self.said: dict[str, Sentence] = {}

    @property
    def language(self) -> Language:
        """The language that it speaks."""
        return self.catalogue.language

    def say(self, text: str) -> str:
        """A sentence in this language; a plain string as it is. Within text from right to left, what is to be read from
        left to right is isolated.
        """
        if not isinstance(text, Sentence):
            return text
        said = self._parts(text)
        if not text.is_plain:
            self.said.setdefault(said, text)
        return said

    def english(self, text: str) -> str:
        """What must stand in English below `say(text)`: "" if it is English already, or needs none since a native
        reader has reviewed the language.
        """
        if not self.catalogue.needs_english or not isinstance(text, Sentence) or text.is_plain:
            return ""
        return "" if ISOLATES.sub("", self._parts(text)) == text else str(text)

    def _parts(self, text: Sentence) -> str:
        return "".join(self._isolated(self._part(part)) for part in text.parts)

    def _part(self, part: Part) -> str:
        match part:
            case Plain(text):
                return text
            case Numeral(text, kind):
                return self.language.number(text) if kind == "number" else self.language.day(text)
        return self._message(part)

    def _message(self, said: Said) -> str:
        if template := self.catalogue.template(said):
            try:
                text = filled(template, said.values, self._value)
            except KeyError:  # a placeholder that the message does not have
                return said.english
            return lower_first(text) if said.lowered else text
        return said.english

    def _value(self, value: Value) -> str:
        if isinstance(value, int):
            return self._isolated(self.language.number(f"{value:,}"))
        return self._isolated("".join(map(self._part, value.parts)) if isinstance(value, Sentence) else str(value))

    def _isolated(self, text: str) -> str:
        if not self.language.right_to_left or RIGHT_TO_LEFT.search(text) or not LEFT_TO_RIGHT.search(text):
            return text
        return text if text.isdigit() else f"{ISOLATE}{text}{END_OF_ISOLATE}"


def in_words(value: Any, say: Callable[[str], str]) -> Any:
    """`value`, a data class or what holds some, with every sentence in it as `say` says it."""
    match value:
        case Sentence():
            return say(value)
        case tuple() | list():
            return type(value)(in_words(one, say) for one in value)
        case dict():
            return {key: in_words(one, say) for key, one in value.items()}
        case BaseModel():
            names = type(value).model_fields
            return value.model_copy(update={name: in_words(getattr(value, name), say) for name in names})
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{one.name: in_words(getattr(value, one.name), say) for one in fields(value) if one.init}
        )
    return value
