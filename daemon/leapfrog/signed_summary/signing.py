"""Signs the summary of an exam, and a report on disk; and checks what somebody signed.

A key is told by its id, a few letters of a hash of the public key, which every code carries. Whether a signature holds
is decided by the whole key, never by the id.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from leapfrog.signed_summary.code_text import (
    FIRST_WORD,
    SIGNATURE_LETTERS,
    from_base32,
    parsed,
    to_base32,
    written,
)
from leapfrog.signed_summary.copied_text import begins_a_code, copies
from leapfrog.signed_summary.letters import BETWEEN_FIELDS
from leapfrog.signed_summary.summary import Summary

KEY_ID_BYTES = 5
KEY_FIELD = "KEY "
KEY_ID = re.compile(r"[A-Z2-7]{8}")
SIGNATURE_BYTES = 64
KEY_LETTERS = len(f":{KEY_FIELD}") + 8

# "genuine": signed by a known station, and nothing is changed. "tampered": not what that station signed. "unknown": of
# a station whose key is not known, so nobody can tell. "foreign": no summary or signature of Leapfrog at all.
Verdict = Literal["genuine", "tampered", "unknown", "foreign"]


@dataclass(frozen=True)
class Checked:
    """What came of a check: by which key (raw, public) it was signed, if that is known, and its id, "" if there is
    none. `summary` is there only where it can be trusted.
    """

    verdict: Verdict
    key_id: str = ""
    public_key: bytes | None = None
    summary: Summary | None = None


def key_id(public_key: bytes) -> str:
    """By what a public key (raw) is told in a code, such as `MFRGGZDF`."""
    return to_base32(hashlib.sha256(public_key).digest()[:KEY_ID_BYTES])


def signed_text(summary: Summary, public_key: bytes, sign: Callable[[bytes], bytes]) -> str:
    """The text of the code for `summary`. Raises NotASummary when there is no room for it."""
    content = written(summary, KEY_LETTERS + len(BETWEEN_FIELDS) + SIGNATURE_LETTERS)
    content = BETWEEN_FIELDS.join((content, KEY_FIELD + key_id(public_key)))
    return BETWEEN_FIELDS.join((content, to_base32(sign(content.encode("ascii")))))


def check_text(text: str, known: Mapping[str, bytes]) -> Checked:
    """What `text`, of a code, is. `known` has the public keys (raw) of known stations by their ids.

    Raises NotASummary when it is genuine, and of a format that this version does not understand.
    """
    if not is_code(text):
        return Checked("foreign")
    checked = Checked("tampered")
    for copy in copies(text):
        summary, _, key = copy.content.rpartition(f"{BETWEEN_FIELDS}{KEY_FIELD}")
        public_key = known.get(key)
        if summary and public_key is not None:
            if _holds(copy.content.encode(), copy.signature, public_key):
                return Checked("genuine", key, public_key, parsed(summary))
            checked = Checked("tampered", key, public_key)
        elif summary and not checked.key_id and KEY_ID.fullmatch(key):
            checked = Checked("unknown", key)
    return checked


def is_code(text: str) -> bool:
    """Whether `text` has a code of ours in it, whole or not."""
    return text.strip().upper().startswith(f"{FIRST_WORD} ") or begins_a_code(text)


def report_content(document: bytes) -> bytes:
    """What is signed of the report.json with this content."""
    return f"Leapfrog report.json {hashlib.sha256(document).hexdigest()}\n".encode("ascii")


def report_signature(document: bytes, public_key: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """The content of `report.json.sig`: key id and signature, one line."""
    return f"{key_id(public_key)} {to_base32(sign(report_content(document)))}\n".encode("ascii")


def check_report(document: bytes, signature: bytes, known: Mapping[str, bytes]) -> Checked:
    """Whether `signature`, the content of `report.json.sig`, was made over `document`."""
    try:
        key, signed = signature.decode("ascii").split()
    except ValueError:
        return Checked("foreign")
    public_key = known.get(key)
    if public_key is None:
        return Checked("unknown", key)
    holds = _holds(report_content(document), signed, public_key)
    return Checked("genuine" if holds else "tampered", key, public_key)


def _holds(content: bytes, signature: str, public_key: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(from_base32(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True
