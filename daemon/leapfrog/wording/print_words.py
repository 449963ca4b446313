"""Everything that is said of paper: on the sheet, in the list, by `status` and `doctor`. Whole sentences."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from leapfrog.language.sentence import Sentence, sentence, term
from leapfrog.wording.text import clean, moment

LONGEST_PRINTER = 80  # letters of a printer's name

# ---------------------------------------------------------------- on the sheet

REPLACES_SHEET = sentence("This replaces the sheet of {time}. Throw that one away.")


def replaces_sheet(printed_at: str) -> Sentence:
    """Which sheet this one takes the place of; `printed_at` is ISO 8601, "" when there is none."""
    return REPLACES_SHEET.format(time=moment(printed_at)) if printed_at else Sentence("")


# ---------------------------------------------------------------- in the list

PRINTED = term("state of an exam", "printed")
TO_BE_PRINTED = term("state of an exam", "to be printed")
NOT_PRINTED = term("state of an exam", "not printed")
NOT_PRINTED_TO_DO = sentence("There is no paper of it: read the report here, or have it printed.")

# ---------------------------------------------------------------- on the page of a report

# By the names by which the page's script says them.
SHEET_WORDS = {
    "sheetWaits": sentence("The sheet of this report is still to be printed."),
    # Translators: {time} is a date with a time
    "sheetPrinted": sentence("A sheet of this report was printed {time}."),
    "sheetNotPrinted": sentence("There is no paper of this report: it could not be printed."),
}


# ---------------------------------------------------------------- job titles


JOB_TITLE = "{exam} version {version} ({id})"


# ---------------------------------------------------------------- what is wrong with a printer


@dataclass(frozen=True)
class PrinterTrouble:
    """What is wrong with a printer: for a technician, `what` and `remedy`; for staff, one line."""

    what: str
    remedy: str
    for_staff: Sentence


PAPER_OUT = PrinterTrouble(
    what="The printer {printer} is out of paper.",
    remedy="Put paper in. Printing goes on by itself.",
    for_staff=sentence("The printer is out of paper. Put paper in; printing goes on by itself."),
)
PAPER_JAM = PrinterTrouble(
    what="Paper is jammed in the printer {printer}.",
    remedy="Take the jammed paper out. Printing goes on by itself.",
    for_staff=sentence("Paper is jammed in the printer. Take it out; printing goes on by itself."),
)
COVER_OPEN = PrinterTrouble(
    what="A cover of the printer {printer} is open.",
    remedy="Close it. Printing goes on by itself.",
    for_staff=sentence("A cover of the printer is open. Close it; printing goes on by itself."),
)
TONER_OUT = PrinterTrouble(
    what="The printer {printer} is out of toner or ink.",
    remedy="Put a new cartridge in. Printing goes on by itself.",
    for_staff=sentence("The printer is out of toner or ink. Put a new cartridge in; printing goes on by itself."),
)
TRAY_MISSING = PrinterTrouble(
    what="A tray is missing from the printer {printer}.",
    remedy="Put it in. Printing goes on by itself.",
    for_staff=sentence("A tray is missing from the printer. Put it in; printing goes on by itself."),
)
OUTPUT_FULL = PrinterTrouble(
    what="The output tray of the printer {printer} is full.",
    remedy="Take the sheets out. Printing goes on by itself.",
    for_staff=sentence("The output tray of the printer is full. Take the sheets out; printing goes on by itself."),
)
OFF = PrinterTrouble(
    what="The printer {printer} does not answer: it is off, or not connected.",
    remedy="Turn it on, and look at its cable or network. Printing goes on by itself.",
    for_staff=sentence("The printer is off, or not connected. Turn it on; printing goes on by itself."),
)
QUEUE_STOPPED = PrinterTrouble(
    what="The print queue {printer} is stopped.",
    remedy="`lpstat -l -p` says why; `cupsenable` starts it again. What waits is printed then.",
    for_staff=sentence("Printing is stopped. Look at the printer, then tell the technician."),
)
PRINTER_STOPPED = PrinterTrouble(
    what="The printer {printer} has stopped and says no reason that is known here.",
    remedy="Look at its display. Printing goes on by itself once it is ready.",
    for_staff=sentence("The printer has stopped. Look at its display; printing goes on by itself once it is ready."),
)
NOT_ACCEPTING = PrinterTrouble(
    what="The print queue {printer} takes no jobs.",
    remedy="`cupsaccept` lets it take them again. What waits is printed then.",
    for_staff=sentence("Nothing can be printed: the printer takes no sheets. Tell the technician."),
)
DRIVER_FAILS = PrinterTrouble(
    what="The print server lacks a program that the driver of {printer} needs.",
    remedy="Install the printer's driver on the print server, or set the queue up anew.",
    for_staff=sentence("Nothing can be printed: the printer's driver is not complete. Tell the technician."),
)
NO_SUCH_PRINTER = PrinterTrouble(
    what="There is no printer {printer} at {server}.",
    remedy="Correct print.printer in the settings (`lpstat -e` lists the queues), or set the queue up.",
    for_staff=sentence("Nothing can be printed: the printer is not set up. Tell the technician."),
)
# One that a person named for one print, or that was the printer of the settings once.
NO_OTHER_PRINTER = replace(
    NO_SUCH_PRINTER, remedy="Set the queue up, or give up what waits for it: `leapfrog dismiss EXAM`."
)
CANNOT_BE_ASKED = PrinterTrouble(
    what="The printer {printer} cannot be used. {reason}",
    remedy="Look whether the print server runs, and print.printer in the settings. What waits is printed by itself.",
    for_staff=sentence("The printer, or its server, cannot be reached. Turn the printer on, or tell the technician."),
)
REFUSES_JOBS = PrinterTrouble(
    what="The printer {printer} takes no sheets. {reason}",
    remedy="See printing.md beside the settings file. What waits is printed by itself once it takes them.",
    for_staff=sentence("Nothing can be printed: the printer takes no sheets. Tell the technician."),
)
LONG_IN_PRINT = PrinterTrouble(
    what="The printer {printer} has had a sheet for more than a minute and has not printed it. It says: {message}",
    remedy="Look at the printer: it may be off, out of paper or waiting for something.",
    for_staff=sentence("The printer does not print. Look whether it is on, has paper, and what its display says."),
)
JOB_HELD = PrinterTrouble(
    what="The sheet of exam {exam} is held in the print queue {printer}.",
    remedy="Release it at the printer, or with `lp -i NUMBER -H resume`; `lpstat -o` shows its number.",
    for_staff=sentence("The sheet of exam {exam} is held at the printer. Release it there, or tell the technician."),
)

# By the keyword of printer-state-reasons (RFC 8011, Section 5.4.12, the IANA registry and CUPS), without its severity.
# Those that are first in this table are told first. What is missing here is no trouble, or says nothing to anybody.
TROUBLES: dict[str, PrinterTrouble] = {
    "media-jam": PAPER_JAM,
    "media-empty": PAPER_OUT,
    "media-needed": PAPER_OUT,
    "cover-open": COVER_OPEN,
    "door-open": COVER_OPEN,
    "interlock-open": COVER_OPEN,
    "toner-empty": TONER_OUT,
    "marker-supply-empty": TONER_OUT,
    "input-tray-missing": TRAY_MISSING,
    "output-tray-missing": TRAY_MISSING,
    "output-area-full": OUTPUT_FULL,
    "cups-missing-filter": DRIVER_FAILS,
    "cups-insecure-filter": DRIVER_FAILS,
    "offline": OFF,
    "shutdown": OFF,
    "timed-out": OFF,
    "connecting-to-device": OFF,
    "paused": QUEUE_STOPPED,
    "moving-to-paused": QUEUE_STOPPED,
}
# In what CUPS says of a printer that is off: it gives no reason then.
SAID_WHEN_OFF = ("not exist or is unavailable", "not responding", "to become available", "locate printer", "is offline")
SAYS_NOTHING = "nothing."
SEVERITIES = ("-error", "-warning", "-report")


def without_severity(reason: str) -> str:
    """The keyword of a reason: `media-empty` of `media-empty-error`."""
    return next((reason.removesuffix(one) for one in SEVERITIES if reason.endswith(one)), reason)


def trouble_of(reasons: Iterable[str]) -> PrinterTrouble | None:
    """What a printer's reasons say is wrong with it, the most telling; None if that is nothing."""
    given = {without_severity(reason) for reason in reasons}
    return next((trouble for keyword, trouble in TROUBLES.items() if keyword in given), None)


def says_that_it_is_off(message: str) -> bool:
    """Whether a print server means by this message that the printer does not answer."""
    return any(words in message for words in SAID_WHEN_OFF)


def printer_in_words(printer: str) -> str:
    """A printer's name or address, made harmless."""
    return clean(printer, LONGEST_PRINTER)


# ---------------------------------------------------------------- why nothing came of asking

REFUSED_CONNECTION = "Nothing answers at {server}."
SILENT = "{server} does not answer."
BROKE_OFF = "The connection to {server} broke off."
NOT_AN_IPP_ANSWER = "What answers at {server} does not print by IPP."
ASKS_FOR_LOGIN = "The print server {server} asks for a password, or does not allow this box to print."
WANTS_TLS = "The print server {server} wants an encrypted connection: use an address that begins with ipps://."
REFUSED_BY_PRINTER = "The print server {server} answered {code}: {meaning}"
OTHER_REFUSAL = "it does not do that."
REFUSALS = {
    0x0400: "it does not understand what was asked.",
    0x0401: "this box is not allowed to do that.",
    0x0402: "it wants to know who this is.",
    0x0403: "this box is not allowed to do that.",
    0x0404: "that is not possible now.",
    0x0406: "it does not know that printer or job.",
    0x040A: "it does not print PDF.",
    0x0501: "it cannot be given a job and its sheet one after the other (Create-Job).",
    0x0506: "it takes no jobs now.",
    0x0507: "it is busy.",
}


def refused_by_printer(server: str, status: int) -> str:
    """What a print server answered, by IPP's status code."""
    return REFUSED_BY_PRINTER.format(server=server, code=f"0x{status:04X}", meaning=REFUSALS.get(status, OTHER_REFUSAL))


# ---------------------------------------------------------------- how a print ended

CANCELLED = "The print was cancelled, at the printer or on the print server."
ABORTED = "The print server gave the print up: its filter failed, or the printer refused the sheet."
FILTER_FAILED = (
    "The print server could not prepare the sheet for the printer: a filter failed. Its error_log says why; often the"
    " queue has the wrong driver, or lacks a part of it."
)
GONE = (
    "The print server does not know the print any more, so nobody knows whether it was printed. Look at the printer;"
    " `leapfrog retry` prints it again."
)
SHEET_LOST = "The sheet that was to be printed is not there any more. `leapfrog print` makes a new one."
NO_SHEET = "The sheet could not be made. Tell whoever looks after Leapfrog."
TOO_OLD = "It waited too long for the printer (print.max_age_hours)."
REFUSED_WHAT = "Sheets that could not be printed: {total}{exams}. {reason}"
REFUSED_REMEDY = "`leapfrog retry EXAM` prints one again, `leapfrog dismiss EXAM` gives it up."
REFUSED_FOR_STAFF = sentence(
    "Some sheets could not be printed; their exams are marked below. Read the reports here, and tell the technician."
)
TOO_OLD_WHAT = "Sheets that were not printed because they waited too long for the printer: {total}{exams}."
TOO_OLD_REMEDY = (
    "`leapfrog print EXAM` prints one, `leapfrog dismiss EXAM` gives it up. print.max_age_hours in the settings says"
    " how long they wait."
)
TOO_OLD_FOR_STAFF = sentence(
    "Some exams were not printed because the printer was off for long; they are marked below. Read the reports here."
)

# ---------------------------------------------------------------- the command `print`, and `status`

NO_PRINTER = "No printer is set. Set print.printer in the settings file, or name one with --printer."
NO_PRINTER_OF_THAT_NAME = "There is no printer {printer} at {server}. `lpstat -e` lists the queues. Nothing is printed."
NO_REPORT_YET = "Exam {exam} has no report yet: try again in a moment."
PRINTING = (
    "Exam {exam}, version {version} of its report: printing on {printer}. `leapfrog status` says what becomes of it."
)
NOT_CONFIGURED = "no printer is set (print.printer)"
READY = "ready"
PAPER_UNSUPPORTED = "The printer {printer} does not list the paper {paper}. It lists: {listed}."
PAPER_REMEDY = "Set print.page_size in the settings to what is in the printer, or add the paper to the queue."
NO_PDF = "The printer {printer} does not print PDF by itself."
NO_PDF_REMEDY = "Set up a CUPS queue for it, with its driver, and name that in print.printer."
NO_CREATE_JOB = "The printer {printer} cannot be given a job and its sheet one after the other (Create-Job)."
NO_DRIVER = (
    "The print queue {printer} has no driver (it is raw): a sheet comes out as unreadable text on most printers."
)
NO_DRIVER_REMEDY = "Set the queue up with a driver, or with `-m everywhere`."
FILE_DEVICE = "The print queue {printer} prints to a file, not on paper ({device})."
FILE_DEVICE_REMEDY = "Set the queue up for a real printer, unless this is a trial."
KEEPS_FILES = (
    "CUPS keeps a copy of each sheet for a while after it was printed (PreserveJobFiles, in {folder}), with the"
    " patient's name on it."
)
KEEPS_FILES_REMEDY = "Write the line `PreserveJobFiles No` into {file}, and restart CUPS."
KEEPING_UNKNOWN = "Whether CUPS keeps what it printed is not known: {file} cannot be read ({reason}). Run this as root."
KEEPS_NO_FILES = "CUPS deletes each sheet once it is printed (PreserveJobFiles No)."
OTHER_SERVER_KEEPS = "Look at the print server {server} whether it keeps what was printed (PreserveJobFiles)."
READY_ON_PAPER = "{printer} is ready ({make}), paper {paper}."
