"""A page names the fonts that its letters need, and each font has the letters for which it is named."""

import unicodedata

import pytest

from leapfrog.page_fonts.page_fonts import FONTS, FONTS_HERE, SCRIPTS, _spans, scripts_in, with_fonts
from leapfrog.reader.report.characters import FONTS as PDF_FONTS
from leapfrog.reader.report.characters import covered
from support.names import NAMES

WITHOUT_FONT = ("Greek", "Polish", "Russian", "Vietnamese")  # every device draws these


@pytest.mark.parametrize("language", NAMES)
def test_a_name_needs_the_font_of_its_script_and_no_other(language: str) -> None:
    assert len(scripts_in(NAMES[language])) == (0 if language in WITHOUT_FONT else 1)


def test_a_page_has_the_fonts_inside_it_or_takes_them_from_a_folder() -> None:
    page = f"<style>{FONTS_HERE}</style>राम 12 ▲"
    inside, beside = with_fonts(page), with_fonts(page, "../fonts")
    assert inside.count("data:font/woff2;base64,") == 2 and "../" not in inside
    assert '"../fonts/Devanagari.woff2"' in beside and '"../fonts/Signs.woff2"' in beside
    assert with_fonts(f"<style>{FONTS_HERE}</style>Okello") == "<style></style>Okello"


def test_whatever_script_the_pdf_has_the_pages_have_too() -> None:
    """But Latin, Greek and Cyrillic, which every device draws, and letters of dead languages."""
    spans = [span for script in SCRIPTS for span in _spans(script)]
    missing = {
        letter
        for font in PDF_FONTS.glob("*.ttf")
        for first, last in covered(font.read_bytes())
        for letter in map(chr, range(first, last + 1))
        if unicodedata.category(letter) == "Lo" and not any(low <= ord(letter) <= high for low, high in spans)
    }
    assert {letter for letter in missing if ord(letter) > 0x052F} <= set("ℵℶℷℸ")  # signs of mathematics


def test_every_font_is_there_and_all_are_small() -> None:
    assert {script.file for script in SCRIPTS} == {path.name for path in FONTS.glob("*.woff2")}
    assert max((FONTS / script.file).stat().st_size for script in SCRIPTS) < 70_000
    assert sum((FONTS / script.file).stat().st_size for script in SCRIPTS) < 500_000
