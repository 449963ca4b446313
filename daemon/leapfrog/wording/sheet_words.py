"""What stands on paper only: on each page of the sheet, and beside its code."""

from collections.abc import Iterable

from leapfrog.language.listing import enumerated
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.wording.text import clean, each_once, moment

MADE = sentence("Made {moment}")
READ_BY = sentence("Read by {models}")
READ_BY_NONE = sentence("Read by no model")
CODE_CAPTION = sentence("Signed by this box. It holds no name. To check it: leapfrog verify")


def made_when(made_at: str) -> Sentence:
    """When the sheet was made; `made_at` is ISO 8601, "" where nobody says it."""
    return MADE.format(moment=moment(made_at)) if made_at else Sentence("")


def read_by(models: Iterable[str]) -> Sentence:
    """By which models, each by name and version, the exam was read."""
    names = each_once(map(clean, models))
    return READ_BY.format(models=enumerated(names)) if names else READ_BY_NONE
