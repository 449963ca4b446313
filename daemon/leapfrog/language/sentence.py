"""What people read, in English, together with what it was made from: so that it can be said in another language.

A `Sentence` is a string, its English, wherever a string is wanted: in a log, in `report.json`, compared in a test. It
also carries its parts: which message of the catalogues, with which values. Whoever lays it out for people asks a
`Speaker` for the text. What is put together otherwise (`+`, an f-string, `str.join`) is a plain string again, and
stays English.

    NOT_WHOLE = sentence("The {name} is not whole in the picture.")
    NOT_WHOLE.format(name=sentence("Fetal head").lowered())
    plural("{count} image", "{count} images").format(count=3)
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

MOST_NESTED = 8  # sentences within sentences; more come from nobody who means well
MOST_PARTS = 200
PLACEHOLDER = re.compile(r"\{(\w+)\}")

Value = int | str  # an integer is written with its thousands apart; a plain string is said as it is


@dataclass(frozen=True)
class Said:
    """A message of the catalogues with its values. `context` tells messages of the same English apart. With a `plural`,
    the value `count` decides between the forms. `lowered`: it stands within a sentence, where a capital letter at its
    beginning does not belong.
    """

    message: str
    values: tuple[tuple[str, Value], ...] = ()
    plural: str = ""
    context: str = ""
    lowered: bool = False

    @property
    def english(self) -> str:
        """The message with its values."""
        is_plural = self.plural and dict(self.values).get("count") != 1
        text = filled(self.plural if is_plural else self.message, self.values, english_value)
        return lower_first(text) if self.lowered else text


@dataclass(frozen=True)
class Plain:
    """Text that is the same in every language: a name, a code, what somebody else wrote."""

    text: str

    @property
    def english(self) -> str:
        """The text."""
        return self.text


@dataclass(frozen=True)
class Numeral:
    """A number as English writes it, `1,234` or `175.0`, or a `date`: `2026-11-03`, `2026-11-03 14:22`."""

    text: str
    kind: Literal["number", "date"]

    @property
    def english(self) -> str:
        """As it is written in English."""
        return self.text


Part = Said | Plain | Numeral


class Sentence(str):
    """English text with the parts that it was made from."""

    parts: tuple[Part, ...]

    def __new__(cls, text: str, parts: Iterable[Part] | None = None) -> Self:
        """Without `parts`, it is said as it is in every language."""
        made = super().__new__(cls, text)
        made.parts = tuple(parts) if parts is not None else (Plain(text),) if text else ()
        return made

    @classmethod
    def of(cls, *parts: Part) -> Self:
        """The sentence that consists of `parts`."""
        return cls("".join(part.english for part in parts), parts)

    def format(self, *unnamed: object, **values: object) -> "Sentence":
        """The message with its values, which are integers, strings or sentences."""
        (message,) = self.parts
        if unnamed or not isinstance(message, Said) or message.values:
            raise ValueError(f"only a message takes values, and by name: {self!r}")
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, int | str):
                raise ValueError(f"{name} of {self!r} is {value!r}, which cannot be said: write it as a string first")
        return Sentence.of(replace(message, values=tuple(values.items())))  # type: ignore[arg-type]

    def lowered(self) -> "Sentence":
        """As it stands within a sentence: `Lung mass` as `lung mass`; an abbreviation as it is."""
        first, *others = self.parts or (Plain(""),)
        match first:
            case Said():
                return Sentence.of(replace(first, lowered=True), *others)
            case Plain(text):
                return Sentence.of(Plain(lower_first(text)), *others)
        return self

    def with_plain(self, change: Callable[[str], str]) -> "Sentence":
        """The same with `change` made to all text that is not ours: names, codes, what somebody else wrote."""
        return Sentence.of(*(_with_plain(part, change) for part in self.parts))

    @property
    def is_plain(self) -> bool:
        """Whether it is the same in every language."""
        return all(isinstance(part, Plain) for part in self.parts)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In JSON it is its English alone, if it is plain; else an object with `text` and `parts`."""
        return core_schema.no_info_plain_validator_function(
            sentence_of,
            serialization=core_schema.plain_serializer_function_ser_schema(as_json, when_used="json"),
        )


def sentence(message: str) -> Sentence:
    """A message of the catalogues: a literal, which the extraction finds. With {placeholders}, `format` fills them."""
    return Sentence(message, (Said(message),))


def plural(one: str, several: str) -> Sentence:
    """A message whose form depends on the value `count`; both are literals."""
    return Sentence(several, (Said(one, plural=several),))


def term(context: str, message: str) -> Sentence:
    """A word or two that would be another word elsewhere: `context` tells the translator, and the catalogue, which."""
    return Sentence(message, (Said(message, context=context),))


def known(text: str, context: str = "") -> Sentence:
    """A text that a package, say, brought along: translated if the catalogues happen to have it, English if not."""
    return Sentence(text, (Said(text, context=context),) if text else ())


def number(text: str) -> Sentence:
    """A number as English writes it, `175.0`: other languages may write a comma."""
    return Sentence(text, (Numeral(text, "number"),))


def day(text: str) -> Sentence:
    """A date, or a moment: `2026-11-03`, `2026-11-03 14:22`."""
    return Sentence(text, (Numeral(text, "date"),))


def joined(sentences: Iterable[str], between: str = " ") -> Sentence:
    """Whole sentences one after another, without those that are empty. For what stands within one: `listing.py`."""
    parts: list[Part] = []
    for one in filter(None, sentences):
        if parts:
            parts.append(Plain(between))
        parts += parts_of(one)
    return Sentence.of(*parts)


def parts_of(text: str) -> tuple[Part, ...]:
    """What a text consists of; a plain string, of itself."""
    return text.parts if isinstance(text, Sentence) else (Plain(text),) if text else ()


def english_value(value: Value) -> str:
    """A value as English has it."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def filled(template: str, values: Sequence[tuple[str, Value]], say: Callable[[Value], str]) -> str:
    """A template with its values in the place of its {placeholders}, which are names and nothing else: what a process
    that somebody took over sends is no format of Python. Raises KeyError for one that has no value.
    """
    given = dict(values)
    return PLACEHOLDER.sub(lambda found: say(given[found[1]]), template) if given else template


def lower_first(text: str) -> str:
    """`Lung mass` as `lung mass`, `A needle` as `a needle`; an abbreviation as it is."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _with_plain(part: Part, change: Callable[[str], str]) -> Part:
    match part:
        case Plain(text):
            return Plain(change(text))
        case Said():
            values = ((name, _value_with_plain(value, change)) for name, value in part.values)
            return replace(part, values=tuple(values))
    return part


def _value_with_plain(value: Value, change: Callable[[str], str]) -> Value:
    if isinstance(value, Sentence):
        return value.with_plain(change)
    return change(value) if isinstance(value, str) else value


# ---------------------------------------------------------------- as JSON


def as_json(said: str) -> Any:
    """What travels to other processes and into the journal."""
    if not isinstance(said, Sentence) or said.is_plain:
        return str(said)
    return {"text": str(said), "parts": [_part_as_json(part) for part in said.parts]}


def only_english(document: dict[str, Any]) -> dict[str, Any]:
    """A document as `model_dump(mode="json")` gives it, with its sentences as plain strings, for a technician."""
    english: dict[str, Any] = _in_english(document, {})
    return english


def in_english(document: dict[str, Any]) -> dict[str, Any]:
    """A document as `model_dump(mode="json")` gives it, with its sentences as plain strings. What they were made from
    stands apart, by their English, in `said`, so that `with_sentences` can put it back.
    """
    said: dict[str, Any] = {}
    plain = _in_english(document, said)
    return {**plain, "said": said} if said else plain


def with_sentences(document: dict[str, Any]) -> dict[str, Any]:
    """What `in_english` was made from."""
    if not isinstance(said := document.get("said"), dict):
        return document
    return {key: _with_sentences(value, said) for key, value in document.items() if key != "said"}


def _in_english(value: Any, said: dict[str, Any]) -> Any:
    match value:
        case {"text": text, "parts": parts}:
            said[text] = parts
            return text
        case dict():
            return {key: _in_english(one, said) for key, one in value.items()}
        case list():
            return [_in_english(one, said) for one in value]
    return value


def _with_sentences(value: Any, said: dict[str, Any]) -> Any:
    match value:
        case str() if value in said:
            return {"text": value, "parts": said[value]}
        case dict():
            return {key: _with_sentences(one, said) for key, one in value.items()}
        case list():
            return [_with_sentences(one, said) for one in value]
    return value


def sentence_of(value: Any, depth: int = 0) -> Sentence:
    """The sentence that `as_json` wrote; a string, as older versions wrote it, is said as it is.

    Raises ValueError for anything else. Where text and parts disagree, the text is believed.
    """
    if isinstance(value, Sentence):
        return value
    if isinstance(value, str):
        return Sentence(value)
    try:
        text, parts = value["text"], value["parts"]
        if depth > MOST_NESTED or len(parts) > MOST_PARTS:
            raise ValueError("it is nested too deeply, or too long")
        made = Sentence.of(*(_part_of(part, depth) for part in parts))
    except (TypeError, KeyError, IndexError, AttributeError) as problem:
        raise ValueError(f"this is no sentence: {problem!r}") from problem
    return made if made == text else Sentence(str(text))


def _part_as_json(part: Part) -> Any:
    match part:
        case Plain(text):
            return text
        case Numeral(text, kind):
            return {kind: text}
    values = {name: as_json(value) if isinstance(value, Sentence) else value for name, value in part.values}
    told = {"values": values, "plural": part.plural, "context": part.context, "lowered": part.lowered}
    return {"message": part.message, **{key: value for key, value in told.items() if value}}


def _part_of(part: Any, depth: int) -> Part:
    if isinstance(part, str):
        return Plain(part)
    if "message" not in part:
        ((kind, text),) = part.items()
        if kind not in ("number", "date"):
            raise ValueError(f"there is no part {kind!r}")
        return Numeral(str(text), kind)
    values = tuple(
        (str(name), value if isinstance(value, int) else sentence_of(value, depth + 1))
        for name, value in part.get("values", {}).items()
    )
    return Said(
        str(part["message"]),
        values,
        str(part.get("plural", "")),
        str(part.get("context", "")),
        bool(part.get("lowered", False)),
    )
