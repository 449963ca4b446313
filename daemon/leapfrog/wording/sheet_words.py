"""What stands on paper only: on each page of the sheet, and beside its code."""

from collections.abc import Iterable

from leapfrog.wording.text import clean, each_once, moment

MADE = "Made {moment}"
READ_BY_ONE = "Read by {model}"
READ_BY_SEVERAL = "Read by {models}"
READ_BY_NONE = "Read by no model"
CODE_CAPTION = "Signed by this box. It holds no name. To check it: leapfrog verify"


def made_when(made_at: str) -> str:
    """When the sheet was made; `made_at` is ISO 8601, "" where nobody says it."""
    return MADE.format(moment=moment(made_at)) if made_at else ""


def read_by(models: Iterable[str]) -> str:
    """By which models, each by name and version, the exam was read."""
    names = each_once(map(clean, models))
    if not names:
        return READ_BY_NONE
    if len(names) == 1:
        return READ_BY_ONE.format(model=names[0])
    return READ_BY_SEVERAL.format(models=", ".join(names))
