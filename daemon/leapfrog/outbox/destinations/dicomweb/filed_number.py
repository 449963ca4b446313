"""What a district of several clinics calls a clinic's patient.

Number 17 of two clinics is not one patient, so a district may file what comes from a box under the issuer and the
number: KITUI-17 (config/district/box_issuer.py). Whoever compares what it holds with what was sent must know that.
"""

import hashlib

LONGEST_NUMBER = 64  # characters of a LO (PS3.5 section 6.2)
LONGEST_ISSUER = 30  # in front of the digest of a number that would become too long
DIGEST_DIGITS = 24


def is_filed_as(number: str, issuer: str, study_instance_uid: str, held: str) -> bool:
    """Whether `held`, with `issuer` as its Issuer of Patient ID, is what a district calls the patient with the clinic's
    `number`. Somebody without a number is somebody else in each study.
    """
    if held == number:
        return True
    if not number:
        return bool(issuer) and held == f"{issuer}-0-{_digest(study_instance_uid)}"
    if held.endswith(f"-{number}"):
        return True
    joined = f"{issuer}-{number}"
    return len(joined) > LONGEST_NUMBER and held == f"{issuer[:LONGEST_ISSUER]}-{_digest(joined)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_DIGITS]
