"""Understands a DICOMweb server's answers (PS3.18 sections 10.4 to 10.6): the one gate through which everything comes
that the far side says, its headers too.

Whatever comes, each function here returns what was understood, or its own word for "not understood", and never raises.
An answer of another machine must not be able to stop the box.

Only what an answer says about the very instance that was sent counts, never its HTTP status alone. Debian 12's Orthanc
answers 200 with two empty sequences when its disk is full (measured), and a captive portal answers 200 with a web page.
"""

import functools
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from leapfrog.outbox.destinations.dicomweb.native_model import DicomJson, parse_native_model

SOP_INSTANCE_UID = "00080018"
REFERENCED_SOP_INSTANCE_UID = "00081155"
FAILURE_REASON = "00081197"
FAILED_SOP_SEQUENCE = "00081198"
REFERENCED_SOP_SEQUENCE = "00081199"

# Failure Reason (0008,1197), PS3.18 table I.2-2 and PS3.4 annex B.2.3: these are temporary, all others are not.
PROCESSING_FAILURE = 0x0110
RESOURCE_LIMITATION = 0x0213
OUT_OF_RESOURCES = range(0xA700, 0xA800)
# PS3.18 table I.2-2: the transfer syntax is not supported; the SOP class is not, as a server says that has no decoder.
SYNTAX_NOT_SUPPORTED = frozenset((0xC122, 0x0122))
MOST_REASON_DIGITS = 5  # it is a 16-bit number
MOST_JSON_DIGITS = 30  # CPython refuses to convert a number of 5,000
MOST_SECONDS_DIGITS = 9
HOST_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")

_log = logging.getLogger(__name__)
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Other = TypeVar("_Other")


@dataclass(frozen=True)
class Answer:
    """One whole answer: its status, its headers (in any case) and its body, decompressed."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class StoreAnswer:
    """The instances that a STOW-RS answer lists as stored, and those it lists as failed, with their Failure Reasons."""

    stored: frozenset[str]
    failed: dict[str, int]


def _otherwise(
    not_understood: _Other,
) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result | _Other]]:
    """The gate itself: whatever goes wrong in the function, the answer was `not_understood`."""

    def decorate(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result | _Other]:
        @functools.wraps(function)
        def guarded(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result | _Other:
            try:
                return function(*arguments, **named)
            except Exception as problem:  # RecursionError, OverflowError, LookupError of a charset ...
                # Its text may quote what the server wrote, and that may name a patient.
                _log.debug("An answer of the district server was not understood: %s.", type(problem).__name__)
                return not_understood

        return guarded

    return decorate


def is_temporary(failure_reason: int) -> bool:
    """Whether the server may accept the same instance later."""
    return failure_reason in (PROCESSING_FAILURE, RESOURCE_LIMITATION) or failure_reason in OUT_OF_RESOURCES


def is_about_encoding(failure_reason: int) -> bool:
    """Whether the server may take the same instance in another transfer syntax."""
    return failure_reason in SYNTAX_NOT_SUPPORTED


# ---------------------------------------------------------------- bodies


@_otherwise(None)
def parse_store_answer(body: bytes, content_type: str = "") -> StoreAnswer | None:
    """The Store Instances Response Module in DICOM JSON or XML; None when `body` is neither."""
    datasets = _datasets(body, content_type)
    if datasets is None or not body.strip():
        return None
    stored: set[str] = set()
    failed: dict[str, int] = {}
    for dataset in datasets:
        for item in _items(dataset, REFERENCED_SOP_SEQUENCE):
            stored.update(_texts(item, REFERENCED_SOP_INSTANCE_UID))
        for item in _items(dataset, FAILED_SOP_SEQUENCE):
            reasons = [reason for text in _texts(item, FAILURE_REASON) if (reason := _reason(text)) is not None]
            for uid in _texts(item, REFERENCED_SOP_INSTANCE_UID):
                failed[uid] = reasons[0] if reasons else PROCESSING_FAILURE
    return StoreAnswer(frozenset(stored), failed)


def _reason(text: str) -> int | None:
    known = text.isascii() and text.isdecimal() and len(text) <= MOST_REASON_DIGITS
    return int(text) if known else None


@_otherwise(None)
def parse_query_answer(body: bytes, content_type: str = "") -> frozenset[str] | None:
    """The SOP Instance UIDs that a QIDO-RS answer lists, none in an empty one; None when `body` is no such answer."""
    datasets = _datasets(body, content_type)
    if datasets is None:
        return None
    return frozenset(uid for dataset in datasets for uid in _texts(dataset, SOP_INSTANCE_UID))


@_otherwise(None)
def parse_metadata(body: bytes, content_type: str = "") -> dict[str, str] | None:
    """The first value of each element of the one instance whose metadata `body` is (PS3.18 section 10.4.1.1.2), by tag;
    None when it is not understood.
    """
    datasets = _datasets(body, content_type)
    if datasets is None or len(datasets) != 1:
        return None
    return {tag.upper(): texts[0] for tag in datasets[0] if (texts := _texts(datasets[0], tag))}


@_otherwise(None)
def parse_listing(body: bytes, content_type: str = "") -> tuple[dict[str, str], ...] | None:
    """What a QIDO-RS answer lists: the first value of each element, by tag; None when `body` is no such answer."""
    datasets = _datasets(body, content_type)
    if datasets is None:
        return None
    return tuple({tag.upper(): texts[0] for tag in dataset if (texts := _texts(dataset, tag))} for dataset in datasets)


def _datasets(body: bytes, content_type: str) -> list[DicomJson] | None:
    """The data sets in a body of any of the forms that PS3.18 section 8.7.3 knows; None when it has none of them."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        # Some servers say 200 instead of 204 when they found nothing. So do some web servers, with a page's type.
        return None if "html" in content_type.lower() else []
    if start.startswith(b"--"):
        return _from_multipart(start)
    if start.startswith((b"{", b"[", b"null")):
        return _from_json(start)
    if start.startswith(b"<") and b"NativeDicomModel" in start:
        return [parse_native_model(start)]
    return None


def _from_multipart(body: bytes) -> list[DicomJson] | None:
    """The data sets of all parts (RFC 2046 section 5.1.1), as PS3.18 today wants XML: a part for each instance."""
    delimiter = b"\n" + body.partition(b"\n")[0].strip().removesuffix(b"--")
    pieces = (b"\n" + body).split(delimiter)
    if len(pieces) < 2 or pieces[0].strip() or not pieces[-1].startswith(b"--"):
        return None
    datasets: list[DicomJson] = []
    for piece in pieces[1:-1]:
        payload = piece.replace(b"\r\n", b"\n").partition(b"\n\n")[2].strip()
        inner = None if payload.startswith(b"--") else _datasets(payload, "")
        if inner is None:
            return None
        datasets += inner
    return datasets


def _from_json(body: bytes) -> list[DicomJson] | None:
    content = json.loads(body, parse_int=lambda text: int(text) if len(text) <= MOST_JSON_DIGITS else text)
    if content is None:
        return []
    datasets = content if isinstance(content, list) else [content]
    return datasets if all(_is_dataset(dataset) for dataset in datasets) else None


def _is_dataset(content: object) -> bool:
    """Whether `content` has tags as keys. An error page in JSON has words there."""
    return isinstance(content, dict) and all(re.fullmatch("[0-9A-Fa-f]{8}", key) for key in content)


def _items(dataset: DicomJson, tag: str) -> list[DicomJson]:
    return [item for item in _values(dataset, tag) if isinstance(item, dict)]


def _texts(dataset: DicomJson, tag: str) -> list[str]:
    return [str(value).strip("\0 ") for value in _values(dataset, tag) if isinstance(value, str | int)]


def _values(dataset: DicomJson, tag: str) -> list[Any]:
    element = dataset.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


# ---------------------------------------------------------------- headers


@_otherwise("")
def content_type_of(headers: Mapping[str, str]) -> str:
    """The Content-Type, or ''."""
    return str(headers.get("Content-Type") or "")


@_otherwise(None)
def redirect_host(headers: Mapping[str, str]) -> str | None:
    """The host to which a redirect leads; None when it does not say, or not in a way that can be shown to people."""
    location = headers.get("Location") or ""
    host = urlsplit(location).hostname or ""  # which leaves out tabs and ends of lines, also within a name
    return host if HOST_NAME.fullmatch(host) and host in location.lower() else None


@_otherwise(0.0)
def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """Retry-After (RFC 9110 section 10.2.3), 0 when there is none. A date is compared with the server's own clock, as
    ours may be wrong.
    """
    text = (headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdecimal() and len(text) <= MOST_SECONDS_DIGITS:
        return float(text)
    wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date") or "")
    return max(0.0, wait.total_seconds())
