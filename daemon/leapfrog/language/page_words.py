"""What a page must know of its own words, so that its script can say them in another language.

A page is written in the language of the station. At its end stands a table of everything that it says: the text as it
stands there, and what that was made from. The messages of the other languages come from pages of their own
(`language_page`), which are written once and framed when somebody chooses a language.
"""

import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from leapfrog.language.catalogue import CATALOGUES, Catalogue, Key, catalogue, message_id
from leapfrog.language.languages import ENGLISH, LANGUAGES
from leapfrog.language.sentence import Numeral, Part, Plain, Sentence, Value, parts_of, sentence
from leapfrog.language.speaker import Speaker

LANGUAGES_NAME = "languages"  # the folder of the pages of languages, beside the worklist
COUNTS = 200  # from 0: which plural form each takes; from 100 on the forms of 100 to 199 come again and again

UNREVIEWED = sentence(
    "No native reader has reviewed this translation. Where the two differ, the English line below counts."
)
UNDRAWN = sentence(
    "[?] stands for letters that this device has no font for: go by the patient's number. A technician can add the"
    " font."
)


def page_words(speaker: Speaker, words: Mapping[str, Sentence], root: str = "") -> Markup:
    """The table at the end of a page that was said by `speaker`, as JSON: the `words` are what its script says, by
    name. `root` leads from the page to the folder of the worklist.
    """
    own = speaker.catalogue
    table = {
        **grammar(own),
        "pages": f"{root}{LANGUAGES_NAME}/",
        "messages": {message_id(key): _forms(own, key) for key in _keys(words.values())},
        "words": {name: _parts(word) for name, word in words.items()},
        "said": {text: _parts(said) for text, said in speaker.said.items()},
    }
    written = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
    return Markup(written.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def language_messages(code: str) -> str:
    """All messages of a language by their short names, and how it writes numbers and dates, as JSON. What the language
    lacks is English.
    """
    own, english = catalogue(code), catalogue(ENGLISH.code)
    messages = {message_id(key): _forms(own, key, forms) for key, forms in english.forms.items()}
    return json.dumps({**grammar(own), "messages": messages}, ensure_ascii=False, separators=(",", ":"))


def languages_offered() -> list[tuple[str, Markup]]:
    """Code and name of each language that has a catalogue. The names are written in ASCII, as HTML can: otherwise each
    page would bring fonts for all of them.
    """
    offered = [one for one in LANGUAGES.values() if (CATALOGUES / f"{one.code}.mo").exists()]
    return [(one.code, Markup(one.name.encode("ascii", "xmlcharrefreplace").decode())) for one in offered]


def grammar(own: Catalogue) -> dict[str, Any]:
    """How a language writes numbers and dates, and which form of the plural a count takes."""
    language = own.language
    return {
        "code": language.code,
        "direction": language.direction,
        "needsEnglish": own.needs_english,
        "decimal": language.decimal,
        "thousands": language.thousands,
        "groups": language.groups,
        "date": language.date,
        "months": language.months,
        "monthNames": language.month_names,
        "plural": "".join(str(own.plural_form(count)) for count in range(COUNTS)),
    }


def _forms(own: Catalogue, key: Key, english: tuple[str, ...] = ()) -> list[str]:
    """The forms of a message; those of English where the language has none, in the places that its counts lead to."""
    if forms := own.forms.get(key, ()):
        return list(forms)
    english = english or catalogue(ENGLISH.code).forms.get(key) or (key[1],)
    if len(english) == 1:
        return list(english)
    places = {own.plural_form(count) for count in range(COUNTS)}
    return [english[0] if place == own.plural_form(1) else english[1] for place in range(max(places) + 1)]


def _keys(sentences: Any) -> set[Key]:
    """The messages in these sentences, and in those within them."""
    found: set[Key] = set()
    for said in sentences:
        for part in parts_of(said):
            if not isinstance(part, Plain | Numeral):
                found.add((part.context, part.message))
                found |= _keys(value for _, value in part.values if isinstance(value, Sentence))
    return found


def _parts(said: Sentence) -> list[Any]:
    return [_part(part) for part in said.parts]


def _part(part: Part) -> Any:
    match part:
        case Plain(text):
            return text
        case Numeral(text, kind):
            return {kind[0]: text}
    values = {name: _value(value) for name, value in part.values}
    written = [message_id((part.context, part.message)), values or 0, int(part.lowered)]
    return written if part.lowered else written[: 1 + bool(values)]


def _value(value: Value) -> Any:
    return _parts(value) if isinstance(value, Sentence) else value
