"""Sentences in a language: plurals, numbers and dates by locale, English where something is missing."""

import datetime

import pytest
from babel import Locale
from babel.dates import format_skeleton, get_month_names
from babel.numbers import format_decimal

from leapfrog.language.catalogue import Catalogue, catalogue, read_catalogue
from leapfrog.language.languages import ENGLISH, LANGUAGES
from leapfrog.language.listing import enumerated
from leapfrog.language.sentence import Sentence, day, joined, known, number, plural, sentence, term
from leapfrog.language.speaker import END_OF_ISOLATE, ISOLATE, Speaker

IMAGES = plural("{count} image", "{count} images")
WHOLE = sentence("The {name} is whole.")
FRENCH = Catalogue(
    LANGUAGES["fr"],
    {
        ("", "{count} image"): ("{count} image", "{count} images"),
        ("", "The {name} is whole."): ("La {name} est entière.",),
        ("", "Fetal head"): ("Tête fœtale",),
        ("side", "left"): ("gauche",),
        ("", "Wrong {name}"): ("Faux {nom}",),
    },
    plural_form=lambda count: int(count > 1),
)
OTHERS = [code for code in LANGUAGES if code != ENGLISH.code]


def test_a_sentence_is_said_with_its_values_in_the_language_too() -> None:
    assert Speaker(FRENCH).say(WHOLE.format(name=sentence("Fetal head").lowered())) == "La tête fœtale est entière."


def test_the_same_english_word_may_be_another_word_elsewhere() -> None:
    speaker = Speaker(FRENCH)
    assert (speaker.say(term("side", "left")), speaker.say(sentence("left"))) == ("gauche", "left")


def test_what_the_catalogue_lacks_is_said_in_english_never_as_a_key() -> None:
    speaker = Speaker(FRENCH)
    assert speaker.say(sentence("Send it again.")) == "Send it again."
    assert speaker.say(plural("{count} day", "{count} days").format(count=2)) == "2 days"


def test_a_translation_with_a_wrong_placeholder_is_said_in_english() -> None:
    assert Speaker(FRENCH).say(sentence("Wrong {name}").format(name="x")) == "Wrong x"


def test_what_somebody_else_wrote_is_said_as_it_is() -> None:
    speaker = Speaker(FRENCH)
    assert speaker.say("Fetal head") == speaker.say(Sentence("Fetal head")) == "Fetal head"
    assert speaker.said == {}


def test_it_remembers_what_it_said() -> None:
    speaker = Speaker(FRENCH)
    said = IMAGES.format(count=3)
    assert speaker.said == {speaker.say(said): said}


@pytest.mark.parametrize("code", OTHERS)
def test_dates_and_numbers_are_written_as_cldr_has_them_with_digits_from_0_to_9(code: str) -> None:
    language = LANGUAGES[code]
    for month in range(1, 13):
        moment = datetime.date(2026, month, 3)
        assert language.day(moment.isoformat()) == format_skeleton("yMMMd", moment, locale=code)
        assert language.month_names[month - 1] == get_month_names("wide", "stand-alone", code)[month]
    for value in (0.87, 175.0, 1234.5, 1234567.25):
        ours = language.number(f"{value:,.2f}")
        assert ours == format_decimal(
            value, "#,##,##0.00" if code == "hi" else "#,##0.00", locale=code, numbering_system="latn"
        )
        assert ours.replace(language.decimal, "").replace(language.thousands, "").isascii()


@pytest.mark.parametrize("code", OTHERS)
def test_each_language_is_named_as_it_calls_itself_and_runs_its_way(code: str) -> None:
    locale = Locale(code)
    assert LANGUAGES[code].name.casefold() == str(locale.get_display_name(code)).casefold()
    assert LANGUAGES[code].right_to_left == (locale.text_direction == "rtl")


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "2026-13-01", "20261103", "--", "1,2x"])
def test_what_is_no_number_and_no_date_stays_as_it_is(text: str) -> None:
    french = Speaker(FRENCH)
    assert (french.say(number(text)), french.say(day(text))) == (text, text)


def test_english_keeps_iso_dates_and_its_own_numbers() -> None:
    speaker = Speaker("en")
    assert speaker.say(joined((day("2026-11-03 14:22"), number("1,234.5")))) == "2026-11-03 14:22 1,234.5"


def test_within_arabic_what_runs_from_left_to_right_is_isolated() -> None:
    arabic = Speaker(Catalogue(LANGUAGES["ar"], {("", "The {name} is whole."): ("الـ{name} كامل.",)}))
    assert (
        arabic.say(WHOLE.format(name="chest-findings 1.0")) == f"الـ{ISOLATE}chest-findings 1.0{END_OF_ISOLATE} كامل."
    )
    assert arabic.say(sentence("Send it again.")) == f"{ISOLATE}Send it again.{END_OF_ISOLATE}"
    assert arabic.say(IMAGES.format(count=3)) == f"{ISOLATE}3 images{END_OF_ISOLATE}"


def test_no_reviewed_language_needs_its_english_below_and_each_other_one_does() -> None:
    said, reviewed = WHOLE.format(name="x"), Catalogue(LANGUAGES["fr"], FRENCH.forms, reviewed_by="Dr Aïcha Ndiaye")
    assert Speaker(FRENCH).english(said) == "The x is whole."
    assert Speaker(reviewed).english(said) == Speaker("en").english(said) == ""
    assert Speaker(FRENCH).english(sentence("Not translated.")) == ""


@pytest.mark.parametrize("content", [b"", b"\xde\x12\x04\x95", b"PK\x03\x04" + b"\0" * 40])
def test_a_damaged_catalogue_is_told_apart(content: bytes) -> None:
    with pytest.raises(Exception, match=r".+"):
        read_catalogue(content, ENGLISH)


def test_a_language_without_a_catalogue_is_said_in_english() -> None:
    assert Speaker(catalogue("xx")).say(enumerated([known("Nodule"), "b"])) == "Nodule, b"
