"""What printers, and whatever stands in their place, answer to IPP."""

from collections.abc import Callable

from fuzzing.target import Target, require
from leapfrog.errors import PrinterRefused, PrinterUnreachable
from leapfrog.printing.ipp.client import IppPrinter
from leapfrog.printing.ipp.encoding import Attribute, Tag, encode_request
from leapfrog.printing.ipp.place import place_of
from leapfrog.wording.print_words import trouble_of

LONGEST_REASON = 70_000  # a value's length has two bytes


class _Answering(IppPrinter):
    """A printer that answers everything with the same bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__(place_of("laser", {"CUPS_SERVER": "/nowhere"}))

        def post(_request: bytes, _patience: float = 0.0) -> bytes:
            return content

        self._exchanges.post = post  # type: ignore[method-assign, assignment]


def check(content: bytes) -> None:
    """Every question is answered with `content`."""
    printer = _Answering(content)
    asked: tuple[Callable[[], object], ...] = (
        printer.printer,
        lambda: printer.job(7),
        lambda: printer.jobs_about("K7"),
        lambda: printer.create_job("K7", copies=1, media="", urgent=False),
        lambda: printer.cancel(7),
    )
    for ask in asked:
        try:
            ask()
        except (PrinterUnreachable, PrinterRefused) as problem:
            require(len(str(problem)) < 500, "An answer is quoted at length.")
    try:
        seen = printer.printer()
    except (PrinterUnreachable, PrinterRefused):
        return
    require(all(len(reason) < LONGEST_REASON for reason in seen.reasons), "A reason is longer than a value can be.")
    trouble_of(seen.reasons)


def seeds() -> dict[str, bytes]:
    """Answers about a printer, and about jobs."""
    reasons = Attribute(Tag.KEYWORD, "printer-state-reasons", ("media-empty-error", "none"))
    job = [
        Attribute(Tag.INTEGER, "job-id", (7,)),
        Attribute(Tag.NAME, "job-name", ("K7-42F version 1",)),
        Attribute(Tag.ENUM, "job-state", (5,)),
        Attribute(Tag.INTEGER, "number-of-documents", (1,)),
    ]
    printer = [
        Attribute(Tag.ENUM, "printer-state", (5,)),
        reasons,
        Attribute(Tag.BOOLEAN, "printer-is-accepting-jobs", (1,)),
    ]
    collection = b"\x34\0\x09media-col\0\0\x4a\0\0\0\x06x-size\x21\0\0\0\x04\0\0\0\x05\x37\0\0\0\0\x03"
    jobs = encode_request(0, 1, [], job)
    of_printer = encode_request(0, 1, [], printer).replace(bytes([Tag.JOB]) + b"\x23", bytes([Tag.PRINTER]) + b"\x23")
    return {
        "jobs": jobs,
        "printer": of_printer,
        "refusal": encode_request(0x0406, 1, [Attribute(Tag.NAME, "status-message", ("no",))]),
        "collection": jobs[:-1] + collection,
    }


TARGET = Target(
    name="ipp",
    invariant="Nothing is raised but that the printer is not reached, or refuses.",
    check=check,
    seeds=seeds,
    follows=("leapfrog.printing.ipp",),
)
