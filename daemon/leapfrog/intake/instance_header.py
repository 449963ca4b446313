"""What the intake must know about an instance: its identity and its study. Pixels are never touched.

Whatever the file contains, the result is a header with as much as could be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from leapfrog.dicom.character_sets import codec_of
from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, Element, actual_encoding, walk
from leapfrog.dicom.first_values import NUMBER_OF_FRAMES, first_values, frame_count
from leapfrog.dicom.part10 import DatasetStart, find_dataset
from leapfrog.dicom.uids import DEFLATED_SYNTAXES, EXPLICIT_LITTLE_ENDIAN
from leapfrog.state.records import StudyIdentity

SPECIFIC_CHARACTER_SET = 0x00080005
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
PATIENT_ID = 0x00100020
ISSUER_OF_PATIENT_ID = 0x00100021
STUDY_INSTANCE_UID = 0x0020000D
NEEDED_TAGS = frozenset(
    (SPECIFIC_CHARACTER_SET, SOP_CLASS_UID, SOP_INSTANCE_UID, PATIENT_ID, ISSUER_OF_PATIENT_ID, STUDY_INSTANCE_UID)
)


@dataclass(frozen=True, kw_only=True)
class InstanceHeader:
    """The identity of an instance. A field is '' when the file lacks it or cannot be read that far.

    UIDs come from the data set, or from the file meta information where the data set has none. They may be any text, so
    no path is ever built from them. `has_identity` is whether the data set holds any of the needed elements.
    `frame_count` is 1 where the file does not say otherwise.
    """

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    transfer_syntax_uid: str = EXPLICIT_LITTLE_ENDIAN
    study: StudyIdentity = field(default_factory=StudyIdentity)
    has_identity: bool = False
    frame_count: int = 1


def read_header(path: Path, assumed_character_set: str = "", head: bytes = b"") -> InstanceHeader:
    """The header of the file `path`, with or without preamble and meta information. Text that does not say rightly how
    it is encoded may be in `assumed_character_set`. `head` are the first bytes of the file, if they are still at hand:
    the file is opened only where they do not reach far enough. Raises nothing but OSError.
    """
    start, values, has_all = _look_through(BytesIO(head))
    if not has_all:
        with path.open("rb") as stream:
            start, values, _ = _look_through(stream)
    return InstanceHeader(
        sop_class_uid=_uid(values.get(SOP_CLASS_UID)) or start.sop_class_uid,
        sop_instance_uid=_uid(values.get(SOP_INSTANCE_UID)) or start.sop_instance_uid,
        transfer_syntax_uid=start.transfer_syntax_uid,
        study=_study(values, assumed_character_set),
        has_identity=bool(NEEDED_TAGS & values.keys()),
        frame_count=frame_count(values.get(NUMBER_OF_FRAMES, b"")),
    )


def is_whole(stream: BinaryIO) -> bool:
    """Whether the DICOM file `stream` ends where an element ends, not in the middle of one.

    A file that cannot be parsed for another reason, or is deflated, counts as whole: waiting for more would not help.
    Raises nothing but OSError.
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


def _look_through(stream: BinaryIO) -> tuple[DatasetStart, dict[int, bytes], bool]:
    """Where the data set begins, the values of the needed elements, and whether the rest could add nothing to them."""
    start = find_dataset(stream)
    return start, *first_values(stream, start, (*NEEDED_TAGS, NUMBER_OF_FRAMES))


def _study(values: dict[int, bytes], assumed_character_set: str) -> StudyIdentity:
    # Ids that differ do so in their bytes, whatever the character set; it only serves to turn the bytes into text.
    ids = [values[tag] for tag in (PATIENT_ID, ISSUER_OF_PATIENT_ID) if tag in values]
    codec = codec_of(values.get(SPECIFIC_CHARACTER_SET, b""), ids, assumed_character_set)
    return StudyIdentity(
        study_instance_uid=_uid(values.get(STUDY_INSTANCE_UID)),
        patient_id=_text(values.get(PATIENT_ID), codec),
        issuer_of_patient_id=_text(values.get(ISSUER_OF_PATIENT_ID), codec),
    )


def _text(value: bytes | None, codec: str) -> str:
    return (value or b"").decode(codec, "replace").strip(" \0")


def _uid(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace").strip(" \0")
