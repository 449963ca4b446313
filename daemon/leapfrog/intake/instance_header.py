"""What the intake must know of an instance: who it is and where it belongs. Pixels are never touched.

Whatever the file holds, the answer is a header with what could be read.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from leapfrog.dicom.character_sets import codec_of
from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, Element, actual_encoding, walk
from leapfrog.dicom.part10 import DatasetStart, find_dataset
from leapfrog.dicom.uids import DEFLATED_SYNTAXES, EXPLICIT_LITTLE_ENDIAN
from leapfrog.state.records import StudyIdentity

SPECIFIC_CHARACTER_SET = 0x00080005
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
PATIENT_ID = 0x00100020
ISSUER_OF_PATIENT_ID = 0x00100021
STUDY_INSTANCE_UID = 0x0020000D
FIRST_ITEM_TAG = 0xFFFEE000
WANTED = frozenset(
    (SPECIFIC_CHARACTER_SET, SOP_CLASS_UID, SOP_INSTANCE_UID, PATIENT_ID, ISSUER_OF_PATIENT_ID, STUDY_INSTANCE_UID)
)
LONGEST_VALUE_BYTES = 1024  # of a wanted element; the standard's longest, with a multi-byte character set, is 256


@dataclass(frozen=True, kw_only=True)
class InstanceHeader:
    """Who an instance is. Each part is '' when the file does not say or cannot be read so far.

    UIDs are what the data set says, or the file meta information where the data set is silent; they may be anything,
    and no path is ever made of them. `has_identity`: the data set says something of who it is.
    """

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    transfer_syntax_uid: str = EXPLICIT_LITTLE_ENDIAN
    study: StudyIdentity = field(default_factory=StudyIdentity)
    has_identity: bool = False


def read_header(path: Path) -> InstanceHeader:
    """The header of the file `path`, with or without preamble and meta information. Raises OSError only."""
    with path.open("rb") as stream:
        start = find_dataset(stream)
        values = _wanted_values(stream, start)
    return InstanceHeader(
        sop_class_uid=_uid(values.get(SOP_CLASS_UID)) or start.sop_class_uid,
        sop_instance_uid=_uid(values.get(SOP_INSTANCE_UID)) or start.sop_instance_uid,
        transfer_syntax_uid=start.transfer_syntax_uid,
        study=_study(values),
        has_identity=bool(values),
    )


def is_whole(stream: BinaryIO) -> bool:
    """Whether the DICOM file `stream` does not end in the middle of an element.

    What cannot be followed for another reason, or is Deflated, counts as whole: waiting for more would not help.
    Raises OSError only.
    """
    stream.seek(0)
    start = find_dataset(stream)
    if start.transfer_syntax_uid in DEFLATED_SYNTAXES:
        return True
    try:
        for _ in _elements(stream, start):
            pass
    except DatasetTruncated:
        return False
    except DatasetMalformed:
        return True
    return True


def _elements(stream: BinaryIO, start: DatasetStart) -> Iterator[Element]:
    return walk(stream, start.offset, actual_encoding(stream, start.offset, start.transfer_syntax_uid))


def _wanted_values(stream: BinaryIO, start: DatasetStart) -> dict[int, bytes]:
    """The values of the wanted elements, as many as can be reached."""
    values: dict[int, bytes] = {}
    if start.transfer_syntax_uid in DEFLATED_SYNTAXES:
        return values
    with contextlib.suppress(DatasetTruncated, DatasetMalformed):
        for element in _elements(stream, start):
            if element.tag in WANTED and element.length is not None:
                stream.seek(element.offset)
                values[element.tag] = stream.read(min(element.length, LONGEST_VALUE_BYTES))
            # A real machine leaves an item between its elements: that is no reason to stop.
            if STUDY_INSTANCE_UID <= element.tag < FIRST_ITEM_TAG:
                break
    return values


def _study(values: dict[int, bytes]) -> StudyIdentity:
    # Two patients differ by their bytes in any character set; its name only makes text of those.
    codec = codec_of(values.get(SPECIFIC_CHARACTER_SET, b""))
    return StudyIdentity(
        study_instance_uid=_uid(values.get(STUDY_INSTANCE_UID)),
        patient_id=_text(values.get(PATIENT_ID), codec),
        issuer_of_patient_id=_text(values.get(ISSUER_OF_PATIENT_ID), codec),
    )


def _text(value: bytes | None, codec: str) -> str:
    return (value or b"").decode(codec, "replace").strip(" \0")


def _uid(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace").strip(" \0")
