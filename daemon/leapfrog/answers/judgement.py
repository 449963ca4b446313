"""Whether a document in the patient's study is a radiologist's answer. Much that lies there is none: what this box
sent, and what machines make by themselves.

Standards do not say it in one place, so it is decided by the class of the object, its title and template, who is said
to have written it, and whether a person verified it (PS3.3 C.17.2, PS3.16 TID 1001 to 1003).
"""

from typing import Literal

from leapfrog.answers.document import Document

# "unclear": it may be an answer or not, since it does not say who wrote it; a person must look.
Judgement = Literal["verified", "unverified", "unclear", "machine"]

STRUCTURED_REPORTS = frozenset(
    f"1.2.840.10008.5.1.4.1.1.88.{last}"
    for last in (11, 22, 33, 34, 35)  # Basic Text, Enhanced, Comprehensive, Comprehensive 3D, Extensible
)
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
# No other class is fetched: dose reports, CAD, procedure logs, key objects, presentation states are machines' work.
CLASSES = STRUCTURED_REPORTS | {ENCAPSULATED_PDF}
OUR_MANUFACTURER = "Leapfrog"

# PS3.16: titles and templates of what is no report on a patient, whoever verified it.
DOSE_AND_LOGS = frozenset(("113701", "113500", "121058", "113000", "126020", "126100"))
DOSE_AND_LOG_TEMPLATES = frozenset(("10001", "10003", "10011", "10021", "10030", "10040", "3001", "2010"))
# And of measurements or marks that a machine makes; a person who verified them stands for them.
MEASUREMENTS = frozenset(
    ("125000", "125100", "125200", "126000", "126001", "126002", "126003", "111036", "112000", "112220", "125195")
)
MEASUREMENT_TEMPLATES = frozenset(
    ("1500", "5000", "5100", "5200", "5220", "5300", "5301", "4000", "4019", "4100", "4120", "3900")
)


def judgement(document: Document) -> Judgement:
    """What it is."""
    title = document.title_code.value if document.title_code and document.title_code.scheme == "DCM" else ""
    if title in DOSE_AND_LOGS or document.template in DOSE_AND_LOG_TEMPLATES:
        return "machine"
    if document.is_verified and (document.verified_by or document.kind == "pdf"):
        return "verified"
    is_measurement = title in MEASUREMENTS or document.template in MEASUREMENT_TEMPLATES
    if is_measurement or document.manufacturer.strip().lower().startswith(OUR_MANUFACTURER.lower()):
        return "machine"
    if document.persons or document.scanned:
        return "unverified"
    if document.device_wrote:
        return "machine"
    return "unclear"
