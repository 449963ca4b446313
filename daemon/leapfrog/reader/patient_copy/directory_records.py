"""What the directory of a medium says of one object (PS3.3 Annex F.5). What a record must have and the object lacks is
filled in here, in the record alone.
"""

from base64 import b64decode, b64encode
from io import BytesIO

from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.fileset import DIRECTORY_RECORDERS
from pydicom.filewriter import write_dataset

from leapfrog.dicom.uids import DICOM_ROOT, is_storage_class, is_valid_uid
from leapfrog.processes.copy_messages import Listed
from leapfrog.reader.image.attributes import integer, items, lenient_parsing, text
from leapfrog.reader.objects.valid_values import valid_value
from leapfrog.reader.originals.recoding.refusal import AsItCame

IMAGES = "1.2.840.10008.5.1.4.1.1."
# By the SOP class, or by how it begins, up to a dot. Whatever is none of these is an image.
RECORD_TYPES = {
    f"{IMAGES}88.": "SR DOCUMENT",
    f"{IMAGES}88.59": "KEY OBJECT DOC",
    f"{IMAGES}104.": "ENCAP DOC",
    f"{IMAGES}11.": "PRESENTATION",
    f"{IMAGES}9.": "WAVEFORM",
    f"{IMAGES}66": "RAW DATA",
    f"{IMAGES}66.1": "REGISTRATION",
    f"{IMAGES}66.2": "FIDUCIAL",
    f"{IMAGES}66.3": "REGISTRATION",
    f"{IMAGES}66.5": "SURFACE",
    f"{IMAGES}67": "VALUE MAP",
    f"{IMAGES}4.2": "SPECTROSCOPY",
    f"{IMAGES}481.": "RADIOTHERAPY",
    f"{IMAGES}481.1": "IMAGE",
    f"{IMAGES}481.2": "RT DOSE",
    f"{IMAGES}481.3": "RT STRUCTURE SET",
    f"{IMAGES}481.4": "RT TREAT RECORD",
    f"{IMAGES}481.5": "RT PLAN",
    f"{IMAGES}481.6": "RT TREAT RECORD",
    f"{IMAGES}481.7": "RT TREAT RECORD",
    f"{IMAGES}481.8": "RT PLAN",
    f"{IMAGES}481.9": "RT TREAT RECORD",
}
UTF_8 = "ISO_IR 192"
OTHER_MODALITY = "OT"
LONGEST_DESCRIPTION = 64  # characters (LO)
LONGEST_RECORD = 128 << 10  # bytes
NUMBERS = range(-(1 << 31), 1 << 31)  # of VR IS
CONCEPT_MODIFIER = "HAS CONCEPT MOD"

PRIVATE = "It is of a kind that only programs of its maker read."
NOT_LISTED = "It lacks what the directory of a medium needs."


def listed(dataset: Dataset, transfer_syntax_uid: str, *, number: int, day: str) -> Listed:
    """What is said of the object `dataset`, parsed up to its pixels. `number` is its place in the copy, and `day`
    (YYYYMMDD) that of the exam, where it does not tell. Raises AsItCame where it cannot be listed.
    """
    class_uid, series_uid = text(dataset, "SOPClassUID"), text(dataset, "SeriesInstanceUID")
    if not class_uid.startswith(DICOM_ROOT) or not is_storage_class(class_uid):
        raise AsItCame(PRIVATE)
    if not is_valid_uid(text(dataset, "SOPInstanceUID")) or not is_valid_uid(series_uid):
        raise AsItCame(NOT_LISTED)
    record_type = RECORD_TYPES.get(class_uid) or _by_beginning(class_uid)
    instance_number = _number(dataset, "InstanceNumber", number)
    record = _record(dataset, record_type, instance_number, day)
    record.ReferencedSOPClassUIDInFile = class_uid
    record.ReferencedSOPInstanceUIDInFile = text(dataset, "SOPInstanceUID")
    record.ReferencedTransferSyntaxUIDInFile = transfer_syntax_uid
    return Listed(
        series_instance_uid=series_uid,
        series_number=_number(dataset, "SeriesNumber", 1),
        series_description=text(dataset, "SeriesDescription")[:LONGEST_DESCRIPTION],
        modality=valid_value("Modality", "CS", text(dataset, "Modality")) or OTHER_MODALITY,
        instance_number=instance_number,
        record_type=record_type,
        record=encoded(record),
    )


def _by_beginning(class_uid: str) -> str:
    return next(
        (kind for one, kind in RECORD_TYPES.items() if one.endswith(".") and class_uid.startswith(one)), "IMAGE"
    )


def _number(dataset: Dataset, keyword: str, otherwise: int) -> int:
    found = integer(dataset, keyword)
    return found if found is not None and found in NUMBERS else otherwise


def _record(dataset: Dataset, record_type: str, instance_number: int, day: str) -> Dataset:
    """The keys of the record, by pydicom's rules, in UTF-8. Raises AsItCame."""
    if record_type == "IMAGE":
        record = Dataset()
        record.InstanceNumber = instance_number
        return record
    source = Dataset()
    try:
        with lenient_parsing():
            source.update(dataset)
            source.decode()
            source.InstanceNumber = instance_number
            _fill(source, record_type, day)
            record = DIRECTORY_RECORDERS[record_type](source)
            if encoded(decoded(encoded(record))) != encoded(record):  # so that it cannot spoil the directory
                raise AsItCame(NOT_LISTED)
    except Exception as problem:  # pydicom raises many kinds for what strangers write
        raise AsItCame(NOT_LISTED) from problem
    return record


def _fill(source: Dataset, record_type: str, day: str) -> None:
    """What a record of that type must have."""
    for keyword, vr, otherwise in (
        ("ContentDate", "DA", day),
        ("ContentTime", "TM", "000000"),
        ("PresentationCreationDate", "DA", day),
        ("PresentationCreationTime", "TM", "000000"),
    ):
        setattr(source, keyword, valid_value(keyword, vr, text(source, keyword)) or otherwise)
    if record_type == "SR DOCUMENT":
        source.CompletionFlag = text(source, "CompletionFlag") or "PARTIAL"
        source.VerificationFlag = text(source, "VerificationFlag") or "UNVERIFIED"
    if "ContentSequence" in source:  # of a document only what modifies its title stands in the directory
        modifiers = [
            one for one in items(source, "ContentSequence") if text(one, "RelationshipType") == CONCEPT_MODIFIER
        ]
        if modifiers:
            source.ContentSequence = modifiers
        else:
            del source.ContentSequence


def encoded(record: Dataset) -> str:
    """The elements of a record in explicit VR little endian, its texts in UTF-8, in base64. Raises AsItCame if it is
    too long.
    """
    record.SpecificCharacterSet = UTF_8
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    with lenient_parsing():
        write_dataset(buffer, record)
    content: bytes = buffer.getvalue()
    if len(content) > LONGEST_RECORD:
        raise AsItCame(NOT_LISTED)
    return b64encode(content).decode("ascii")


def decoded(record: str) -> Dataset:
    """The record that was `encoded`."""
    return read_dataset(BytesIO(b64decode(record)), is_implicit_VR=False, is_little_endian=True)
