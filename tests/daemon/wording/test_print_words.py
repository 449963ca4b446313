"""What printers say of themselves, in words that a nurse understands."""

from dataclasses import astuple

import pytest

from leapfrog.wording import print_words
from leapfrog.wording.print_words import PrinterTrouble, replaces_sheet, says_that_it_is_off, trouble_of

EVERY = [value for value in vars(print_words).values() if isinstance(value, PrinterTrouble)]
VALUES = {"printer": "laser", "server": "host:631", "reason": "It is away.", "message": "Hm.", "exam": "K7-42F"}


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (["media-empty-error"], "is out of paper"),
        (["media-needed-warning"], "is out of paper"),
        (["media-empty-error", "media-jam-error"], "is jammed"),
        (["cover-open"], "cover of the printer"),
        (["toner-empty-error"], "toner or ink"),
        (["marker-supply-empty-report"], "toner or ink"),
        (["output-area-full-warning"], "output tray"),
        (["offline-report"], "does not answer"),
        (["paused"], "is stopped"),
        (["cups-missing-filter-warning"], "driver"),
    ],
)
def test_a_reason_is_told_in_words(reasons: list[str], words: str) -> None:
    trouble = trouble_of(reasons)
    assert trouble is not None and words in trouble.what


@pytest.mark.parametrize("reasons", [[], ["none"], ["toner-low-warning"], ["cups-waiting-for-job-completed"], ["x"]])
def test_what_keeps_nothing_from_being_printed_is_not_told(reasons: list[str]) -> None:
    assert trouble_of(reasons) is None


@pytest.mark.parametrize("trouble", EVERY)
def test_every_sentence_is_whole_and_says_what_to_do(trouble: PrinterTrouble) -> None:
    for sentence in astuple(trouble):
        written = sentence.format(**VALUES)
        assert written.endswith((".", "Hm.")) and "{" not in written
    assert "`" not in trouble.for_staff and "lp" not in trouble.for_staff.split(), "staff are told no commands"


def test_a_printer_that_is_off_is_known_by_what_cups_says() -> None:
    assert says_that_it_is_off("The printer may not exist or is unavailable at this time.")
    assert not says_that_it_is_off("Printing page 1.")


def test_only_a_sheet_that_replaces_one_says_so() -> None:
    assert replaces_sheet("") == ""
    assert replaces_sheet("2026-11-03T14:25:00+03:00").startswith("This replaces the sheet of 2026-11-03 14:25.")
