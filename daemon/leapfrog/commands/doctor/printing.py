"""The printer: its queue, its driver and its paper, and what the print server keeps of what it printed."""

import re
from collections.abc import Iterator
from pathlib import Path

from leapfrog.commands.doctor.check import Check, absent, ok, wrong
from leapfrog.errors import PrinterRefused, PrinterUnreachable
from leapfrog.printing.ipp.client import NOT_FOUND, PDF, IppPrinter, Operation, PrinterSeen
from leapfrog.printing.ipp.place import DEFAULT_PORT, DEFAULT_SOCKET, Place, place_of
from leapfrog.printing.named_printer import paper_unsupported
from leapfrog.printing.papers import is_supported
from leapfrog.settings import PrintSettings
from leapfrog.wording import print_words
from leapfrog.wording.print_words import PrinterTrouble, printer_in_words, trouble_of

CUPSD_FILE = Path("/etc/cups/cupsd.conf")
SPOOL = "/var/spool/cups"
PRESERVE_LINE = re.compile(r"^\s*PreserveJobFiles\s+(\S+)\s*$", re.MULTILINE | re.IGNORECASE)
KEEPS_NOTHING = {"no", "off", "false", "0"}
RAW = "raw printer"  # in the model of a queue without a driver
LOCAL = ("localhost", "127.0.0.1", "::1")


def printing_checks(settings: PrintSettings, cupsd_file: Path = CUPSD_FILE) -> Iterator[Check]:
    """Whether the printer of the settings prints what is sent to it."""
    if not settings.printer:
        yield absent("printer", f"Nothing is printed by itself: {print_words.NOT_CONFIGURED}.")
        return
    place = place_of(settings.printer)
    try:
        seen = IppPrinter(place).printer()
    except PrinterUnreachable as problem:
        yield _wrong(settings, print_words.CANNOT_BE_ASKED, reason=problem)
    except PrinterRefused as problem:
        missing = problem.status == NOT_FOUND
        trouble = print_words.NO_SUCH_PRINTER if missing else print_words.REFUSES_JOBS
        yield _wrong(settings, trouble, server=place.server, reason=problem)
    else:
        found = list(_faults(settings, seen))
        yield from found or [_ready(settings, seen)]
    if place.is_queue:
        yield _kept(place, cupsd_file)


def _faults(settings: PrintSettings, seen: PrinterSeen) -> Iterator[Check]:
    name = {"printer": printer_in_words(settings.printer)}
    if not seen.accepting:
        yield _wrong(settings, print_words.NOT_ACCEPTING)
    if seen.state == "stopped":
        yield _wrong(settings, trouble_of(seen.reasons) or print_words.PRINTER_STOPPED)
    if seen.formats and PDF not in seen.formats:
        yield wrong("printer driver", print_words.NO_PDF.format(**name), print_words.NO_PDF_REMEDY)
    elif seen.operations and Operation.CREATE_JOB not in seen.operations:
        yield wrong("printer driver", print_words.NO_CREATE_JOB.format(**name), print_words.NO_PDF_REMEDY)
    elif RAW in seen.make_and_model.lower():
        yield wrong("printer driver", print_words.NO_DRIVER.format(**name), print_words.NO_DRIVER_REMEDY)
    if seen.device.startswith("file:") and not seen.is_class:
        said = print_words.FILE_DEVICE.format(**name, device=printer_in_words(seen.device))
        yield wrong("printer device", said, print_words.FILE_DEVICE_REMEDY)
    if not is_supported(settings.page_size, seen.media):
        said = paper_unsupported(name["printer"], settings.page_size, seen.media)
        yield wrong("printer paper", said, print_words.PAPER_REMEDY)


def _ready(settings: PrintSettings, seen: PrinterSeen) -> Check:
    make = printer_in_words(seen.make_and_model) or "?"
    printer = printer_in_words(settings.printer)
    return ok("printer", print_words.READY_ON_PAPER.format(printer=printer, make=make, paper=settings.page_size))


def _wrong(settings: PrintSettings, trouble: PrinterTrouble, **values: object) -> Check:
    return wrong("printer", trouble.what.format(printer=printer_in_words(settings.printer), **values), trouble.remedy)


def _kept(place: Place, cupsd_file: Path) -> Check:
    """Whether the print server keeps what it printed: the patients' names stand on it."""
    name = "kept sheets"
    ours = place.socket == DEFAULT_SOCKET if place.socket else place.host in LOCAL and place.port == DEFAULT_PORT
    if not ours:
        return absent(name, print_words.OTHER_SERVER_KEEPS.format(server=place.server))
    try:
        found = PRESERVE_LINE.search(cupsd_file.read_text(encoding="utf-8", errors="replace"))
    except OSError as problem:
        return absent(name, print_words.KEEPING_UNKNOWN.format(file=cupsd_file, reason=problem.strerror))
    if found and found[1].lower() in KEEPS_NOTHING:
        return ok(name, print_words.KEEPS_NO_FILES)
    return wrong(
        name, print_words.KEEPS_FILES.format(folder=SPOOL), print_words.KEEPS_FILES_REMEDY.format(file=cupsd_file)
    )
