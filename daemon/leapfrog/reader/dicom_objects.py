"""What every DICOM object that we make has: our own file meta information, and values that hold what they should."""

from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from leapfrog.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME


def our_file_meta(transfer_syntax_uid: str) -> FileMetaDataset:
    """File meta information that names us; pydicom adds the rest when it writes the file."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return meta


def one_value(text: str) -> str:
    """`text` as one DICOM value: a backslash would make two of it, and control characters have no meaning here."""
    return "".join(letter if letter.isprintable() and letter != "\\" else " " for letter in text).strip()
