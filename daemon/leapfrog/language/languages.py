"""The languages in which the box speaks to staff, and how each writes numbers and dates.

Digits are 0 to 9 in all of them, as machines, thermometers and laboratories in the same clinic write them. How dates
and numbers are written is CLDR's, abbreviated months with the year in full; a test compares it. English keeps ISO 8601,
since half of its readers would take 03/11 for the other date.
"""

from dataclasses import dataclass
from typing import Literal

LanguageCode = Literal["en", "fr", "es", "pt", "sw", "hi", "ar"]


@dataclass(frozen=True)
class Language:
    """A language. `name` is its own name for itself. `date` is how a day is written; without one, as ISO 8601 has it.
    `groups`: how many digits stand together before the decimal point, from the right; the last number goes on.
    `months` are short, as in dates; `month_names` are what somebody may type in full.
    """

    code: str
    name: str
    right_to_left: bool = False
    decimal: str = "."
    thousands: str = ","
    groups: tuple[int, ...] = (3,)
    date: str = ""
    months: tuple[str, ...] = ()
    month_names: tuple[str, ...] = ()

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, as in HTML."""
        return "rtl" if self.right_to_left else "ltr"

    def number(self, english: str) -> str:
        """A number that English writes as `1,234.5`; what is none, unchanged."""
        whole, point, fraction = english.replace(",", "").partition(".")
        if not (whole.lstrip("-").isdigit() and (fraction.isdigit() or not point)):
            return english
        grouped = self._grouped(whole) if "," in english else whole
        return f"{grouped}{self.decimal}{fraction}" if point else grouped

    def day(self, iso: str) -> str:
        """A date such as `2026-11-03`, with or without ` 14:22` after it; what is none, unchanged."""
        written, blank, time = iso.partition(" ")
        parts = written.split("-")
        if not self.date or len(parts) != 3 or not all(map(str.isdigit, parts)) or not 1 <= int(parts[1]) <= 12:
            return iso
        year, month, number = parts
        return self.date.format(day=int(number), month=self.months[int(month) - 1], year=year) + blank + time

    def _grouped(self, whole: str) -> str:
        sizes = list(self.groups)
        groups: list[str] = []
        while whole:
            size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
            whole, group = whole[:-size], whole[-size:]
            groups.insert(0, group)
        return self.thousands.join(groups)


_DAY_MONTH_YEAR = "{day} {month} {year}"

ENGLISH = Language("en", "English")
LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        ENGLISH,
        Language(
            "fr",
            "Français",
            decimal=",",
            thousands="\u202f",
            date=_DAY_MONTH_YEAR,
            months=(
                "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.",
            ),
            month_names=(
                "janvier", "février", "mars", "avril", "mai", "juin",
                "juillet", "août", "septembre", "octobre", "novembre", "décembre",
            ),
        ),
        Language(
            "es",
            "Español",
            decimal=",",
            thousands=".",
            date=_DAY_MONTH_YEAR,
            months=("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"),
            month_names=(
                "enero", "febrero", "marzo", "abril", "mayo", "junio",
                "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
            ),
        ),
        Language(
            "pt",
            "Português",
            decimal=",",
            thousands=".",
            date="{day} de {month} de {year}",
            months=("jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."),
            month_names=(
                "janeiro", "fevereiro", "março", "abril", "maio", "junho",
                "julho", "agosto", "setembro", "outubro", "novembro", "dezembro",
            ),
        ),
        Language(
            "sw",
            "Kiswahili",
            date=_DAY_MONTH_YEAR,
            months=("Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ago", "Sep", "Okt", "Nov", "Des"),
            month_names=(
                "Januari", "Februari", "Machi", "Aprili", "Mei", "Juni",
                "Julai", "Agosti", "Septemba", "Oktoba", "Novemba", "Desemba",
            ),
        ),
        Language(
            "hi",
            "हिन्दी",
            groups=(3, 2),
            date=_DAY_MONTH_YEAR,
            months=(
                "जन॰", "फ़र॰", "मार्च", "अप्रैल", "मई", "जून", "जुल॰", "अग॰", "सित॰", "अक्टू॰", "नव॰", "दिस॰",
            ),
            month_names=(
                "जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून",
                "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर",
            ),
        ),
        Language(
            "ar",
            "العربية",
            right_to_left=True,
            date=_DAY_MONTH_YEAR,
            months=(
                "يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو",
                "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر",
            ),
            month_names=(
                "يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو",
                "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر",
            ),
        ),
    )
}  # fmt: skip
