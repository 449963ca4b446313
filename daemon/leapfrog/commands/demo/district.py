"""A small district server for the demonstration: STOW-RS and QIDO-RS for instances (PS3.18 10.5, 10.6), in memory and
in a folder. It refuses connections until `open`, like a district server that is down.
"""

import json
import re
import threading
from collections import Counter
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

ROOT = "/dicom-web"
STORE_PATH = re.compile(rf"{ROOT}/studies(/[0-9.]+)?")
SEARCH_PATH = f"{ROOT}/instances"
BOUNDARY = re.compile(r"boundary=\"?([^\";]+)")
LARGEST_BODY_BYTES = 1_000_000_000
CANNOT_UNDERSTAND = 0xC000  # Failure Reason (PS3.18 table I.2-2)
JSON_TYPE = "application/dicom+json"


class DemoDistrict:
    """Keeps the files that it receives in `folder`, numbered in the order of arrival."""

    def __init__(self, folder: Path) -> None:
        """Reserve a free port of this machine. Nobody can connect before `open`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._sop_classes: dict[str, UID] = {}
        self._arrivals: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self), bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.server_bind()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Its DICOMweb root."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{ROOT}"

    def open(self) -> None:
        """Answer requests from now on, as if the link were back."""
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and give the port back."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def received(self) -> dict[str, UID]:
        """The SOP class of each stored instance, by its SOP Instance UID."""
        with self._lock:
            return dict(self._sop_classes)

    def sent_twice(self) -> int:
        """How many instances arrived more than once."""
        with self._lock:
            return sum(count > 1 for count in self._arrivals.values())

    def store(self, content: bytes) -> tuple[str, UID] | None:
        """Keep one DICOM file. Returns its SOP Instance UID and SOP class, or None when it is not DICOM."""
        try:
            dataset = dcmread(BytesIO(content), stop_before_pixels=True)
            uid, sop_class = str(dataset.SOPInstanceUID), UID(str(dataset.SOPClassUID))
        except (InvalidDicomError, AttributeError, EOFError):
            return None
        with self._lock:
            self._arrivals[uid] += 1
            if uid not in self._sop_classes:
                (self._folder / f"{len(self._sop_classes) + 1:03d}.dcm").write_bytes(content)
                self._sop_classes[uid] = sop_class
        return uid, sop_class


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, district: DemoDistrict, *arguments: Any) -> None:
        self.district = district
        super().__init__(*arguments)

    def do_POST(self) -> None:
        """STOW-RS: each part is one instance, which is confirmed by its UID or reported as failed."""
        boundary = BOUNDARY.search(self.headers.get("Content-Type", ""))
        length = int(self.headers.get("Content-Length") or -1)
        if not STORE_PATH.fullmatch(urlsplit(self.path).path) or not 0 <= length <= LARGEST_BODY_BYTES:
            self.close_connection = True  # the body was not read
            self._answer(HTTPStatus.NOT_FOUND if length >= 0 else HTTPStatus.LENGTH_REQUIRED, None)
            return
        body = self.rfile.read(length)
        if boundary is None:
            self._answer(HTTPStatus.BAD_REQUEST, None)
            return
        stored = [self.district.store(part) for part in _parts(body, boundary[1])]
        kept = [one for one in stored if one is not None]
        answer: dict[str, Any] = {}
        if kept:
            answer["00081199"] = _sequence([_reference(uid, sop_class) for uid, sop_class in kept])
        if len(kept) < len(stored):
            failure = {"00081197": {"vr": "US", "Value": [CANNOT_UNDERSTAND]}}
            answer["00081198"] = _sequence([failure] * (len(stored) - len(kept)))
        status = HTTPStatus.OK if len(kept) == len(stored) else HTTPStatus.ACCEPTED if kept else HTTPStatus.CONFLICT
        self._answer(status, answer)

    def do_GET(self) -> None:
        """QIDO-RS: instances by their SOP Instance UID."""
        address = urlsplit(self.path)
        if address.path != SEARCH_PATH:
            self._answer(HTTPStatus.NOT_FOUND, None)
            return
        query = parse_qs(address.query)
        uids = query.get("SOPInstanceUID", []) + query.get("00080018", [])
        held = self.district.received()
        matches = [{"00080016": _value("UI", held[uid]), "00080018": _value("UI", uid)} for uid in uids if uid in held]
        self._answer(HTTPStatus.OK if matches else HTTPStatus.NO_CONTENT, matches or None)

    def _answer(self, status: HTTPStatus, content: object) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        if body:
            self.send_header("Content-Type", JSON_TYPE)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Log nothing: the demonstration shows what arrived."""


def _parts(body: bytes, boundary: str) -> list[bytes]:
    """The contents of a multipart body's parts (RFC 2046 5.1)."""
    delimiter = b"--" + boundary.encode()
    sections = (b"\r\n" + body).split(b"\r\n" + delimiter)[1:]
    return [section.split(b"\r\n\r\n", 1)[1] for section in sections if b"\r\n\r\n" in section]


def _reference(uid: str, sop_class: UID) -> dict[str, Any]:
    return {"00081150": _value("UI", sop_class), "00081155": _value("UI", uid)}


def _value(vr: str, value: str) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]}


def _sequence(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"vr": "SQ", "Value": items}
