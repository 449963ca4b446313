"""An instance under a new SOP Instance UID, for when different content arrived earlier under its own UID.

Orthanc, for one, answers a second store under a known UID with success and keeps the old pixels. Only the few bytes
that must change do, near the beginning, and only on the way out: no copy is made. Pixels, transfer syntax and
everything else are sent unchanged, so this works for images that cannot be decoded here, and for any size.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, Element, actual_encoding, walk
from leapfrog.dicom.encoding import IMPLICIT_LITTLE, Encoding
from leapfrog.dicom.part10 import Part10Source, file_head, find_dataset
from leapfrog.dicom.uids import DEFLATED
from leapfrog.errors import CannotBeRenamed, StorageError
from leapfrog.spool_file.content import content_byte_count, open_content

GROUP_LENGTH = 0x00080000  # retired; would be wrong in what is sent, so it is dropped
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
SOURCE_IMAGES = 0x00082112
REFERENCED_CLASS, REFERENCED_INSTANCE = 0x00081150, 0x00081155
SEQUENCE_VRS = (b"SQ", b"UN", b"")  # b"": in implicit VR
DELIMITER_BYTES = 8
LONGEST_UID_BYTES = 1024  # the standard allows 64; devices that make longer ones are passed on all the same
LONGEST_BEGINNING = 16 << 20  # bytes up to Source Image Sequence, which are held in memory; real ones have a few 1,000

IS_DEFLATED = (
    "The file is compressed in a way (Deflated) in which this box cannot give it the new identifier that it needs. Set"
    " the machine that made it to send uncompressed pictures, and send it again."
)
NO_UID = "The file has no SOP Instance UID where one belongs, so it cannot be passed on. It is kept here."
NO_CLASS = "The file does not say what it is (it has no SOP Class UID), so it cannot be passed on. It is kept here."
TWO_UIDS = (
    "The file states its SOP Instance UID twice, in parts that are in the wrong order, so it cannot be passed on under"
    " the new one that it needs. It is kept here."
)
TOO_LONG = "The file begins in a way that no real image does, so it cannot be passed on. It is kept here."


def renamed_source(path: Path, new_uid: str, byte_count: int | None = None) -> Part10Source:
    """How to send the first `byte_count` bytes of `path`, or all, under `new_uid`, with the old UID added to the Source
    Image Sequence.

    The file meta information is new, to match. Raises CannotBeRenamed if the file is Deflated, or has no SOP Instance
    UID or SOP Class UID before the first damaged element; StorageError when it cannot be read.
    """
    try:
        with open_content(path, byte_count) as source:
            return _renamed(source, path, new_uid)
    except OSError as problem:
        raise StorageError(f"The spool file {path.name} cannot be read: {problem.strerror}.") from problem


def _renamed(source: BinaryIO, path: Path, new_uid: str) -> Part10Source:
    start = find_dataset(source)
    if start.transfer_syntax_uid == DEFLATED:
        raise CannotBeRenamed(IS_DEFLATED)
    encoding = actual_encoding(source, start.offset, start.transfer_syntax_uid)
    elements = _beginning(source, start.offset, encoding)
    old_uid = _uid(source, elements, SOP_INSTANCE_UID)
    sop_class_uid = _uid(source, elements, SOP_CLASS_UID) or start.sop_class_uid.encode()
    if not old_uid:
        raise CannotBeRenamed(NO_UID)
    if not sop_class_uid:
        raise CannotBeRenamed(NO_CLASS)
    end = elements[-1].end
    if end - start.offset > LONGEST_BEGINNING:
        raise CannotBeRenamed(TOO_LONG)
    if _has_another_uid(source, end, encoding):
        raise CannotBeRenamed(TWO_UIDS)
    new = {
        SOP_INSTANCE_UID: encoding.element(SOP_INSTANCE_UID, b"UI", new_uid.encode()),
        SOURCE_IMAGES: _source_images(source, elements, encoding, (sop_class_uid, old_uid)),
    }
    head = [file_head(sop_class_uid, new_uid.encode(), start.transfer_syntax_uid.encode())]
    for element in elements:
        if element.tag in (SOP_INSTANCE_UID, SOURCE_IMAGES):
            head.append(new.pop(element.tag, b""))  # once: of two, some readers take the last, which is the old one
        elif element.tag != GROUP_LENGTH:
            head.append(_bytes(source, element.start, element.end))
    head.extend(new.values())  # the sequence, if the file had none: it comes last in this part
    return Part10Source(path, b"".join(head), end, content_byte_count(source) - end)


def _beginning(source: BinaryIO, offset: int, encoding: Encoding) -> list[Element]:
    """The complete elements up to Source Image Sequence, in file order."""
    elements: list[Element] = []
    with suppress(DatasetTruncated, DatasetMalformed):
        elements.extend(takewhile(lambda element: element.tag <= SOURCE_IMAGES, walk(source, offset, encoding)))
    return elements


def _has_another_uid(source: BinaryIO, offset: int, encoding: Encoding) -> bool:
    """Whether a SOP Instance UID stands from `offset` on, where only larger tags belong: of two, some readers take the
    last.
    """
    with suppress(DatasetTruncated, DatasetMalformed):
        return any(element.tag == SOP_INSTANCE_UID for element in walk(source, offset, encoding))
    return False


def _uid(source: BinaryIO, elements: Sequence[Element], tag: int) -> bytes:
    """The value of a UID element without its padding; b"" when it is missing, or too long to be one."""
    element = next((element for element in elements if element.tag == tag), None)
    if element is None or element.end - element.offset > LONGEST_UID_BYTES:
        return b""
    return _bytes(source, element.offset, element.end).strip(b"\0 ")


def _source_images(
    source: BinaryIO, elements: Sequence[Element], encoding: Encoding, referenced: tuple[bytes, bytes]
) -> bytes:
    """Source Image Sequence (PS3.3 Table 10-11) with an item added for the SOP class and instance `referenced`. What
    stands there and is no sequence gives way to it: its length may leave no room for an item.
    """
    present = next((element for element in elements if element.tag == SOURCE_IMAGES), None)
    if present is None or present.vr not in SEQUENCE_VRS:
        return encoding.element(SOURCE_IMAGES, b"SQ", _item(encoding, referenced))
    # Inside a value of unknown representation (UN), everything is implicit little endian (PS3.5 Section 6.2.2).
    item = _item(IMPLICIT_LITTLE if present.vr == b"UN" else encoding, referenced)
    content = _bytes(source, present.offset, present.end)
    if present.length is not None:
        return encoding.element(SOURCE_IMAGES, present.vr or b"SQ", content + item)
    value = content[:-DELIMITER_BYTES] + item + content[-DELIMITER_BYTES:]
    return encoding.element(SOURCE_IMAGES, present.vr or b"SQ", value, undefined_length=True)


def _item(encoding: Encoding, referenced: tuple[bytes, bytes]) -> bytes:
    tags = (REFERENCED_CLASS, REFERENCED_INSTANCE)
    return encoding.item(b"".join(encoding.element(tag, b"UI", uid) for tag, uid in zip(tags, referenced, strict=True)))


def _bytes(source: BinaryIO, start: int, end: int) -> bytes:
    source.seek(start)
    return source.read(end - start)
