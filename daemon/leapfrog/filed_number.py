"""What a district of several clinics calls a clinic's patient.

Number 17 of two clinics is not one patient, so a district may file what comes from a box under the issuer and the
number: KITUI-17 (config/district/box_issuer.py, which says the same for the district). Whoever compares what it holds
with what was sent must know that, and so must whoever asks whose an answer is.
"""

import hashlib

LONGEST_NUMBER = 64  # characters of a LO (PS3.5 section 6.2)
LONGEST_ISSUER = 30  # in front of the digest of a number that would become too long
DIGEST_DIGITS = 24


def filed_number(number: str, issuer: str, study_instance_uid: str) -> str:
    """The number under which a district files the patient with the clinic's `number`, when `issuer` gave it. Somebody
    without a number is somebody else in each study.
    """
    if not number:
        return f"{issuer}-0-{_digest(study_instance_uid)}"
    joined = f"{issuer}-{number}"
    return joined if len(joined) <= LONGEST_NUMBER else f"{issuer[:LONGEST_ISSUER]}-{_digest(joined)}"


def is_filed_as(number: str, issuer: str, study_instance_uid: str, held: str) -> bool:
    """Whether `held`, with `issuer` as its Issuer of Patient ID, may be what a district calls the patient with the
    clinic's `number`; where it does not say the issuer, whatever stands before the number is taken for one.
    """
    if held == number:
        return True
    if not issuer:
        return bool(number) and held.endswith(f"-{number}")
    return held == filed_number(number, issuer, study_instance_uid)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_DIGITS]
