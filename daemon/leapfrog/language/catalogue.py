"""The compiled catalogues of messages (`catalogues/*.mo`, gettext's format), one a language.

They are made from `daemon/languages/*.po` by `daemon/languages/update`. `en.mo` has every message, each as its own
translation.
"""

import gettext
import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import HeaderParser
from functools import cache
from pathlib import Path

from leapfrog.language.languages import ENGLISH, LANGUAGES, Language
from leapfrog.language.sentence import Said

CATALOGUES = Path(__file__).with_name("catalogues")
LITTLE_ENDIAN, BIG_ENDIAN = b"\xde\x12\x04\x95", b"\x95\x04\x12\xde"  # a .mo file begins with one of them
REVIEWED_BY = "X-Reviewed-By"  # the header in which a native reader's name stands; without it nobody has reviewed it

Key = tuple[str, str]  # context and message


def is_two_or_more(count: int) -> int:
    """The plural form of English, for a catalogue whose header does not tell another rule."""
    return int(count != 1)


@dataclass(frozen=True)
class Catalogue:
    """The messages of one language. `forms` has one translation of a message, or one for each form of the plural, which
    `plural_form` chooses by a count. `reviewed_by` is "" where no native reader has reviewed it.
    """

    language: Language
    forms: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    plural_form: Callable[[int], int] = is_two_or_more
    reviewed_by: str = ""

    @property
    def needs_english(self) -> bool:
        """Whether what matters must stand in English too, since no native reader has reviewed the translation."""
        return self.language.code != ENGLISH.code and not self.reviewed_by

    def template(self, said: Said) -> str:
        """The translation of a message in the form that its count asks for; "" where there is none."""
        forms = self.forms.get((said.context, said.message), ())
        if not said.plural:
            return forms[0] if forms else ""
        count = dict(said.values).get("count")
        chosen = self.plural_form(abs(count)) if isinstance(count, int) else 0
        return forms[chosen] if chosen < len(forms) else ""


def message_id(key: Key) -> str:
    """A short name for a message, by which pages refer to it."""
    return hashlib.blake2s("\x04".join(key).encode(), digest_size=4).hexdigest()


@cache
def catalogue(code: str) -> Catalogue:
    """The catalogue of a language. A file that is missing or damaged gives one without messages: all is English then.

    It is read once in a process, and does not change.
    """
    language = LANGUAGES.get(code, ENGLISH)
    try:
        return read_catalogue((CATALOGUES / f"{language.code}.mo").read_bytes(), language)
    except (OSError, ValueError, struct.error):
        return Catalogue(language)


def read_catalogue(content: bytes, language: Language) -> Catalogue:
    """The catalogue in a .mo file. Raises ValueError or struct.error if it is none."""
    if content[:4] not in (LITTLE_ENDIAN, BIG_ENDIAN):
        raise ValueError("this is no catalogue of messages")
    order = "<" if content[:4] == LITTLE_ENDIAN else ">"
    count, originals, translations = struct.unpack_from(f"{order}3L", content, 8)

    def text(table: int, index: int) -> str:
        length, begin = struct.unpack_from(f"{order}2L", content, table + 8 * index)
        return content[begin : begin + length].decode()

    found = {text(originals, index): text(translations, index) for index in range(count)}
    header = HeaderParser().parsestr(found.pop("", ""))
    forms = {_key(original): tuple(translation.split("\0")) for original, translation in found.items()}
    return Catalogue(language, forms, _rule(header.get("Plural-Forms", "")), header.get(REVIEWED_BY, "").strip())


def _key(original: str) -> Key:
    context, apart, message = original.rpartition("\x04")
    return (context if apart else "", message.partition("\0")[0])


def _rule(plural_forms: str) -> Callable[[int], int]:
    _, found, expression = plural_forms.partition("plural=")
    return gettext.c2py(expression.strip().rstrip(";")) if found else is_two_or_more
