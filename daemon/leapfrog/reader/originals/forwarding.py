"""A copy of an instance under a new SOP Instance UID, when other content had come under its own before.

Orthanc, for one, answers a second store under a known UID with success and keeps the old pixels. Only the bytes that
must change are changed, near the beginning; pixels, transfer syntax and all else are copied as they are, so this works
for what cannot be decoded here, and for any size.
"""

import shutil
import struct
from dataclasses import dataclass, replace
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_partial
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID

from leapfrog.dicom.dataset_digest import EXPLICIT_BIG_ENDIAN, PREAMBLE_BYTES, PREFIX, find_dataset
from leapfrog.durable import writing_durably
from leapfrog.errors import UnreadableImage
from leapfrog.processes.messages import ProducedObject
from leapfrog.reader.image.attributes import lenient_parsing, text
from leapfrog.reader.image.dicom_file import (
    CANNOT_BE_READ,
    DEFERRED_BYTES,
    DEFLATED,
    DEFLATED_REFUSED,
    UNDEFINED_LENGTH,
)

GROUP_LENGTH = 0x00080000  # retired; would be wrong after the change, so it is dropped
SOP_INSTANCE_UID = 0x00080018
SOURCE_IMAGES = 0x00082112
REFERENCED_CLASS, REFERENCED_INSTANCE = 0x00081150, 0x00081155
ITEM = 0xFFFEE000
ITEM_HEADER_BYTES = 8
COPY_BYTES = 1 << 20

NO_UID = "The file has no SOP Instance UID, so it cannot be passed on. It is kept here."

LONG_HEADER = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))


@dataclass(frozen=True)
class _Element:
    """An element near the data set's beginning: where in the file it starts, its value starts, and it ends."""

    tag: int
    representation: str | None
    start: int
    value: int
    length: int
    end: int = 0


@dataclass(frozen=True)
class _Encoding:
    """How elements are written in the file at hand."""

    byte_order: str  # of the struct module
    implicit: bool

    def element(self, tag: int, representation: str, value: bytes, length: int | None = None) -> bytes:
        """The bytes of an element; `length` differs from the value's only when it is undefined."""
        head = struct.pack(f"{self.byte_order}HH", tag >> 16, tag & 0xFFFF)
        size = len(value) if length is None else length
        if self.implicit:
            return head + struct.pack(f"{self.byte_order}L", size) + value
        if representation in LONG_HEADER:
            return head + representation.encode() + b"\0\0" + struct.pack(f"{self.byte_order}L", size) + value
        return head + representation.encode() + struct.pack(f"{self.byte_order}H", size) + value

    def item(self, value: bytes) -> bytes:
        """An item of a sequence; items have no value representation."""
        return struct.pack(f"{self.byte_order}HHL", ITEM >> 16, ITEM & 0xFFFF, len(value)) + value


@dataclass(frozen=True)
class _Reference:
    """The instance that a copy was made of."""

    sop_class_uid: str
    sop_instance_uid: str

    def item(self, encoding: _Encoding) -> bytes:
        """An item of Source Image Sequence (PS3.3 Table 10-11)."""
        return encoding.item(
            encoding.element(REFERENCED_CLASS, "UI", _padded(self.sop_class_uid))
            + encoding.element(REFERENCED_INSTANCE, "UI", _padded(self.sop_instance_uid))
        )


def forward_copy(path: Path, new_uid: str, out: Path) -> ProducedObject:
    """Write the instance at `path` to `out` under `new_uid`, its own UID added to its Source Image Sequence.

    The file meta information is written anew, to match. Durable when it returns. Raises UnreadableImage when the
    file is Deflated, has no SOP Instance UID or is too damaged to find it.
    """
    with path.open("rb") as source:
        start = find_dataset(source)
        if start.transfer_syntax_uid == DEFLATED:
            raise UnreadableImage(DEFLATED_REFUSED)
        dataset, elements = _beginning(source)
        old_uid = text(dataset, "SOPInstanceUID")
        sop_class_uid = text(dataset, "SOPClassUID") or start.sop_class_uid
        if not old_uid:
            raise UnreadableImage(NO_UID)
        byte_order = ">" if start.transfer_syntax_uid == EXPLICIT_BIG_ENDIAN else "<"
        encoding = _Encoding(byte_order, implicit=elements[0].representation is None)
        with writing_durably(out) as target:
            target.write(_meta_information(sop_class_uid, new_uid, start.transfer_syntax_uid))
            sources = _source_images(source, elements, encoding, _Reference(sop_class_uid, old_uid))
            changed = {
                SOP_INSTANCE_UID: encoding.element(SOP_INSTANCE_UID, "UI", _padded(new_uid)),
                SOURCE_IMAGES: sources,
            }
            for element in elements:
                if element.tag != GROUP_LENGTH:
                    target.write(changed.pop(element.tag, b"") or _bytes(source, element.start, element.end))
            target.writelines(changed.values())  # the sequence, if there was none: it is the last of this part
            source.seek(elements[-1].end)
            shutil.copyfileobj(source, target, COPY_BYTES)
    return ProducedObject(
        name=out.name,
        role="forward_copy",
        sop_class_uid=sop_class_uid,
        sop_instance_uid=new_uid,
        byte_count=out.stat().st_size,
    )


def _beginning(source: BinaryIO) -> tuple[Dataset, list[_Element]]:
    """The elements up to Source Image Sequence, in the order of the file."""
    found: dict[int, _Element] = {}

    def stop_when(tag: BaseTag, representation: str | None, length: int) -> bool:
        value = source.tell()
        start = value - (12 if representation in LONG_HEADER else 8)
        found[int(tag)] = _Element(int(tag), representation, start, value, length)
        return int(tag) > SOURCE_IMAGES

    source.seek(0)
    try:
        with lenient_parsing():
            dataset = read_partial(source, stop_when=stop_when, defer_size=DEFERRED_BYTES, force=True)
    except Exception as error:  # as in `open_dicom_file`: damage shows as errors of any type
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UnreadableImage(CANNOT_BE_READ) from error
    in_order = sorted(found.values(), key=lambda element: element.start)
    ends = [*(element.start for element in in_order[1:]), source.seek(0, SEEK_END)]
    elements = [replace(element, end=end) for element, end in zip(in_order, ends, strict=False)]
    return dataset, [element for element in elements if element.tag <= SOURCE_IMAGES]


def _source_images(source: BinaryIO, elements: list[_Element], encoding: _Encoding, reference: _Reference) -> bytes:
    """Source Image Sequence with `reference` as its last item; the items that it had stay before."""
    present = next((element for element in elements if element.tag == SOURCE_IMAGES), None)
    if present is None:
        return encoding.element(SOURCE_IMAGES, "SQ", reference.item(encoding))
    representation = present.representation or "SQ"
    # Inside a value of unknown representation all is implicit little endian (PS3.5 Section 6.2.2).
    item = reference.item(_Encoding("<", implicit=True) if representation == "UN" else encoding)
    content = _bytes(source, present.value, present.end)
    if present.length != UNDEFINED_LENGTH:
        return encoding.element(SOURCE_IMAGES, representation, content + item)
    value = content[:-ITEM_HEADER_BYTES] + item + content[-ITEM_HEADER_BYTES:]
    return encoding.element(SOURCE_IMAGES, representation, value, length=UNDEFINED_LENGTH)


def _bytes(source: BinaryIO, start: int, end: int) -> bytes:
    source.seek(start)
    return source.read(end - start)


def _meta_information(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Preamble, prefix and file meta information for the copy (PS3.10 Section 7.1)."""
    try:
        with lenient_parsing():
            content = _written_meta(sop_class_uid, sop_instance_uid, transfer_syntax_uid)
    except Exception as error:  # UIDs with letters beyond ASCII fail in ways that depend on the letter
        raise UnreadableImage(CANNOT_BE_READ) from error
    return b"\0" * PREAMBLE_BYTES + PREFIX + content


def _written_meta(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    file_meta = FileMetaDataset()
    file_meta.FileMetaInformationVersion = b"\x00\x01"
    file_meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    file_meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    content = DicomBytesIO()
    write_file_meta_info(content, file_meta)
    return content.getvalue()


def _padded(uid: str) -> bytes:
    content = uid.encode("ascii", "replace")
    return content + b"\0" * (len(content) % 2)
