"""What an archive's answer to a C-STORE means (PS3.4 Table B.2-1, PS3.7 Annex C)."""

from leapfrog.errors import DistrictLocked
from leapfrog.outbox.courier import Verdict

SUCCESS = 0x0000
# The class of warnings: it was stored. Elements were corrected (B000) or left out (B006), or it does not look like what
# its SOP class says (B007).
WARNINGS = 0xB000
WARNINGS_OF_ATTRIBUTES = (0x0107, 0x0116)
DUPLICATE = 0x0111
NOT_AUTHORIZED = 0x0124
SOP_CLASS_NOT_SUPPORTED = 0x0122
OUT_OF_RESOURCES = 0xA700  # and all of A7xx
OTHER_THAN_ITS_CLASS = 0xA900  # and all of A9xx
CANNOT_UNDERSTAND = 0xC000  # and all of Cxxx
PROCESSING_FAILURE, RESOURCE_LIMITATION = 0x0110, 0x0213
INVALID_INSTANCE, CLASS_INSTANCE_CONFLICT = 0x0117, 0x0119

REFUSED = {
    SOP_CLASS_NOT_SUPPORTED: "it does not take this kind of object (SOP class)",
    OTHER_THAN_ITS_CLASS: "it says that the object is not what its SOP class says",
    INVALID_INSTANCE: "it does not take the object's identifier (SOP Instance UID)",
    CLASS_INSTANCE_CONFLICT: "it holds something of another kind under the object's identifier (SOP Instance UID)",
}


def is_stored(status: int) -> bool:
    """Whether the archive says that it stored the instance, perhaps with a warning."""
    return status == SUCCESS or is_warning(status)


def is_warning(status: int) -> bool:
    """Whether it stored it, but not quite as it was sent."""
    return status & 0xF000 == WARNINGS or status in WARNINGS_OF_ATTRIBUTES


def refusal(status: int, archive: str) -> Verdict:
    """What becomes of an instance that was not stored. Raises DistrictLocked where none will be."""
    if status == NOT_AUTHORIZED:
        raise DistrictLocked(
            f"The archive {archive} does not allow this box to store anything (status 0124): give its AE title that"
            " right on the archive."
        )
    if status & 0xFF00 == OUT_OF_RESOURCES or status in (PROCESSING_FAILURE, RESOURCE_LIMITATION):
        return Verdict("unclear", f"The archive {archive} could not store the object now (status {status:04X}).")
    family = status & 0xFF00 if status & 0xFF00 == OTHER_THAN_ITS_CLASS else status
    if family in REFUSED:
        return Verdict("refused", f"The archive {archive} refused the object: {REFUSED[family]} (status {status:04X}).")
    if status & 0xF000 == CANNOT_UNDERSTAND:
        return Verdict(
            "doubtful",
            f"The archive {archive} refused the object: it says that it cannot understand it (status {status:04X}).",
        )
    return Verdict("doubtful", f"The archive {archive} refused the object (status {status:04X}).")
