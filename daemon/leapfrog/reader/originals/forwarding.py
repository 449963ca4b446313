"""A copy of an instance under a new SOP Instance UID, for when different content arrived earlier under its own UID.

Orthanc, for one, answers a second store under a known UID with success and keeps the old pixels. Only the few bytes
that must change do, near the beginning. Pixels, transfer syntax and everything else are copied unchanged, so this works
for images that cannot be decoded here, and for any size.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, Element, actual_encoding, walk
from leapfrog.dicom.encoding import IMPLICIT_LITTLE, Encoding
from leapfrog.dicom.part10 import file_head, find_dataset
from leapfrog.dicom.uids import DEFLATED
from leapfrog.durable import replacing
from leapfrog.errors import UnreadableImage
from leapfrog.processes.messages import ProducedObject
from leapfrog.reader.image.dicom_file import DEFLATED_REFUSED
from leapfrog.reader.objects.finished_object import Purpose, finish
from leapfrog.spool_file.content import open_content

GROUP_LENGTH = 0x00080000  # retired; would be wrong in the copy, so it is dropped
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
SOURCE_IMAGES = 0x00082112
REFERENCED_CLASS, REFERENCED_INSTANCE = 0x00081150, 0x00081155
DELIMITER_BYTES = 8
COPY_BYTES = 1 << 20
LONGEST_UID_BYTES = 1024  # the standard allows 64; devices that make longer ones are passed on all the same

NO_UID = "The file has no SOP Instance UID, so it cannot be passed on. It is kept here."


def forward_copy(
    path: Path, new_uid: str, out: Path, purpose: Purpose, byte_count: int | None = None
) -> ProducedObject:
    """Write the instance in the first `byte_count` bytes of `path`, or in all, to `out` under `new_uid`, and add its
    old UID to its Source Image Sequence.

    The copy gets new file meta information, to match, and is synced when this returns. Raises UnreadableImage if the
    file is Deflated, or has no SOP Instance UID before the first damaged element.
    """
    with open_content(path, byte_count) as source:
        start = find_dataset(source)
        if start.transfer_syntax_uid == DEFLATED:
            raise UnreadableImage(DEFLATED_REFUSED)
        encoding = actual_encoding(source, start.offset, start.transfer_syntax_uid)
        elements = _beginning(source, start.offset, encoding)
        old_uid = _uid(source, elements, SOP_INSTANCE_UID)
        sop_class_uid = _uid(source, elements, SOP_CLASS_UID) or start.sop_class_uid.encode()
        if not old_uid:
            raise UnreadableImage(NO_UID)
        new = {
            SOP_INSTANCE_UID: encoding.element(SOP_INSTANCE_UID, b"UI", new_uid.encode()),
            SOURCE_IMAGES: _source_images(source, elements, encoding, (sop_class_uid, old_uid)),
        }
        with replacing(out) as target:
            target.write(file_head(sop_class_uid, new_uid.encode(), start.transfer_syntax_uid.encode()))
            for element in elements:
                if element.tag != GROUP_LENGTH:
                    target.write(new.pop(element.tag, b"") or _bytes(source, element.start, element.end))
            target.writelines(new.values())  # the sequence, if the file had none: it comes last in this part
            source.seek(elements[-1].end)
            shutil.copyfileobj(source, target, COPY_BYTES)
            return finish(target, out.name, purpose, sop_class_uid.decode("ascii", "replace"), new_uid)


def _beginning(source: BinaryIO, offset: int, encoding: Encoding) -> list[Element]:
    """The complete elements up to Source Image Sequence, in file order."""
    elements: list[Element] = []
    with suppress(DatasetTruncated, DatasetMalformed):
        elements.extend(takewhile(lambda element: element.tag <= SOURCE_IMAGES, walk(source, offset, encoding)))
    return elements


def _uid(source: BinaryIO, elements: Sequence[Element], tag: int) -> bytes:
    """The value of a UID element without its padding; b"" when it is missing, or too long to be one."""
    element = next((element for element in elements if element.tag == tag), None)
    if element is None or element.end - element.offset > LONGEST_UID_BYTES:
        return b""
    return _bytes(source, element.offset, element.end).strip(b"\0 ")


def _source_images(
    source: BinaryIO, elements: Sequence[Element], encoding: Encoding, referenced: tuple[bytes, bytes]
) -> bytes:
    """Source Image Sequence (PS3.3 Table 10-11) with an item added for the SOP class and instance `referenced`."""
    present = next((element for element in elements if element.tag == SOURCE_IMAGES), None)
    if present is None:
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
