"""Elements are found wherever a machine's writer has put them, and nothing incomplete is returned."""

import struct
from io import BytesIO

import pytest

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, fragments, walk
from leapfrog.dicom.encoding import EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding

EXPLICIT_BIG = Encoding(explicit=True, little_endian=False)
SEQUENCE, INSIDE, AFTER = 0x00081140, 0x00081150, 0x00100020
DELIMITERS = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
UNDEFINED = b"\xff\xff\xff\xff"


def elements_in(content: bytes, encoding: Encoding = EXPLICIT_LITTLE) -> list[tuple[int, bytes]]:
    return [(element.tag, content[element.offset : element.end]) for element in walk(BytesIO(content), 0, encoding)]


@pytest.mark.parametrize("encoding", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
def test_what_is_written_is_read_back(encoding: Encoding) -> None:
    content = (
        encoding.element(0x00080018, b"UI", b"1.2.3")
        + encoding.element(SEQUENCE, b"SQ", encoding.item(encoding.element(INSIDE, b"UI", b"1.2")))
        + encoding.element(AFTER, b"LO", b"P1")
    )
    elements = list(walk(BytesIO(content), 0, encoding))
    assert [element.tag for element in elements] == [0x00080018, SEQUENCE, AFTER]
    assert content[elements[0].offset : elements[0].end] == b"1.2.3\0"
    assert [element.start for element in elements] == [0, elements[0].end, elements[1].end]
    assert elements[-1].end == len(content)


def test_a_sequence_of_undefined_length_ends_after_its_delimiter() -> None:
    inside = IMPLICIT_LITTLE.element(INSIDE, b"", b"1.2.")
    item = struct.pack("<HH", 0xFFFE, 0xE000) + UNDEFINED + inside
    content = struct.pack("<HH4s", 0x0008, 0x1140, b"UN\0\0") + UNDEFINED + item + DELIMITERS
    content += EXPLICIT_LITTLE.element(AFTER, b"LO", b"P1")
    first, second = walk(BytesIO(content), 0, EXPLICIT_LITTLE)
    assert (first.tag, first.length, first.end) == (SEQUENCE, None, second.start)
    assert second.tag == AFTER


def test_a_writer_that_forgets_the_vr_of_an_element_is_followed() -> None:
    content = (
        EXPLICIT_LITTLE.element(0x00080060, b"CS", b"CR")
        + IMPLICIT_LITTLE.element(0x00090010, b"", b"PRIVATE ")
        + EXPLICIT_LITTLE.element(AFTER, b"LO", b"P1")
    )
    assert elements_in(content) == [(0x00080060, b"CR"), (0x00090010, b"PRIVATE "), (AFTER, b"P1")]


def test_a_vr_that_nobody_knows_has_a_short_length() -> None:
    content = EXPLICIT_LITTLE.element(0x00090011, b"ZX", b"1234") + EXPLICIT_LITTLE.element(AFTER, b"LO", b"P1")
    assert elements_in(content) == [(0x00090011, b"1234"), (AFTER, b"P1")]


@pytest.mark.parametrize("vr", [b"SV", b"UV", b"OV", b"UC", b"UR", b"UT", b"UN", b"OL"])
def test_a_long_vr_is_read_with_its_long_length(vr: bytes) -> None:
    content = EXPLICIT_LITTLE.element(0x00091001, vr, b"12345678") + EXPLICIT_LITTLE.element(AFTER, b"LO", b"P1")
    assert content[4:8] == vr + b"\0\0"
    assert elements_in(content) == [(0x00091001, b"12345678"), (AFTER, b"P1")]


def test_bytes_that_are_no_elements_are_not_waited_for() -> None:
    content = EXPLICIT_LITTLE.element(0x00080060, b"CS", b"CR") + b"\x10\0\x20\0\x01\x02\xff\x7f" + b"noise"
    with pytest.raises(DatasetMalformed):
        elements_in(content)


def test_a_walk_ends_with_the_element_that_it_was_to_find_whole_or_not() -> None:
    content = EXPLICIT_LITTLE.element(0x00280010, b"US", b"\1\0") + EXPLICIT_LITTLE.element(
        0x7FE00010, b"OW", bytes(64)
    )
    torn = BytesIO(content[:-10])
    *_, pixels = walk(torn, 0, EXPLICIT_LITTLE, lambda tag: tag == 0x7FE00010)
    assert (pixels.tag, pixels.vr, pixels.length, pixels.end) == (0x7FE00010, b"OW", 64, len(content))
    with pytest.raises(DatasetTruncated):
        list(walk(torn, 0, EXPLICIT_LITTLE))


def test_more_elements_than_any_real_file_has_are_refused() -> None:
    with pytest.raises(DatasetMalformed):
        list(walk(BytesIO(EXPLICIT_LITTLE.element(0x00090001, b"CS", b"") * 11), 0, EXPLICIT_LITTLE, most_elements=10))


def test_fragments_are_found_up_to_the_delimiter_or_the_end() -> None:
    items = IMPLICIT_LITTLE.item(b"") + IMPLICIT_LITTLE.item(b"abcd")
    for content in (items, items + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0) + b"beyond the pixels"):
        assert [(one.offset, one.length) for one in fragments(BytesIO(content), 0)] == [(8, 0), (16, 4)]
    with pytest.raises(DatasetTruncated):
        list(fragments(BytesIO(items[:-1]), 0))
    with pytest.raises(DatasetMalformed):
        list(fragments(BytesIO(items + EXPLICIT_LITTLE.element(AFTER, b"LO", b"P1")), 0))


def test_an_element_without_a_delimiter_is_not_whole() -> None:
    content = struct.pack("<HH4s", 0x0008, 0x1140, b"SQ\0\0") + UNDEFINED
    with pytest.raises(DatasetTruncated):
        elements_in(content)
