"""A patient's number, so that it can be compared with another and not be read.

Patient numbers are short: whoever has the code can try them all. A salt, and a hash that takes time and memory for each
try, make that long, and do not make it impossible (`config/verify.md` says what that means).
"""

import hashlib
import hmac
import secrets
import unicodedata

from leapfrog.signed_summary.summary import HashedNumber

NOT_COMPARED = ("Pd", "Cf", "Cc")  # dashes of all kinds, and what nobody sees
SALT_BYTES = 5
DIGEST_BYTES = 5
# scrypt (RFC 7914): 16 MiB and about 50 ms for each try on a desktop computer
COST, BLOCK_SIZE, PARALLEL = 2**14, 8, 1


def hashed(patient_id: str) -> HashedNumber:
    """The number with a salt of its own."""
    salt = secrets.token_bytes(SALT_BYTES)
    return HashedNumber(salt=salt, digest=_digest(patient_id, salt))


def is_of(patient_id: str, number: HashedNumber) -> bool:
    """Whether `number` was made of `patient_id`, however that is written (`plain`)."""
    return hmac.compare_digest(_digest(patient_id, number.salt), number.digest)


def plain(patient_id: str) -> str:
    """The number without what two people write differently: case, width of letters, the digits of another script,
    blanks, hyphens.
    """
    letters = unicodedata.normalize("NFKC", patient_id).casefold()
    kept = (one for one in letters if not one.isspace() and unicodedata.category(one) not in NOT_COMPARED)
    return "".join(str(unicodedata.decimal(one, one)) for one in kept)


def _digest(patient_id: str, salt: bytes) -> bytes:
    content = plain(patient_id).encode()
    return hashlib.scrypt(content, salt=salt, n=COST, r=BLOCK_SIZE, p=PARALLEL, dklen=DIGEST_BYTES)
