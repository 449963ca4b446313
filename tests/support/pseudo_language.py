"""A language that nobody speaks: every letter of a sentence has a mark, so that what is left unmarked escaped the
catalogues. It takes the place of a real one.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from leapfrog.language import catalogue as catalogues
from leapfrog.language.catalogue import CATALOGUES, read_catalogue
from leapfrog.language.languages import ENGLISH, LanguageCode

TAKEN: LanguageCode = "sw"  # whose place it takes: from left to right, with two forms
PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MARKED = "äƀċđëƒğħïĵķłṁñöþɋŕšŧüṽŵẋÿžÄƁĊĐËƑĞĦÏĴĶŁṀÑÖÞɊŔŠŦÜṼŴẊŸŽ"
LETTERS = str.maketrans(PLAIN, MARKED)
WORD = re.compile(r"[A-Za-z]{2,}")
UNSEEN = ("script", "style", "bdi", "option")  # what somebody else wrote stands in <bdi>
SPOKEN_ATTRIBUTES = ("aria-label", "alt", "title", "placeholder", "data-caption", "data-marks")


def marked(text: str) -> str:
    """A sentence in that language; its {placeholders} stay."""
    return "".join(part if part.startswith("{") else part.translate(LETTERS) for part in re.split(r"(\{\w+\})", text))


def speak_it(monkeypatch: pytest.MonkeyPatch, directory: Path) -> LanguageCode:
    """Have the box speak it where the settings say `TAKEN`."""
    english = read_catalogue((CATALOGUES / "en.mo").read_bytes(), ENGLISH)
    catalog = Catalog(locale=TAKEN)
    for (context, message), forms in english.forms.items():
        said = tuple(marked(form) for form in forms)
        ids, strings = ((message, forms[1]), said) if len(forms) > 1 else (message, said[0])
        catalog.add(ids, strings, context=context or None)
    with (directory / f"{TAKEN}.mo").open("wb") as stream:
        write_mo(stream, catalog)
    (directory / "en.mo").write_bytes((CATALOGUES / "en.mo").read_bytes())
    monkeypatch.setattr(catalogues, "CATALOGUES", directory)
    catalogues.catalogue.cache_clear()
    return TAKEN


def forget_it() -> None:
    """Have every catalogue read anew."""
    catalogues.catalogue.cache_clear()


def escaped(text: str, *names: str) -> list[str]:
    """The words of a text that are not in that language, besides these names and codes."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, " ")
    return WORD.findall(text)


def seen(page: str) -> str:
    """All text of a page that people see or hear, without English lines and what somebody else wrote."""
    parser = _Seen()
    parser.feed(page)
    return "\n".join(parser.texts)


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[bool] = []  # of each open element, whether its text is not looked at

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag != "iframe":  # those of our pages are hidden from everybody
            self.texts += [value for name in SPOKEN_ATTRIBUTES if (value := values.get(name))]
        if tag not in ("meta", "input", "img", "link", "br", "line", "rect"):
            self._open.append(tag in UNSEEN or "english" in (values.get("class") or "").split())

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(self._open):
            self.texts.append(data.strip())
