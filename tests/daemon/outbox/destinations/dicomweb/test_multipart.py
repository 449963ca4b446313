"""The streamed body: its length is announced, it needs little memory, and it keeps to the rate limit."""

import email
import tracemalloc
from pathlib import Path

import pytest

from leapfrog.dicom.part10 import Part10Source
from leapfrog.errors import StorageError
from leapfrog.outbox.destinations.dicomweb.multipart import MultipartBody
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.throttle import Throttle


def _source(file: Path, head: bytes = b"") -> Part10Source:
    return Part10Source(file, head, 0, file.stat().st_size)


def _body(*sources: Part10Source) -> MultipartBody:
    return MultipartBody(sources, Pace(Throttle(0, lambda seconds: None), lambda: None))


def test_it_is_one_part_of_multipart_related_with_the_announced_length(tmp_path: Path) -> None:
    file = tmp_path / "x.dcm"
    file.write_bytes(b"\r\n--content\r\n" * 5000)
    body = _body(_source(file, head=b"head"))
    content = b"".join(body)
    assert len(body) == len(content)
    message = email.message_from_bytes(b"Content-Type: " + body.content_type.encode() + b"\r\n\r\n" + content)
    assert [part.get_content_type() for part in message.walk()] == ["multipart/related", "application/dicom"]
    assert content.count(b"head" + file.read_bytes() + b"\r\n--") == 1


def test_a_large_file_is_never_whole_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "cine.dcm"
    with file.open("wb") as stream:
        stream.truncate(200_000_000)
    tracemalloc.start()
    try:
        assert sum(len(chunk) for chunk in _body(_source(file))) > 200_000_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_several_instances_are_parts_of_one_body(tmp_path: Path) -> None:
    contents = [bytes([letter]) * size for letter, size in ((65, 10), (66, 50_000), (67, 0))]
    sources = []
    for place, content in enumerate(contents):
        file = tmp_path / f"{place}.dcm"
        file.write_bytes(content)
        sources.append(_source(file, head=b"head%d" % place))
    body = _body(*sources)
    content = b"".join(body)
    assert len(body) == len(content)
    message = email.message_from_bytes(b"Content-Type: " + body.content_type.encode() + b"\r\n\r\n" + content)
    parts = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
    assert parts == [b"head%d" % place + content for place, content in enumerate(contents)]


def test_a_file_that_shrinks_on_the_way_is_no_network_error(tmp_path: Path) -> None:
    file = tmp_path / "x.dcm"
    file.write_bytes(bytes(1000))
    with pytest.raises(StorageError, match="damaged"):
        list(_body(Part10Source(file, b"", 0, 2000)))
