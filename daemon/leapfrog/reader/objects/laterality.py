"""On which side of the body an image was made (PS3.3 C.7.3.1): given only of a part that a body may have twice."""

from pydicom import Dataset

from leapfrog.reader.objects.common_modules import set_if_valid

SIDES = ("L", "R")
# The parts of PS3.16 Annex L that a body has once, of which Laterality must not be given.
_ONCE = (
    "ABDOMEN ABDOMENPELVIS AORTA BACK BLADDER BRAIN CEREBELLUM CERVIX CHEST CHESTABDOMEN CHESTABDPELVIS"
    " CIRCLEOFWILLIS COCCYX COLON CORONARYARTERY CSPINE CTSPINE DUODENUM ESOPHAGUS FACE GALLBLADDER HEAD"
    " HEADNECK HEART ILEUM ILIUM JAW JEJUNUM LARYNX LIVER LSPINE LSSPINE MAXILLA MEDIASTINUM MOUTH NECK"
    " NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELV NOSE PANCREAS PELVIS PENIS PHARYNX PROSTATE RECTUM SCALP"
    " SKULL SPINE SPLEEN SSPINE STERNUM STOMACH THYMUS THYROID TLSPINE TONGUE TRACHEA TSPINE URETER URETHRA"
    " UTERUS VAGINA VULVA WHOLEBODY"
)
UNPAIRED = frozenset(_ONCE.split())


def set_body_part(dataset: Dataset, body_part: str, laterality: str) -> None:
    """Set which part of the body the series of `dataset` shows, and which side of it; empty where that is not given, or
    is something else than left or right.
    """
    set_if_valid(dataset, "BodyPartExamined", body_part)
    if dataset.get("BodyPartExamined") not in UNPAIRED:
        dataset.Laterality = laterality if laterality in SIDES else None
