"""Recognises instances that are not still pictures. They are passed on without being read."""

from leapfrog.errors import NothingToRead, UnreadableImage
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.reader.image.attributes import text, uid_name
from leapfrog.reader.image.dicom_file import DicomFile

VIDEO = sentence("a video")
OTHER_KIND = sentence("an object of another kind")
STORAGE = "1.2.840.10008.5.1.4.1.1"
# Roots of SOP Class UIDs (PS3.4 Annex B.5), and what staff would call such an object.
KINDS = {
    f"{STORAGE}.88": sentence("a report or a list of images"),
    f"{STORAGE}.11": sentence("a setting for showing other images"),
    f"{STORAGE}.9": sentence("a recording of signals, such as an ECG"),
    f"{STORAGE}.104": sentence("a document"),
    f"{STORAGE}.30": sentence("a map of values computed from other images"),
    f"{STORAGE}.66": sentence("measurements or outlines made on other images"),
    f"{STORAGE}.67": sentence("a conversion of pixel values"),
    f"{STORAGE}.68": sentence("the surface of a body"),
    f"{STORAGE}.78": sentence("measurements of an eye"),
    f"{STORAGE}.77.1.1.1": VIDEO,
    f"{STORAGE}.77.1.2.1": VIDEO,
    f"{STORAGE}.77.1.4.1": VIDEO,
    f"{STORAGE}.481.2": sentence("a radiotherapy dose"),
    f"{STORAGE}.481.3": sentence("outlines for radiotherapy"),
    f"{STORAGE}.481": sentence("a radiotherapy plan or record"),
    "1.2.840.10008.5.1.4.34": sentence("a radiotherapy plan or record"),
    "1.2.840.10008.5.1.4.38": sentence("a setting for showing other images"),
}
RADIOTHERAPY_IMAGE = f"{STORAGE}.481.1"
VIDEO_TRANSFER_SYNTAXES = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109))
SMPTE_VIDEO = "1.2.840.10008.1.2.7"

NO_PICTURE = sentence(
    "The file should hold a picture, but there is none in it. Send it again from the machine that made it."
)
EMPTY = sentence("The file holds no picture and does not say what it is.")
DISC_CONTENTS = sentence(
    "This is the table of contents of a disc (DICOMDIR), not a picture. Copy the pictures themselves."
)
PASSED_ON = sentence("The file holds {kind}, not a picture that can be read. It is kept and passed on unchanged.")


def check_is_picture(file: DicomFile) -> None:
    """Raise NothingToRead for an object that is not a still picture, UnreadableImage if the picture is missing."""
    sop_class_uid = sop_class_of(file)
    kind = _kind(sop_class_uid, file.transfer_syntax_uid)
    if kind:
        raise NothingToRead(PASSED_ON.format(kind=kind))
    if file.pixels is not None:
        return
    if "DirectoryRecordSequence" in file.dataset:
        raise UnreadableImage(DISC_CONTENTS)
    if not sop_class_uid:
        raise UnreadableImage(EMPTY)
    if "Rows" in file.dataset or "Image Storage" in uid_name(sop_class_uid):
        raise UnreadableImage(NO_PICTURE)
    raise NothingToRead(PASSED_ON.format(kind=OTHER_KIND))


def sop_class_of(file: DicomFile) -> str:
    """The SOP Class UID, from the meta information if the data set has none."""
    file_meta = getattr(file.dataset, "file_meta", None)
    named_in_meta = "" if file_meta is None else text(file_meta, "MediaStorageSOPClassUID")
    return text(file.dataset, "SOPClassUID") or named_in_meta


def _kind(sop_class_uid: str, transfer_syntax_uid: str) -> Sentence:
    if _is_under(transfer_syntax_uid, (*VIDEO_TRANSFER_SYNTAXES, SMPTE_VIDEO)):
        return VIDEO
    if sop_class_uid == RADIOTHERAPY_IMAGE:
        return Sentence("")
    return next((kind for root, kind in KINDS.items() if _is_under(sop_class_uid, (root,))), Sentence(""))


def _is_under(uid: str, roots: tuple[str, ...]) -> bool:
    return any(uid == root or uid.startswith(f"{root}.") for root in roots)
