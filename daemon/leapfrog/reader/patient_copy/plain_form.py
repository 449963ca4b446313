"""An object in a form that the medium may have: explicit VR little endian, uncompressed, or JPEG as it came (PS3.11
Annex J, profile STD-GEN-USB-JPEG). Pixels are never compressed anew, and what is decoded is the same bit by bit.
"""

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from leapfrog.dicom.elements import actual_encoding, walk
from leapfrog.dicom.encoding import EXPLICIT_LITTLE
from leapfrog.dicom.part10 import PREAMBLE_BYTES, DatasetStart, find_dataset, part10_source
from leapfrog.dicom.renaming import renamed_source
from leapfrog.dicom.uids import DEFLATED, EXPLICIT_LITTLE_ENDIAN, NATIVE
from leapfrog.reader.originals.recoding.dataset_walk import DatasetWalk, Event, is_of_the_encoding
from leapfrog.reader.originals.recoding.explicit_writer import written
from leapfrog.reader.originals.recoding.file_head import head_in
from leapfrog.reader.originals.recoding.original import NO_PIXELS, OTHER_ELEMENTS
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.originals.recoding.uncompression import uncompress
from leapfrog.spool_file.content import content_byte_count, open_content

# PS3.11 Table J.3-1. Baseline, Extended, and Lossless with first-order prediction.
KEPT = frozenset((EXPLICIT_LITTLE_ENDIAN, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.70"))
WORK_NAME = "WORK.TMP"  # beside the file that is written
CHUNK_BYTES = 1 << 20
MOST_INFLATED = 512 << 20  # bytes; 306 KB were seen to become 649 MiB, and no film has so many

TOO_LARGE = "It is compressed as a whole, and is too large when it is not."
IS_DAMAGED = "It is damaged."


def write_plain(source: Path, byte_count: int, uids: tuple[str, str], new_uid: str, place: Path) -> None:
    """Write the object in the first `byte_count` bytes of `source`, of which `uids` are class and instance, to `place`;
    under `new_uid`, unless that is "".

    Raises AsItCame, CannotBeRenamed, or an error of `dicom/elements.py` where that cannot be; OSError.
    """
    work = place.with_name(WORK_NAME)
    try:
        if new_uid:
            renamed = renamed_source(source, new_uid, byte_count)
            with work.open("wb") as out:
                out.write(renamed.head)
                for chunk in renamed.file_chunks(CHUNK_BYTES):
                    out.write(chunk)
            source, byte_count, uids = work, work.stat().st_size, (uids[0], new_uid)
        with open_content(source, byte_count, may_wait=True) as stream, place.open("w+b") as out:
            _write(source, byte_count, stream, uids, out)
    finally:
        work.unlink(missing_ok=True)


def _write(source: Path, byte_count: int, stream: BinaryIO, uids: tuple[str, str], out: BinaryIO) -> None:
    start = find_dataset(stream)
    syntax = start.transfer_syntax_uid
    if syntax == DEFLATED:
        _inflate(stream, start, uids, out)
    elif syntax in KEPT and actual_encoding(stream, start.offset, syntax) == EXPLICIT_LITTLE:
        _copy(stream, start, uids, out)
    else:
        try:
            uncompress(source, byte_count, stream, out)
        except AsItCame as refusal:
            if str(refusal) != NO_PIXELS or syntax not in NATIVE:
                raise
            _rewrite(stream, start, uids, out)
    # A preamble may make the file a program, or a picture of another format, for whoever opens it.
    out.seek(0)
    out.write(bytes(PREAMBLE_BYTES))
    out.seek(0)
    made = find_dataset(out)
    for _ in walk(out, made.offset, EXPLICIT_LITTLE):  # raises where it is not whole
        pass


def _head(stream: BinaryIO, start: DatasetStart, uids: tuple[str, str]) -> bytes:
    class_uid, instance_uid = (uid.encode("ascii", "replace") for uid in uids)
    syntax = EXPLICIT_LITTLE_ENDIAN if start.transfer_syntax_uid in (*NATIVE, DEFLATED) else start.transfer_syntax_uid
    return head_in(stream, start, syntax, (class_uid, instance_uid))


def _copy(stream: BinaryIO, start: DatasetStart, uids: tuple[str, str], out: BinaryIO) -> None:
    out.write(_head(stream, start, uids))
    stream.seek(start.offset)
    while chunk := stream.read(CHUNK_BYTES):
        out.write(chunk)


def _inflate(stream: BinaryIO, start: DatasetStart, uids: tuple[str, str], out: BinaryIO) -> None:
    """A Deflated data set is in explicit VR little endian (PS3.5 Annex A.5)."""
    out.write(_head(stream, start, uids))
    stream.seek(start.offset)
    inflater, room = zlib.decompressobj(-zlib.MAX_WBITS), MOST_INFLATED
    try:
        while not inflater.eof and (chunk := inflater.unconsumed_tail or stream.read(CHUNK_BYTES)):
            piece = inflater.decompress(chunk, CHUNK_BYTES)
            room -= len(piece)
            if room < 0:
                raise AsItCame(TOO_LARGE)
            out.write(piece)
    except zlib.error as problem:
        raise AsItCame(IS_DAMAGED) from problem
    if not inflater.eof:
        raise AsItCame(IS_DAMAGED)


def _rewrite(stream: BinaryIO, start: DatasetStart, uids: tuple[str, str], out: BinaryIO) -> None:
    """An object without pixels, such as a structured report."""
    encoding = actual_encoding(stream, start.offset, start.transfer_syntax_uid)
    events = tuple(DatasetWalk(stream, start.offset, encoding).events())
    out.seek(0)
    out.truncate()
    out.write(_head(stream, start, uids))
    offset = out.tell()
    out.write(written(events))
    if _statements(events) != _statements(DatasetWalk(out, offset, EXPLICIT_LITTLE).events()):
        raise AsItCame(OTHER_ELEMENTS)


def _statements(events: Iterable[Event]) -> list[tuple[str, int, bytes, bool]]:
    """What they say, but for what is of the encoding."""
    return [one.statement for one in events if not is_of_the_encoding(one.tag)]


def add_identifiers(path: Path, uids: Mapping[int, str]) -> None:
    """Give the object in explicit VR little endian in `path` the identifiers `uids`, by tag, which it lacks: no archive
    takes it without. Everything else in it stays.
    """
    work = path.with_name(WORK_NAME)
    class_uid = ""
    with path.open("rb") as stream, work.open("wb") as out:
        start = find_dataset(stream)
        class_uid = start.sop_class_uid
        out.write(head_in(stream, start, start.transfer_syntax_uid, (class_uid.encode(), b"")))
        left, copied = dict(sorted(uids.items())), start.offset
        for element in walk(stream, start.offset, EXPLICIT_LITTLE):
            while left and next(iter(left)) <= element.tag:
                tag = next(iter(left))
                _copy_bytes(stream, copied, element.start, out)
                out.write(EXPLICIT_LITTLE.element(tag, b"UI", left.pop(tag).encode()))
                copied = element.end if element.tag == tag else element.start  # an empty one gives way
        _copy_bytes(stream, copied, content_byte_count(stream), out)
        out.write(b"".join(EXPLICIT_LITTLE.element(tag, b"UI", uid.encode()) for tag, uid in left.items()))
    work.replace(path)


def _copy_bytes(stream: BinaryIO, start: int, end: int, out: BinaryIO) -> None:
    stream.seek(start)
    while start < end and (chunk := stream.read(min(CHUNK_BYTES, end - start))):
        out.write(chunk)
        start += len(chunk)


def write_as_it_came(source: Path, byte_count: int, uids: tuple[str, str], place: Path, *, dicom: bool) -> None:
    """Write the first `byte_count` bytes of `source` to `place`; of one that is DICOM, as a whole file."""
    with open_content(source, byte_count, may_wait=True) as stream, place.open("wb") as out:
        if dicom:
            whole = part10_source(source, *uids, byte_count)
            out.write(whole.head)
            stream.seek(whole.offset)
        while chunk := stream.read(CHUNK_BYTES):
            out.write(chunk)
