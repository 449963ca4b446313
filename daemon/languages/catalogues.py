"""The catalogues of messages: read from the sources, merged, checked, compiled. For `update` and `spreadsheet`."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "leapfrog"
COMPILED = SOURCE / "language" / "catalogues"
TEMPLATE = HERE / "leapfrog.pot"
KEYWORDS = {"sentence": None, "plural": (1, 2), "term": ((1, "c"), 2)}
PLACEHOLDER = re.compile(r"\{(\w+)\}")
WIDTH = 120
REVIEWED_BY = "X-Reviewed-By"
# As everybody writes them; CLDR's have a form more for whole millions, which nothing here counts.
PLURALS = {"fr": (2, "(n > 1)"), "es": (2, "(n != 1)"), "pt": (2, "(n != 1)")}

HEADER = """\
# What staff read of Leapfrog.
#
# Keep every {placeholder} exactly as it is, the names of models, codes, and what stands in `these quotes`.
# The comments before a sentence say where it is read.
"""


# ---------------------------------------------------------------- what there is to say


def extracted() -> Catalog:
    """All marked sentences, and those of the packages that ship, in the order of the files."""
    catalog = new_catalog()
    for path in sorted(SOURCE.rglob("*.py")):
        add_all(catalog, path, "python", {})
    for path in sorted(SOURCE.rglob("templates/*.html")):
        add_all(catalog, path, babel_extract, {"silent": "false", "trimmed": "false"})
    for path in sorted(SOURCE.glob("models/*/model.toml")):
        for context, text, comment in package_texts(tomllib.loads(path.read_text(encoding="utf-8"))):
            catalog.add(text, locations=[location(path)], auto_comments=[comment], context=context)
    return catalog


def add_all(catalog: Catalog, path: Path, method: str | Callable[..., Iterable[Any]], options: dict[str, str]) -> None:
    """Add what one file marks."""
    found = extract(method, BytesIO(path.read_bytes()), KEYWORDS, ["Translators:"], options)
    for _, message, comments, context in found:
        catalog.add(message, locations=[location(path)], auto_comments=comments, context=context)


def location(path: Path) -> tuple[str, int]:
    """Where a message stands: the file, and line 0, which Babel does not write. A line would change with each edit."""
    return str(path.relative_to(SOURCE)), 0


def package_texts(manifest: dict[str, Any]) -> Iterator[tuple[str | None, str, str]]:
    """What a package says to staff: context, text, and where it stands in its model.toml."""
    findings = manifest["finding"]
    for finding in findings:
        code = finding["code"]
        yield None, finding["name"], f"a finding: {code['scheme']} {code['value']}, {code['meaning']}"
    measurement = manifest.get("measurement")
    if measurement and measurement["kind"] == "area":
        for finding in findings:
            yield None, f"{finding['name']} {measurement['name'].lower()}", "a measurement"
    elif measurement:
        yield None, measurement["name"], "a measurement"
    for name in manifest.get("not_covered", ()):
        yield None, name, "what a model was not made to find"
    for key, comment in (
        ("intended_use", "what a model is for"),
        ("caution", "after the word Caution"),
        ("aid", "what a model is good for"),
    ):
        if manifest.get(key):
            yield None, manifest[key], comment
    for exclusion in manifest["applies_to"].get("excluded", ()):
        yield None, exclusion["reason"], "why an image is not read"
    for part in manifest["applies_to"]["body_parts"]:
        yield "body part", part.lower() if len(part) > 2 else part, "within a sentence: It was read as {part}"


# ---------------------------------------------------------------- catalogues


class ReviewedCatalog(Catalog):
    """A catalogue whose header says who translated and who reviewed it, and nothing that changes by itself."""

    reviewed_by = translated_by = ""
    num_plurals, plural_expr = 2, "(n != 1)"

    @property  # type: ignore[misc]  # Babel's can be set, from a .po file's header; this one is only written
    def mime_headers(self) -> list[tuple[str, str]]:
        """The header."""
        told = [
            ("Project-Id-Version", "Leapfrog"),
            ("Language", str(self.locale_identifier or "")),
            ("Last-Translator", self.translated_by),
            (REVIEWED_BY, self.reviewed_by),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]
        return [*told, ("Plural-Forms", f"nplurals={self.num_plurals}; plural={self.plural_expr};")]


def new_catalog(code: str | None = None) -> ReviewedCatalog:
    """An empty one."""
    catalog = ReviewedCatalog(locale=code, charset="utf-8", header_comment=HEADER, fuzzy=False)
    if code is not None:
        catalog.num_plurals, catalog.plural_expr = PLURALS.get(code) or get_plural(code)[:2]
    return catalog


def merged(template: Catalog, path: Path, code: str) -> ReviewedCatalog:
    """The language's catalogue with the sentences of today. What is not said any more is dropped: git has it."""
    catalog = new_catalog(code)
    if not path.exists():
        old = Catalog(locale=code)
    else:
        content = path.read_bytes()
        old = read_po(BytesIO(content), locale=code)
        header = content.decode().partition("\n\n")[0]
        catalog.reviewed_by, catalog.translated_by = (
            header_field(header, one) for one in (REVIEWED_BY, "Last-Translator")
        )
    for message in template:
        if message.id:
            known = old.get(message.id, message.context)
            catalog.add(
                message.id,
                known.string if known else (("",) * catalog.num_plurals if isinstance(message.id, tuple) else ""),
                locations=message.locations,
                auto_comments=message.auto_comments,
                user_comments=known.user_comments if known else (),
                flags={"fuzzy"} if known and known.fuzzy else (),
                context=message.context,
            )
    return catalog


def header_field(header: str, name: str) -> str:
    """A field of a .po file's header; "" if it has none."""
    found = re.search(rf'^"{re.escape(name)}: (.*)\\n"$', header, re.MULTILINE)
    return found[1].strip() if found else ""


def english(template: Catalog) -> Catalog:
    """Every sentence as its own translation: what the box knows that there is to say."""
    catalog = new_catalog("en")
    for message in template:
        if message.id:
            catalog.add(message.id, message.id, context=message.context)
    return catalog


def sound(catalog: ReviewedCatalog) -> ReviewedCatalog:
    """The catalogue without what is marked as doubtful (fuzzy) or has a wrong placeholder: that is said in English."""
    kept = new_catalog(str(catalog.locale))
    kept.reviewed_by, kept.translated_by = catalog.reviewed_by, catalog.translated_by
    for message in catalog:
        if message.id and is_translated(message) and not message.fuzzy and not placeholders_wrong(message):
            kept.add(message.id, message.string, context=message.context)
    return kept


def po_text(catalog: Catalog) -> bytes:
    """As a .po file."""
    stream = BytesIO()
    write_po(stream, catalog, width=WIDTH, include_lineno=False)
    return stream.getvalue()


def mo_bytes(catalog: Catalog) -> bytes:
    """As a .mo file."""
    stream = BytesIO()
    write_mo(stream, catalog)
    return stream.getvalue()


def is_translated(message: Message) -> bool:
    """Whether every form has a translation."""
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def wrong(catalog: Catalog) -> Iterator[str]:
    """A complaint for each translation whose placeholders are wrong."""
    for message in catalog:
        if message.id and is_translated(message) and placeholders_wrong(message):
            yield f"{placeholders_wrong(message)} of {one_of(message)!r}"


def one_of(message: Message) -> str:
    """The English of a message; of one with a plural, for one thing."""
    return forms(message.id)[0]


def forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """The forms of a message's English or translation: one, or as many as its plural has."""
    return (text,) if isinstance(text, str) else tuple(text or ())


def placeholders_wrong(message: Message) -> str:
    """What is wrong with a translation's placeholders; "" if nothing is. A form for a fixed count needs no {count}."""
    known = {name for text in forms(message.id) for name in PLACEHOLDER.findall(text)}
    for text in forms(message.string):
        found = set(PLACEHOLDER.findall(text))
        if found - known:
            return f"{{{min(found - known)}}} is no placeholder"
        lacking = known - found - ({"count"} if isinstance(message.id, tuple) else set())
        if lacking:
            return f"{{{min(lacking)}}} is missing in the translation"
    return ""
