"""What the district answers: bodies in each form, headers, and whole conversations of the search."""

import json
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from typing import cast
from xml.sax.saxutils import escape

from fuzzing.target import Target, require
from leapfrog.errors import DistrictLocked, DistrictUnreachable
from leapfrog.outbox.destinations.dicomweb.answers import (
    Answer,
    content_type_of,
    parse_metadata,
    parse_query_answer,
    parse_store_answer,
    redirect_host,
    retry_after_seconds,
)
from leapfrog.outbox.destinations.dicomweb.exchange import Exchanges
from leapfrog.outbox.destinations.dicomweb.held_content import Place, content_of
from leapfrog.outbox.destinations.dicomweb.retrieved import strip_multipart
from leapfrog.outbox.destinations.dicomweb.search import InstanceSearch

UID = "2.25.77"
TYPES = ("application/dicom+json", "application/dicom+xml", "multipart/related", "text/html", "", "\xff;;=")
STATUSES = tuple(HTTPStatus)
SEPARATOR = b"\0next\0"  # between the answers of a conversation
MOST_ANSWERS = 6


def check(content: bytes) -> None:
    """The first byte says what the others are, the second with which status and type they come."""
    kind, second, content = (content or b"\0")[0] % 4, (content[1:2] or b"\0")[0], content[2:]
    checks: tuple[Callable[[bytes, int], None], ...] = (_check_body, _check_headers, _check_search, _check_download)
    checks[kind](content, second)


def _check_body(body: bytes, second: int) -> None:
    content_type = TYPES[second % len(TYPES)]
    stored = parse_store_answer(body, content_type)
    listed = parse_query_answer(body, content_type)
    metadata = parse_metadata(body, content_type)
    if stored is not None:
        require(all(isinstance(uid, str) for uid in stored.stored | stored.failed.keys()), "A UID is no text.")
        require(all(0 <= reason <= 99_999 for reason in stored.failed.values()), "A failure reason is no number.")
    if metadata is not None:
        require(all(isinstance(value, str) for value in metadata.values()), "A value is no text.")
    if listed:
        _check_other_forms(listed)


def _check_other_forms(uids: frozenset[str]) -> None:
    """The same UIDs in JSON and in XML are the same."""
    as_json = json.dumps([{"00080018": {"vr": "UI", "Value": [uid]}} for uid in sorted(uids)]).encode()
    require(parse_query_answer(as_json) == uids, "JSON lists other instances.")
    if all(uid.isprintable() for uid in uids):
        models = [
            '<NativeDicomModel><DicomAttribute tag="00080018" vr="UI"><Value number="1">'
            f"{escape(uid)}</Value></DicomAttribute></NativeDicomModel>"
            for uid in sorted(uids)
        ]
        parts = "".join(f"--b\r\nContent-Type: application/dicom+xml\r\n\r\n{model}\r\n" for model in models)
        require(parse_query_answer(f"{parts}--b--".encode()) == uids, "XML lists other instances.")


def _check_headers(text: bytes, _second: int) -> None:
    value = text.decode("latin-1")
    first, _, other = value.partition("\n")
    headers = {"Location": value, "Retry-After": first, "Date": other, "Content-Type": value}
    wait = retry_after_seconds(headers)
    require(0 <= wait < float("inf"), "A pause has no end.")
    require(content_type_of(headers) == value, "A type is another one.")
    host = redirect_host(headers)
    require(host is None or (host.isascii() and host.isprintable() and host in value.lower()), "A host is made up.")


class _Scripted:
    """Gives one answer after the other, the last again and again."""

    def __init__(self, answers: list[Answer]) -> None:
        self._answers = answers
        self.asked = 0

    def get(self, path: str, query: dict[str, str] | None = None) -> Answer:
        require(self.asked < 4 * MOST_ANSWERS, "One question asks without end.")
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


def _check_search(content: bytes, second: int) -> None:
    """Nothing is taken for held that no answer names."""
    answers = []
    for number, said in enumerate(content.split(SEPARATOR)[:MOST_ANSWERS]):
        status, body = STATUSES[(said[:1] or b"\0")[0] % len(STATUSES)], said[1:]
        headers = {"Content-Type": TYPES[(second + number) % len(TYPES)]}
        answers.append(Answer(status, headers, body))
    search = InstanceSearch(cast(Exchanges, _Scripted(answers)))
    named = any(UID.encode() in _unescaped(answer.body) for answer in answers)
    for _ in range(2):  # what was learned the first time counts the second
        try:
            held = search.holds(UID, lambda: Place("2.25.1", "2.25.2") if second & 1 else None)
        except (DistrictUnreachable, DistrictLocked):
            continue
        require(held in ("held", "not held", "cannot be asked"), "The answer is none of the three.")
        require(held != "held" or named, "Something is taken for held that no answer names.")


def _unescaped(body: bytes) -> bytes:
    """With digits and dots as they are, however they were written."""
    text = body.decode("utf-8", "replace")
    for letter in set(UID):
        for written in (f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}", f"&#{ord(letter)};", f"&#x{ord(letter):x};"):
            text = text.replace(written, letter)
    return text.encode()


def _check_download(content: bytes, _second: int) -> None:
    stream = BytesIO(content)
    if strip_multipart(stream):
        require(stream.getvalue() in content, "What is compared is not what was sent.")
        content_of(stream)


def _model(inner: str) -> bytes:
    return f'<?xml version="1.0"?><NativeDicomModel>{inner}</NativeDicomModel>'.encode()


def seeds() -> dict[str, bytes]:
    """What servers answer, in each form."""
    item = {"00081155": {"vr": "UI", "Value": [UID]}, "00081197": {"vr": "US", "Value": [272]}}
    stored = json.dumps({"00081199": {"vr": "SQ", "Value": [item]}, "00081198": {"vr": "SQ", "Value": [item]}}).encode()
    listed = json.dumps([{"00080018": {"vr": "UI", "Value": [UID]}}]).encode()
    native = _model(f'<DicomAttribute tag="00080018" vr="UI"><Value number="1">{UID}</Value></DicomAttribute>')
    sequence = _model(
        '<DicomAttribute tag="00081199" vr="SQ"><Item number="1"><DicomAttribute tag="00081155" vr="UI">'
        f'<Value number="1">{UID}</Value></DicomAttribute></Item></DicomAttribute>'
    )
    multipart = b"--b\r\nContent-Type: application/dicom+xml\r\n\r\n" + native + b"\r\n--b--"
    ok, none, missing, bad = (bytes((STATUSES.index(HTTPStatus(status)),)) for status in (200, 204, 404, 400))
    download = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + bytes(128) + b"DICM\2\0\0\0UL\4\0\0\0\0\0\r\n--b--"
    return {
        "stored": b"\0\0" + stored,
        "listed": b"\0\0" + listed,
        "native": b"\0\1" + native,
        "sequence": b"\0\1" + sequence,
        "multipart": b"\0\2" + multipart,
        "page": b"\0\3<html><body>Sign in</body></html>",
        "location": b"\1\0https://portal.example:8443/login?next=x",
        "retry": b"\1\x00120",
        "retry date": b"\1\0Sat, 28 Nov 2026 10:00:10 GMT\nSat, 28 Nov 2026 10:00:00 GMT",
        "search": b"\2\0" + ok + listed,
        "no content": b"\2\0" + none,
        "search below": b"\2\1" + SEPARATOR.join((bad, missing, ok + listed, ok + listed)),
        "download": b"\3\0" + download,
    }


TARGET = Target(
    name="answers",
    invariant=(
        "Nothing is raised but DistrictUnreachable and DistrictLocked; an instance counts as held only where an answer"
        " names it; the same answer in JSON and in XML means the same; a pause has an end."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.outbox", "leapfrog.dicom"),
)
