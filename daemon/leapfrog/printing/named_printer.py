"""A printer that a person names for one print: is there such a one? Told while that person is there to hear."""

from leapfrog.errors import PrinterError, PrinterRefused, UsageError
from leapfrog.printing.ipp.client import NOT_FOUND, IppPrinter
from leapfrog.printing.ipp.place import place_of
from leapfrog.printing.papers import is_supported
from leapfrog.settings import PageSize
from leapfrog.wording import print_words
from leapfrog.wording.print_words import printer_in_words

PATIENCE_SECONDS = 5.0  # somebody waits at a shell
LISTED_PAPERS = 12


def look_at(printer: str, page_size: PageSize) -> str:
    """Ask a printer before something is printed on it. Returns what to say of its paper, "" if nothing; one that does
    not answer now may do so later. Raises UsageError when its server says that there is none.
    """
    place = place_of(printer)
    name = printer_in_words(printer)
    try:
        seen = IppPrinter(place, patience=PATIENCE_SECONDS).printer()
    except PrinterRefused as refusal:
        if refusal.status == NOT_FOUND:
            raise UsageError(print_words.NO_PRINTER_OF_THAT_NAME.format(printer=name, server=place.server)) from None
        return ""
    except PrinterError:
        return ""
    return "" if is_supported(page_size, seen.media) else paper_unsupported(name, page_size, seen.media)


def paper_unsupported(name: str, page_size: PageSize, media: tuple[str, ...]) -> str:
    """That a printer does not list a paper, and what it lists."""
    listed = ", ".join(map(printer_in_words, media[:LISTED_PAPERS]))
    return print_words.PAPER_UNSUPPORTED.format(printer=name, paper=page_size, listed=listed)
