"""A printer, asked and told by IPP: RFC 8011's operations that are needed to print a sheet and to follow it."""

import math
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from os import geteuid
from typing import Literal

from leapfrog.errors import PrinterRefused, PrinterUnreachable
from leapfrog.printing.ipp.encoding import Answer, Attribute, NotIpp, Tag, Value, decode_answer, encode_request
from leapfrog.printing.ipp.exchange import Exchanges
from leapfrog.printing.ipp.place import Place
from leapfrog.wording.print_words import NOT_AN_IPP_ANSWER, refused_by_printer

PDF = "application/pdf"
NOT_FOUND = 0x0406  # client-error-not-found
GONE = 0x0407  # client-error-gone
NOT_POSSIBLE = 0x0404  # client-error-not-possible: such as to cancel a job that has ended
NOT_ACCEPTING_JOBS = 0x0506  # server-error-not-accepting-jobs
BUSY = (0x0500, 0x0502, 0x0503, 0x0504, 0x0505, 0x0507)  # server errors that pass
MOST_JOBS = 1000  # that are looked through for a name


class Operation(IntEnum):
    """RFC 8011, Section 5.4.15."""

    CREATE_JOB = 0x05
    SEND_DOCUMENT = 0x06
    CANCEL_JOB = 0x08
    GET_JOB_ATTRIBUTES = 0x09
    GET_JOBS = 0x0A
    GET_PRINTER_ATTRIBUTES = 0x0B


class JobState(IntEnum):
    """RFC 8011, Section 5.3.7."""

    PENDING = 3
    HELD = 4
    PROCESSING = 5
    STOPPED = 6
    CANCELED = 7
    ABORTED = 8
    COMPLETED = 9


PrinterState = Literal["idle", "processing", "stopped"]
PRINTER_STATES: dict[Value, PrinterState] = {3: "idle", 4: "processing", 5: "stopped"}

JOB_ATTRIBUTES = (
    "job-id", "job-name", "job-state", "job-state-reasons", "number-of-documents", "job-k-octets",
    "job-printer-state-reasons", "job-printer-state-message",
)  # fmt: skip
PRINTER_ATTRIBUTES = (
    "printer-state", "printer-state-reasons", "printer-is-accepting-jobs", "printer-make-and-model", "media-supported",
    "document-format-supported", "operations-supported", "device-uri",
    "member-names",
)  # fmt: skip


@dataclass(frozen=True)
class JobSeen:
    """A job as the print server tells of it. `documents`: how many it has, got whole; `kilobytes`: how much came, which
    it still tells of a job that has ended when it keeps no files; None if it does not tell. `message`: what it says of
    the printer meanwhile.
    """

    id: int
    name: str
    state: JobState
    reasons: tuple[str, ...] = ()
    printer_reasons: tuple[str, ...] = ()
    documents: int | None = None
    kilobytes: int | None = None
    message: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state >= JobState.CANCELED

    @property
    def ended_empty(self) -> bool:
        """Whether the server gave it up before any of the sheet came."""
        return self.ended and self.state is not JobState.COMPLETED and self.kilobytes == 0


@dataclass(frozen=True)
class PrinterSeen:
    """A printer, or a queue, as it tells of itself. `device` is what a queue prints on; "" if it does not tell. Of a
    class of queues (`is_class`) that says nothing.
    """

    state: PrinterState
    reasons: tuple[str, ...] = ()
    accepting: bool = True
    make_and_model: str = ""
    media: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    operations: tuple[int, ...] = ()
    device: str = ""
    is_class: bool = False


class IppPrinter:
    """One printer. For one thread; only `cut` may be called from another. Every method raises PrinterUnreachable."""

    def __init__(self, place: Place, *, patience: float = math.inf) -> None:
        """Nothing is asked yet. `patience`: how many seconds an answer may take at most, but for that to a document."""
        self.place = place
        self._patience = patience
        self._exchanges = Exchanges(place)
        self._numbers = count(1)
        self._user = _user_name()

    def cut(self) -> None:
        """Break off what is being asked, and ask nothing more."""
        self._exchanges.cut()

    def printer(self) -> PrinterSeen:
        """How it is. Raises PrinterRefused when there is no such printer."""
        wanted = Attribute(Tag.KEYWORD, "requested-attributes", PRINTER_ATTRIBUTES)
        found = self._ask(Operation.GET_PRINTER_ATTRIBUTES, [wanted]).printer
        return PrinterSeen(
            state=PRINTER_STATES.get(_first(found, "printer-state", 3), "idle"),
            reasons=_reasons(found, "printer-state-reasons"),
            accepting=bool(_first(found, "printer-is-accepting-jobs", True)),
            make_and_model=str(_first(found, "printer-make-and-model", "")),
            media=_texts(found, "media-supported"),
            formats=_texts(found, "document-format-supported"),
            operations=tuple(value for value in found.get("operations-supported", ()) if isinstance(value, int)),
            device=str(_first(found, "device-uri", "")),
            is_class="member-names" in found,
        )

    def create_job(self, name: str, *, copies: int, media: str, urgent: bool) -> int:
        """Make a job without a document, which prints nothing yet; returns its id. Raises PrinterRefused."""
        options = [Attribute(Tag.INTEGER, "copies", (copies,))]
        if media:
            options.append(Attribute(Tag.KEYWORD, "media", (media,)))
        if urgent:
            options.append(Attribute(Tag.INTEGER, "job-priority", (100,)))
        answer = self._ask(Operation.CREATE_JOB, [Attribute(Tag.NAME, "job-name", (name,))], options)
        job_id = (_number(answer.jobs[0], "job-id") or 0) if answer.jobs else 0
        if job_id <= 0:
            raise PrinterUnreachable(NOT_AN_IPP_ANSWER.format(server=self.place.server))
        return job_id

    def send_document(self, job_id: int, content: bytes) -> None:
        """Give a job its document, a PDF, and have it printed. Raises PrinterRefused."""
        attributes = [
            Attribute(Tag.INTEGER, "job-id", (job_id,)),
            Attribute(Tag.MIME_TYPE, "document-format", (PDF,)),
            Attribute(Tag.BOOLEAN, "last-document", (True,)),
        ]
        self._ask(Operation.SEND_DOCUMENT, attributes, content=content)

    def job(self, job_id: int) -> JobSeen | None:
        """The job with this id; None when the server knows none. Raises PrinterRefused."""
        attributes = [
            Attribute(Tag.INTEGER, "job-id", (job_id,)),
            Attribute(Tag.KEYWORD, "requested-attributes", JOB_ATTRIBUTES),
        ]
        try:
            answer = self._ask(Operation.GET_JOB_ATTRIBUTES, attributes)
        except PrinterRefused as refusal:
            if refusal.status in (NOT_FOUND, GONE):
                return None
            raise
        return next(iter(map(_job, answer.jobs)), None)

    def jobs_about(self, words: str) -> list[JobSeen]:
        """The jobs with these words in their name, active and ended ones. Raises PrinterRefused."""
        found = []
        for which in ("not-completed", "completed"):
            attributes = [
                Attribute(Tag.INTEGER, "limit", (MOST_JOBS,)),
                Attribute(Tag.KEYWORD, "which-jobs", (which,)),
                Attribute(Tag.KEYWORD, "requested-attributes", JOB_ATTRIBUTES),
            ]
            found += [job for job in map(_job, self._ask(Operation.GET_JOBS, attributes).jobs) if words in job.name]
        return found

    def cancel(self, job_id: int) -> bool:
        """Cancel a job. Returns whether it was cancelled: one that has ended already is not. Raises PrinterRefused."""
        try:
            self._ask(Operation.CANCEL_JOB, [Attribute(Tag.INTEGER, "job-id", (job_id,))])
        except PrinterRefused as refusal:
            if refusal.status in (NOT_FOUND, GONE, NOT_POSSIBLE):
                return False
            raise
        return True

    def _ask(
        self,
        operation: Operation,
        attributes: Sequence[Attribute],
        job_attributes: Sequence[Attribute] = (),
        content: bytes = b"",
    ) -> Answer:
        whose = (
            Attribute(Tag.URI, "printer-uri", (self.place.uri,)),
            # The job-id must come right behind the printer's address (RFC 8011, Section 4.3).
            *(one for one in attributes if one.name == "job-id"),
            Attribute(Tag.NAME, "requesting-user-name", (self._user,)),
            *(one for one in attributes if one.name != "job-id"),
        )
        request = encode_request(operation, next(self._numbers), whose, job_attributes)
        try:
            answer = decode_answer(self._exchanges.post(request + content, math.inf if content else self._patience))
        except NotIpp as problem:
            raise PrinterUnreachable(NOT_AN_IPP_ANSWER.format(server=self.place.server)) from problem
        if not answer.succeeded:
            raise PrinterRefused(refused_by_printer(self.place.server, answer.status), answer.status)
        return answer


def _job(found: Mapping[str, tuple[Value, ...]]) -> JobSeen:
    state = _first(found, "job-state", JobState.PENDING)
    return JobSeen(
        id=_number(found, "job-id") or 0,
        name=str(_first(found, "job-name", "")),
        state=JobState(state) if state in tuple(JobState) else JobState.PENDING,
        reasons=_reasons(found, "job-state-reasons"),
        printer_reasons=_reasons(found, "job-printer-state-reasons"),
        documents=_number(found, "number-of-documents"),
        kilobytes=_number(found, "job-k-octets"),
        message=str(_first(found, "job-printer-state-message", "")),
    )


def _first(found: Mapping[str, tuple[Value, ...]], name: str, otherwise: Value) -> Value:
    return next(iter(found.get(name, ())), otherwise)


def _number(found: Mapping[str, tuple[Value, ...]], name: str) -> int | None:
    """The number under this name; None if there is none, or it is none."""
    value = _first(found, name, "")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _texts(found: Mapping[str, tuple[Value, ...]], name: str) -> tuple[str, ...]:
    return tuple(value for value in found.get(name, ()) if isinstance(value, str))


def _reasons(found: Mapping[str, tuple[Value, ...]], name: str) -> tuple[str, ...]:
    return tuple(reason for reason in _texts(found, name) if reason != "none")


def _user_name() -> str:
    """As CUPS's own programs name the user: whose job it is, who may cancel it and see its name."""
    try:
        return pwd.getpwuid(geteuid()).pw_name
    except KeyError:
        return "leapfrog"
