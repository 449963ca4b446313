"""What printers answer is understood, or refused as one error, whatever the bytes are; and where they are is found."""

import socket
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leapfrog.errors import PrinterUnreachable
from leapfrog.printing.ipp.client import IppPrinter
from leapfrog.printing.ipp.encoding import Attribute, NotIpp, Tag, decode_answer, encode_request
from leapfrog.printing.ipp.exchange import Exchanges
from leapfrog.printing.ipp.place import place_of
from leapfrog.printing.papers import is_supported, media_for
from support.paper_box import PaperBox

JOB = encode_request(
    0,  # where an answer has its status
    7,
    [Attribute(Tag.NAME, "status-message", ("fine",))],
    [
        Attribute(Tag.INTEGER, "job-id", (12,)),
        Attribute(Tag.ENUM, "job-state", (9,)),
        Attribute(Tag.KEYWORD, "job-state-reasons", ("none", "job-printing")),
        Attribute(Tag.BOOLEAN, "job-preserved", (True,)),
    ],
)


def test_what_is_encoded_is_decoded() -> None:
    answer = decode_answer(JOB)
    assert answer.succeeded and answer.operation["status-message"] == ("fine",)
    assert dict(answer.jobs[0]) == {
        "job-id": (12,),
        "job-state": (9,),
        "job-state-reasons": ("none", "job-printing"),
        "job-preserved": (True,),
    }


def test_a_collection_is_passed_over_whole() -> None:
    member = b"\x4a\0\0\0\x06x-size" + b"\x21\0\0\0\x04\0\0\0\x05"
    collection = b"\x34\0\x09media-col\0\0" + member + b"\x37\0\0\0\0"
    answer = decode_answer(JOB[:-1] + collection + b"\x21\0\x05after\0\x04\0\0\0\x01" + b"\x03")
    assert answer.jobs[0]["after"] == (1,) and "media-col" not in answer.jobs[0]


@given(st.integers(0, len(JOB) - 1), st.integers(0, 255), st.integers(0, len(JOB)))
def test_damaged_answers_are_no_answers(place: int, byte: int, length: int) -> None:
    damaged = JOB[:place] + bytes([byte]) + JOB[place + 1 :]
    for content in (damaged, damaged[:length]):
        try:
            decode_answer(content)
        except NotIpp:
            continue


@pytest.mark.parametrize(
    ("server", "uri", "where"),
    [
        ("/run/x/cups.sock", "ipp://localhost/printers/laser", "/run/x/cups.sock"),
        ("print.example", "ipp://print.example:631/printers/laser", "print.example:631"),
        ("print.example:1631/version=1.1", "ipp://print.example:1631/printers/laser", "print.example:1631"),
        ("[fe80::1]:632", "ipp://[fe80::1]:632/printers/laser", "[fe80::1]:632"),
    ],
)
def test_cups_server_says_where_the_queue_is(server: str, uri: str, where: str) -> None:
    place = place_of("laser", {"CUPS_SERVER": server})
    assert (place.uri, place.server, place.is_queue) == (uri, where, True)


def test_a_printer_with_an_address_needs_no_server() -> None:
    place = place_of("ipps://10.0.0.7/ipp/print", {"CUPS_SERVER": "elsewhere"})
    assert (place.host, place.port, place.path, place.tls, place.is_queue) == (
        "10.0.0.7",
        631,
        "/ipp/print",
        True,
        False,
    )


def test_a_queue_name_is_quoted_in_its_address() -> None:
    assert place_of("a&b", {"CUPS_SERVER": "/s"}).path == "/printers/a%26b"


def test_a_paper_that_the_printer_lacks_is_left_to_it() -> None:
    listed = ("iso_a4_210x297mm", "om_x_80x200mm", "om_y_80x297mm")
    assert media_for("A4", listed) == "iso_a4_210x297mm" and media_for("A5", listed) == ""
    assert media_for("80mm", listed) == "om_y_80x297mm"
    assert not is_supported("Letter", listed) and is_supported("Letter", ())


def test_a_box_stops_at_once_while_its_printer_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        monkeypatch.setenv("CUPS_SERVER", str(path))
        box = PaperBox(tmp_path)
        worker = box.start()
        peer, _ = listener.accept()
        with peer:
            assert peer.recv(10)
            assert time.monotonic() - worker.heartbeat() < 5, "a printer that hangs is no part that hangs"
            began = time.monotonic()
            box.close()
            assert time.monotonic() - began < 5


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"H"])
def test_a_printer_that_trickles_is_cut_at_the_deadline_and_said_not_to_answer(
    begun: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, ended = tmp_path / "s", threading.Event()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def trickle() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(begun)
            while not ended.wait(0.05):
                try:
                    peer.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=trickle)
    thread.start()
    monkeypatch.setattr(Exchanges, "seconds_for", staticmethod(lambda _: 0.5))
    began = time.monotonic()
    try:
        with pytest.raises(PrinterUnreachable, match="does not answer"):
            IppPrinter(place_of("laser", {"CUPS_SERVER": str(path)})).printer()
        assert time.monotonic() - began < 5
    finally:
        ended.set()
        thread.join()
        listener.close()


def test_a_connection_that_hangs_while_it_is_made_is_cut_at_once() -> None:
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for one in (first, second):  # which fill its queue, so that it takes no other
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        printer = IppPrinter(place_of(f"ipp://127.0.0.1:{listener.getsockname()[1]}/ipp/print"))
        threading.Timer(0.3, printer.cut).start()
        began = time.monotonic()
        with pytest.raises(PrinterUnreachable):
            printer.printer()
        assert 0.2 < time.monotonic() - began < 3


def test_patience_with_a_printer_that_hangs_can_be_short(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        printer = IppPrinter(place_of("laser", {"CUPS_SERVER": str(tmp_path / "s")}), patience=0.3)
        began = time.monotonic()
        with pytest.raises(PrinterUnreachable, match="does not answer"):
            printer.printer()
        assert time.monotonic() - began < 3
