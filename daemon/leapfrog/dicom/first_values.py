"""The values of elements near the beginning of a data set, before the pixels, as many as can be read."""

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, actual_encoding, walk
from leapfrog.dicom.part10 import DatasetStart, find_dataset
from leapfrog.dicom.uids import DEFLATED_SYNTAXES
from leapfrog.spool_file.content import open_content

NUMBER_OF_FRAMES = 0x00280008
FIRST_ITEM_TAG = 0xFFFEE000
LONGEST_COUNT_DIGITS = 10  # an Integer String has at most 12 characters (PS3.5 Section 6.2)
LONGEST_VALUE_BYTES = 1024  # the standard's longest identifier, with a multi-byte character set, is 256


def first_values(stream: BinaryIO, start: DatasetStart, tags: Collection[int]) -> tuple[dict[int, bytes], bool]:
    """The values of the elements `tags`, as many as can be reached, each cut at LONGEST_VALUE_BYTES; and whether
    nothing that may come behind the end of `stream` could add to them. Whatever the file contains, raises nothing but
    OSError.
    """
    values: dict[int, bytes] = {}
    if start.transfer_syntax_uid in DEFLATED_SYNTAXES:
        return values, True
    last = max(tags)
    with contextlib.suppress(DatasetTruncated, DatasetMalformed):
        for element in walk(stream, start.offset, actual_encoding(stream, start.offset, start.transfer_syntax_uid)):
            if element.tag in tags and element.length is not None:
                stream.seek(element.offset)
                values[element.tag] = stream.read(min(element.length, LONGEST_VALUE_BYTES))
            # One real machine leaves a stray item between elements: that is no reason to stop.
            if last <= element.tag < FIRST_ITEM_TAG:
                return values, True
    return values, False


def frame_count_of(path: Path, byte_count: int) -> int:
    """How many frames the DICOM file in the first `byte_count` bytes of `path` says that it has; 1 where it does not
    say. Raises nothing but OSError.
    """
    with open_content(path, byte_count) as stream:
        values, _ = first_values(stream, find_dataset(stream), (NUMBER_OF_FRAMES,))
    return frame_count(values.get(NUMBER_OF_FRAMES, b""))


def frame_count(value: bytes) -> int:
    """The Number of Frames that has this value; 1 where it is none."""
    text = value.strip(b" \0")
    return max(1, int(text)) if text.isdigit() and len(text) <= LONGEST_COUNT_DIGITS else 1
