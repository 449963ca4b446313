"""The element reader, and all that stands on it: where a data set begins, its header, and how it is passed on."""

import struct
from io import BytesIO

from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator

from fuzzing import scratch
from fuzzing.made_up_files import dicom_files
from fuzzing.target import Target, require
from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, actual_encoding, fragments, walk
from leapfrog.dicom.encoding import UNDEFINED_LENGTH
from leapfrog.dicom.part10 import content_digest, find_dataset, part10_source
from leapfrog.dicom.renaming import renamed_source
from leapfrog.errors import CannotBeRenamed
from leapfrog.intake.instance_header import is_whole, read_header
from leapfrog.outbox.destinations.dicomweb.held_content import content_of, place_of

NEW_UID = "2.25.7"
ITEM_GROUP = 0xFFFE
OVERLONG = b"x" * 65_530  # with which a value of a short length is nearly full


def check(content: bytes) -> None:
    """The first byte says whether a value is made longer than an input can be."""
    first, content = (content or b"\0")[0], content[1:]
    if first & 1:
        content = content.replace(b"LONG", OVERLONG)
    tags = _walked(content)
    expected = _as_pydicom_walks(content)
    require(expected is None or expected == tags, "pydicom finds other elements.")
    path = scratch.written("instance", content)
    header = read_header(path)
    require(header.frame_count >= 1, "An instance has no frames.")
    with path.open("rb") as stream:
        is_whole(stream)
        require(content_of(stream).dataset != "", "An instance has no content.")
    require(content_digest(path) == content_digest(path), "A digest changes.")
    source = part10_source(path, "1.2.3", "1.2.4")
    require(source.byte_count >= len(content), "What is passed on is less than what came.")
    place_of(source)
    _check_renamed(content, len(content))


def _walked(content: bytes) -> list[tuple[int, int]] | None:
    """Tag and length of each element; None where it cannot be walked to its end."""
    stream = BytesIO(content)
    start = find_dataset(stream)
    position, found = start.offset, []
    try:
        for element in walk(stream, start.offset, actual_encoding(stream, start.offset, start.transfer_syntax_uid)):
            require(element.start == position and element.start < element.offset <= element.end, "Elements overlap.")
            position = element.end
            found.append((element.tag, -1 if element.length is None else element.length))
        require(position == len(content), "The walk ended before the file.")
    except (DatasetTruncated, DatasetMalformed):
        return None
    try:
        for item in fragments(stream, start.offset):
            require(item.length is not None, "A fragment has no length.")
    except (DatasetTruncated, DatasetMalformed):
        return found
    return found


def _as_pydicom_walks(content: bytes) -> list[tuple[int, int]] | None:
    """The same by pydicom; None where it refuses, where a value is shorter than it says, where a length is undefined
    (it searches for the end, whatever the items say), where an item stands outside of a sequence, which it takes for an
    element, or where a few bytes are left.
    """
    stream = BytesIO(content)
    start = find_dataset(stream)
    encoding = actual_encoding(stream, start.offset, start.transfer_syntax_uid)
    stream.seek(start.offset)
    found, end = [], start.offset
    try:
        for element in data_element_generator(stream, not encoding.explicit, encoding.little_endian):
            if not isinstance(element, RawDataElement) or element.length == UNDEFINED_LENGTH:
                return None
            if len(element.value or b"") != element.length or element.tag.group == ITEM_GROUP:
                return None
            found.append((int(element.tag), element.length))
            end = stream.tell()
    except Exception:  # it raises whatever its parts raise
        return None
    return found if end == len(content) else None


def _check_renamed(content: bytes, byte_count: int) -> None:
    path = scratch.folder() / "instance"
    try:
        source = renamed_source(path, NEW_UID)
    except CannotBeRenamed:
        return
    sent = source.head + content[source.offset :]
    require(len(sent) == source.byte_count, "What is passed on is not as long as was said.")
    header = read_header(scratch.written("renamed", sent))
    require(header.sop_instance_uid == NEW_UID, "What is passed on has another UID.")


def seeds() -> dict[str, bytes]:
    """Small files of each encoding, an empty one, and one whose Source Image Sequence is nearly full."""
    files = {name: b"\0" + content for name, content in dicom_files().items()}
    images = struct.pack("<HH2sH", 0x0008, 0x2112, b"LO", len(OVERLONG)) + b"LONG"
    head = struct.pack("<HH2sH", 0x0008, 0x0016, b"UI", 4) + b"1.2\0" + struct.pack("<HH2sH", 0x0008, 0x0018, b"UI", 4)
    return files | {"empty": b"", "full.dcm": b"\1" + head + b"2.2\0" + images}


TARGET = Target(
    name="elements",
    invariant=(
        "Nothing is raised but DatasetTruncated, DatasetMalformed and CannotBeRenamed; elements follow one another to"
        " the end; where pydicom reads all values it finds the same elements; what is renamed has its new UID."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.dicom", "leapfrog.intake.instance_header", "leapfrog.outbox.destinations.dicomweb.held_content"),
    seconds=2.0,
)
