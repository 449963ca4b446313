"""Preamble and file meta information of an original, for the same object in another transfer syntax."""

from typing import BinaryIO

from leapfrog.dicom.elements import ElementReader
from leapfrog.dicom.encoding import EXPLICIT_LITTLE
from leapfrog.dicom.part10 import (
    META_GROUP,
    META_GROUP_LENGTH,
    PREAMBLE_BYTES,
    PREFIX,
    TRANSFER_SYNTAX,
    DatasetStart,
    file_head,
)
from leapfrog.reader.originals.recoding.dataset_walk import NOT_AS_DICOM
from leapfrog.reader.originals.recoding.refusal import AsItCame

TIFF = (b"II*\0", b"MM\0*")  # such a preamble leads to uncompressed pixels, which will be elsewhere, or nowhere


def head_in(stream: BinaryIO, start: DatasetStart, transfer_syntax_uid: str, uids: tuple[bytes, bytes]) -> bytes:
    """What stands before the data set, with another transfer syntax and everything else as it was, but for a
    preamble that makes the file a TIFF too. `uids`, SOP class and instance, are for a file that has no meta
    information. Raises AsItCame.
    """
    if not start.has_meta:
        return file_head(*uids, transfer_syntax_uid.encode())
    stream.seek(0)
    preamble = stream.read(PREAMBLE_BYTES) if start.has_preamble else bytes(PREAMBLE_BYTES)
    if preamble.startswith(TIFF):
        preamble = bytes(PREAMBLE_BYTES)
    meta = _meta(stream, PREAMBLE_BYTES + len(PREFIX) if start.has_preamble else 0, start.offset, transfer_syntax_uid)
    length = EXPLICIT_LITTLE.element(META_GROUP_LENGTH, b"UL", len(meta).to_bytes(4, "little"))
    return preamble + PREFIX + length + meta


def _meta(stream: BinaryIO, offset: int, end: int, transfer_syntax_uid: str) -> bytes:
    """The elements of the meta information but for the length of its group. Of a second one behind it, as some gateways
    add, nothing stays: the first value counts, as it does in `dicom/part10.py`.
    """
    reader = ElementReader(stream)
    written, last, known = [], -1, set[int]()
    while offset < end:
        element = reader.read(offset, explicit=True)
        is_repeated = element.tag in known
        if element.tag >> 16 != META_GROUP or (element.tag <= last and not is_repeated) or not element.vr:
            raise AsItCame(NOT_AS_DICOM)
        last, offset = max(last, element.tag), element.end
        known.add(element.tag)
        if is_repeated:
            continue
        if element.tag == TRANSFER_SYNTAX:
            written.append(EXPLICIT_LITTLE.element(TRANSFER_SYNTAX, b"UI", transfer_syntax_uid.encode()))
        elif element.tag != META_GROUP_LENGTH:
            stream.seek(element.start)
            written.append(stream.read(element.end - element.start))
    return b"".join(written)
