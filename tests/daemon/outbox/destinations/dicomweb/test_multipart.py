"""The streamed body: its length is announced, it needs little memory, and it keeps to the rate limit."""

import email
import tracemalloc
from pathlib import Path

import pytest

from leapfrog.dicom.part10 import Part10Source
from leapfrog.errors import StorageError
from leapfrog.outbox.destinations.dicomweb.multipart import MultipartBody
from leapfrog.outbox.throttle import Throttle


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def _body(file: Path, throttle: Throttle, head: bytes = b"") -> MultipartBody:
    return MultipartBody(Part10Source(file, head, 0, file.stat().st_size), throttle, lambda: None)


def test_it_is_one_part_of_multipart_related_with_the_announced_length(tmp_path: Path) -> None:
    file = tmp_path / "x.dcm"
    file.write_bytes(b"\r\n--content\r\n" * 5000)
    body = _body(file, Throttle(0, lambda seconds: None), head=b"head")
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
        assert sum(len(chunk) for chunk in _body(file, Throttle(0, lambda seconds: None))) > 200_000_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_the_rate_holds_over_a_large_file_and_over_many_small_ones(tmp_path: Path) -> None:
    clock = Clock()
    throttle = Throttle(10_000, clock.sleep, clock)
    file = tmp_path / "x.dcm"
    for size, count in ((100_000, 1), (1_000, 100)):
        file.write_bytes(bytes(size))
        begun = clock()
        total = sum(len(chunk) for _ in range(count) for chunk in _body(file, throttle))
        assert total / (clock() - begun) == pytest.approx(10_000, rel=0.05)


def test_a_limited_rate_goes_out_in_a_steady_trickle() -> None:
    assert Throttle(2_000, lambda seconds: None).chunk_bytes == 512
    assert Throttle(50_000, lambda seconds: None).chunk_bytes == 5_000
    assert Throttle(0, lambda seconds: None).chunk_bytes == 16_384


def test_no_rate_is_saved_up_while_nothing_is_sent() -> None:
    clock = Clock()
    throttle = Throttle(1_000, clock.sleep, clock)
    clock.sleep(3600)
    begun = clock()
    for _ in range(11):
        throttle.take(1_000)
    assert clock() - begun == pytest.approx(10)


def test_a_file_that_shrinks_on_the_way_is_no_network_error(tmp_path: Path) -> None:
    file = tmp_path / "x.dcm"
    file.write_bytes(bytes(1000))
    source = Part10Source(file, b"", 0, 2000)
    with pytest.raises(StorageError, match="damaged"):
        list(MultipartBody(source, Throttle(0, lambda seconds: None), lambda: None))
