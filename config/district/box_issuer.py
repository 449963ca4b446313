"""Puts the clinic's name before each patient's number, in each Orthanc of the district (its Python plug-in runs this).

Number 17 of two clinics is not one patient, but to Orthanc it is: it shows the exams of both under the name of
whichever came first. So what comes from a box is filed under ISSUER-NUMBER, with the issuer in Issuer of Patient ID
and what stood there before in Original Attributes Sequence (PS3.3 C.12.1.1.9.2); nothing else is touched. An exam
without a number is filed under one that no other exam has. nginx says which box it is, by its certificate.

/etc/leapfrog-district/issuers names the issuers, one a line: `BOX ISSUER`. A box that is not named there has its own
name as issuer. Two boxes of one issuer share patients. `-` leaves the numbers of a box as they are; a line for `*`
holds for every box that is not named.
"""

import hashlib
import io
import threading
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import orthanc
import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

ISSUERS = Path("/etc/leapfrog-district/issuers")
AS_IT_IS = "-"
LONGEST_NUMBER = 64  # characters of a LO (PS3.5 section 6.2)
DIGEST_DIGITS = 24

# Which box is asking in each thread that answers HTTP. An object is stored in the thread that took the request.
_asking: dict[int, str] = {}


def note_box(uri: str, **request: Any) -> bool:
    """Called before each request is answered: remember who asks. Everybody may ask; nginx has chosen."""
    _asking[threading.get_ident()] = request.get("headers", {}).get("x-leapfrog-box", "")
    return True


def issuer_of(box: str) -> str:
    """The issuer of a box's patient numbers; '-' if they are to stay as they are."""
    everybody = box
    try:
        with ISSUERS.open(encoding="utf-8") as lines:
            for words in map(str.split, lines):
                if len(words) == 2 and words[0] == box:
                    return words[1]
                if len(words) == 2 and words[0] == "*":
                    everybody = words[1]
    except FileNotFoundError:
        pass
    return everybody


def number_at_district(issuer: str, number: str, study_instance_uid: str) -> str:
    """What a patient is called at the district: the same for the same patient, and for nobody else."""
    if not number:
        return f"{issuer}-0-{_digest(study_instance_uid)}"
    joined = f"{issuer}-{number}"
    return joined if len(joined) <= LONGEST_NUMBER else f"{issuer[:30]}-{_digest(joined)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_DIGITS]


def coerce(received: bytes, issuer: str) -> bytes:
    """The same object with the patient's number at the district."""
    dataset = pydicom.dcmread(io.BytesIO(received), force=True)
    number = str(dataset.get("PatientID") or "").strip()
    own_issuer = str(dataset.get("IssuerOfPatientID") or "").strip()
    before = Dataset()
    for keyword in ("PatientID", "IssuerOfPatientID"):
        if keyword in dataset:
            before[keyword] = deepcopy(dataset[keyword])
    dataset.PatientID = number_at_district(own_issuer or issuer, number, str(dataset.get("StudyInstanceUID", "")))
    dataset.IssuerOfPatientID = own_issuer or issuer

    changed = Dataset()
    changed.ModifiedAttributesSequence = Sequence([before])
    changed.AttributeModificationDateTime = datetime.now().strftime("%Y%m%d%H%M%S")
    changed.ModifyingSystem = "Leapfrog district"
    changed.SourceOfPreviousValues = issuer
    changed.ReasonForTheAttributeModification = "COERCE"
    dataset.OriginalAttributesSequence = Sequence([*dataset.get("OriginalAttributesSequence", []), changed])
    written = io.BytesIO()
    pydicom.dcmwrite(written, dataset, write_like_original=True)
    return written.getvalue()


def on_received(received: bytes, origin: Any) -> tuple[Any, bytes | None]:
    """Called before each object is stored, with its bytes. An exception would store it as it is."""
    box = _asking.get(threading.get_ident(), "")
    if origin == orthanc.InstanceOrigin.DICOM_PROTOCOL or not box:
        return orthanc.ReceivedInstanceAction.KEEP_AS_IS, None
    try:
        issuer = issuer_of(box)
        if issuer == AS_IT_IS:
            return orthanc.ReceivedInstanceAction.KEEP_AS_IS, None
        return orthanc.ReceivedInstanceAction.MODIFY, coerce(received, issuer)
    except Exception as problem:  # whatever pydicom says of a damaged object
        orthanc.LogError(f"An object from {box} was not stored, since its patient's number cannot be read: {problem!r}")
        return orthanc.ReceivedInstanceAction.DISCARD, None


orthanc.RegisterIncomingHttpRequestFilter(note_box)
orthanc.RegisterReceivedInstanceCallback(on_received)
