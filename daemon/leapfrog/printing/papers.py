"""Papers as IPP names them (PWG 5101.1)."""

import re
from collections.abc import Sequence

from leapfrog.settings import PageSize

MEDIA: dict[PageSize, str] = {"A4": "iso_a4_210x297mm", "A5": "iso_a5_148x210mm", "Letter": "na_letter_8.5x11in"}
# A roll of receipts is 80 mm wide, of which most printers print 72; each printer names its lengths as it likes.
RECEIPT = re.compile(r"(?:.*_)?(?:80|79\.5|72)x\d+(?:\.\d+)?mm")


def media_for(page_size: PageSize, supported: Sequence[str]) -> str:
    """The keyword of a paper, for a printer that lists these; "" leaves it to the queue's own choice, since many refuse
    a sheet for a paper that they do not list.
    """
    if page_size == "80mm":
        return max((one for one in supported if RECEIPT.fullmatch(one)), key=_length, default="")
    return MEDIA[page_size] if MEDIA[page_size] in supported else ""


def is_supported(page_size: PageSize, supported: Sequence[str]) -> bool:
    """Whether a printer that lists these papers has this one. One that lists none may have any."""
    if not supported:
        return True
    if page_size == "80mm":
        return any(RECEIPT.fullmatch(one) for one in supported)
    return MEDIA[page_size] in supported


def _length(media: str) -> float:
    return float(media.removesuffix("mm").rpartition("x")[2])
