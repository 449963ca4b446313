"""Whatever a peer or a folder brings: what the main process itself reads of a file takes a bounded number of steps."""

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leapfrog.dicom.elements import MOST_ELEMENTS
from leapfrog.dicom.part10 import MOST_META_ELEMENTS, content_digest, find_dataset, part10_source
from leapfrog.intake.instance_header import InstanceHeader, is_whole, read_header
from support.raw_peer import element

PREAMBLE = bytes(128) + b"DICM"
META = PREAMBLE + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
UNDEFINED = 0xFFFFFFFF
SEQUENCE = struct.pack("<HH2s2xL", 0x0008, 0x1140, b"SQ", UNDEFINED)
UNKNOWN_SEQUENCE = struct.pack("<HH2s2xL", 0x0009, 0x1001, b"UN", UNDEFINED)
ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, UNDEFINED)
CLOSING = struct.pack("<HHL", 0xFFFE, 0xE00D, 0) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
EMPTY_META = element(0x00020099, b"LO", b"")
EMPTY_PRIVATE = element(0x00090010, b"LO", b"")
EMPTY_ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, 0)
MOST_STEPS = MOST_ELEMENTS + MOST_META_ELEMENTS + 20
ENDLESS = 3 * MOST_ELEMENTS  # times over: more than anybody may go through


class Counting(BytesIO):
    """A file in memory that counts how often it is read, and refuses to be read as a whole."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert 0 <= size <= 1 << 20
        self.reads += 1
        return super().read(size)


def steps_to_read(content: bytes, read: Any) -> int:
    stream = Counting(content)
    read(stream)
    return stream.reads


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PREAMBLE + EMPTY_META * ENDLESS, id="meta information without end"),
        pytest.param(EMPTY_META * ENDLESS, id="the same without a preamble"),
        pytest.param(META + EMPTY_META * ENDLESS, id="a second meta information without end"),
        pytest.param(META + (SEQUENCE + ITEM) * ENDLESS, id="sequences within sequences"),
        pytest.param(META + (UNKNOWN_SEQUENCE + ITEM) * ENDLESS, id="unknown ones"),
        pytest.param(META + SEQUENCE + EMPTY_ITEM * ENDLESS, id="items"),
        pytest.param(META + SEQUENCE + (ITEM + CLOSING[:8]) * ENDLESS, id="items that are opened and closed"),
        pytest.param(META + (SEQUENCE + CLOSING[8:]) * ENDLESS, id="sequences that are opened and closed"),
        pytest.param(META + EMPTY_PRIVATE * ENDLESS, id="private elements"),
        pytest.param(META + bytes(8 * ENDLESS), id="zeros"),
        pytest.param(bytes(8 * ENDLESS), id="nothing but zeros"),
    ],
)
def test_a_file_without_end_takes_a_bounded_number_of_steps(content: bytes, tmp_path: Path) -> None:
    assert steps_to_read(content, find_dataset) <= 2 * MOST_META_ELEMENTS + 10
    assert steps_to_read(content, is_whole) <= MOST_STEPS + MOST_META_ELEMENTS
    path = tmp_path / "endless"
    path.write_bytes(content)
    assert isinstance(read_header(path), InstanceHeader)
    assert part10_source(path, "1.2", "1.2.3").file_bytes <= len(content)
    assert len(content_digest(path)) == 64


@pytest.mark.parametrize("group_two", [True, False])
def test_a_file_that_says_it_has_gigabytes_takes_no_memory_for_them(group_two: bool, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    tag = 0x0002 if group_two else 0x0010
    with path.open("wb") as stream:
        stream.write(META + struct.pack("<HH2s2xL", tag, 0x0020, b"UN", 3 << 30))
        stream.truncate(4 << 30)  # a hole: it takes no room
    assert read_header(path).study.patient_id == ""
    with path.open("rb") as stream:
        assert isinstance(is_whole(stream), bool)


PIECES = st.sampled_from(
    [
        PREAMBLE, META, SEQUENCE, UNKNOWN_SEQUENCE, ITEM, CLOSING, CLOSING[:8], CLOSING[8:], EMPTY_META, EMPTY_PRIVATE,
        EMPTY_ITEM, element(0x00080005, b"CS", b"ISO 2022 IR 87"), element(0x00080005, b"CS", b"GB18030"),
        element(0x00100020, b"LO", b"\x1b$B\xff\xfe"), element(0x0020000D, b"UI", b"1.2"),
        element(0x00280008, b"IS", b"9" * 300), element(0x00020010, b"UI", b"1.2.840.10008.1.2.1.99"),
        element(0x00020010, b"UI", b"1.2.840.10008.1.2.2"), struct.pack("<HH2s2xL", 0x0002, 1, b"OB", UNDEFINED),
        struct.pack("<HH2s2xL", 0x7FE0, 0x10, b"OW", UNDEFINED), bytes(8), b"\xff" * 8,
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES | st.binary(max_size=24), max_size=40), cut=st.integers(0, 40))
def test_any_bytes_have_a_header_are_whole_or_not_and_can_be_sent(
    pieces: list[bytes], cut: int, tmp_path: Path
) -> None:
    content = b"".join(pieces)
    content = content[: len(content) - cut]
    path = tmp_path / "any"
    path.write_bytes(content)
    header = read_header(path)
    assert header.frame_count >= 1
    assert steps_to_read(content, is_whole) <= 2 * len(content) + 10
    source = part10_source(path, "1.2", "1.2.3")
    assert source.byte_count == len(source.head) + len(content) - source.offset
    content_digest(path)
