"""Unique identifiers (PS3.5 Section 9, Annex B): ours, those of transfer syntaxes, and checks of received ones."""

import json
import re
import uuid

# Identifies Leapfrog in file meta information and associations: a UUID under 2.25 (PS3.5 Section B.2), made once.
IMPLEMENTATION_CLASS_UID = "2.25.260296573081352730755019682584660652257"
IMPLEMENTATION_VERSION_NAME = "LEAPFROG"
NAMES = uuid.UUID(int=int(IMPLEMENTATION_CLASS_UID.removeprefix("2.25.")))  # the namespace of `uid_of`

VALID = re.compile(r"[0-9.]{1,64}")
WELL_FORMED = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
# PS3.5 Section 9.1 allows digits and dots only. Some machines use letters and the like, which servers pass on safely.
FORWARDABLE = re.compile(r"[0-9A-Za-z._-]{1,64}")

DICOM_ROOT = "1.2.840.10008."
VERIFICATION = "1.2.840.10008.1.1"  # the SOP class of C-ECHO
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
# The standard's storage classes, including future ones, but not protocols and inventories, which have their own
# services (PS3.4 Annex B and GG, PS3.6 Table A-1).
STORAGE = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.(1\.1\.(?!200\.[134567]$|201\.)|34\.(7|10)$)")

# Transfer syntaxes that the code treats specially (PS3.5 Section 10 and Annex A).
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"
# GE's private one: a data set in implicit VR and little endian, whose pixels alone are big endian.
GE_BIG_ENDIAN_PIXELS = "1.2.840.113619.5.2"
NATIVE = frozenset((IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN, GE_BIG_ENDIAN_PIXELS))
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
DEFLATED = "1.2.840.10008.1.2.1.99"
# The whole data set is compressed: 306 KB were seen to unpack to 649 MiB, so the intake reads nothing of it.
DEFLATED_SYNTAXES = frozenset((DEFLATED, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"))  # and JPIP's two


def mint_uid() -> str:
    """A new UID that nobody else has: a random UUID as a decimal number under 2.25 (PS3.5 Section B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def uid_of(*names: str) -> str:
    """A UID for what has no UID of its own, made from what tells it from all others: the same names give the same UID,
    which nobody else has (a UUID of version 5 under 2.25).
    """
    return f"2.25.{uuid.uuid5(NAMES, json.dumps(names)).int}"


def is_valid_uid(uid: str) -> bool:
    """Whether `uid` has only characters that the standard allows, and is not too long."""
    return VALID.fullmatch(uid) is not None


def is_well_formed_uid(uid: str) -> bool:
    """Whether `uid` keeps every rule of PS3.5 Section 9.1: no part of it is empty or begins with a 0 that is not all of
    it. Many machines write such parts, as of a time of day; archives take them, and some readers do not.
    """
    return is_valid_uid(uid) and WELL_FORMED.fullmatch(uid) is not None


def is_storage_class(uid: str) -> bool:
    """Whether a SOP class is one of objects that are stored. A class outside DICOM's own root is private and counts as
    one.
    """
    return not uid.startswith(DICOM_ROOT) or bool(STORAGE.match(uid))


def is_forwardable_uid(uid: str) -> bool:
    """Whether `uid` can be sent to a server: at most 64 characters, all of which are safe in a URL."""
    return FORWARDABLE.fullmatch(uid) is not None
