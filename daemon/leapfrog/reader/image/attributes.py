"""Reads attributes of a data set so that no malformed value can stop a reading.

pydicom parses a value when it is first accessed, so each access can fail in its own way. Its warnings quote values,
including patients' names, so they are kept out of the log here.
"""

import logging
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import UID

from leapfrog.wording.text import one_line

LEFT_OVER_ESCAPES = re.compile(r"\x1b[ -/]+[0-~]")  # ISO 2022; pydicom 3.0 decodes IR 58 but does not remove these
LONGEST_TEXT = 1024  # characters; the longest DICOM text that a report shows, LT, may have 10,240


@contextmanager
def lenient_parsing() -> Iterator[None]:
    """Accept what machines really send, and keep pydicom's warnings out of the log, since they quote values."""
    logger = logging.getLogger("pydicom")
    was_disabled, was_mode = logger.disabled, config.settings.reading_validation_mode
    logger.disabled = True
    config.settings.reading_validation_mode = config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled
        config.settings.reading_validation_mode = was_mode


def value_of(dataset: Dataset, keyword: str | int) -> Any:
    """The value of `keyword`, or of a tag, or None if it is missing, empty or cannot be parsed."""
    try:
        with lenient_parsing():
            value = dataset.get(keyword)
            return value.value if isinstance(value, DataElement) else value
    except Exception:  # a malformed value can raise anything; it counts as not given
        return None


def text(dataset: Dataset, keyword: str) -> str:
    """The value as one line of text, decoded with its character set; several values are joined by backslashes, as
    stored.
    """
    value = value_of(dataset, keyword)
    if value is None:
        return ""
    try:
        with lenient_parsing():
            values = value if isinstance(value, MultiValue | list) else [value]
            joined = "\\".join(str(one) for one in values)
    except Exception:  # for instance a name in a character set that Python does not have
        return ""
    return one_line(LEFT_OVER_ESCAPES.sub("", joined)).strip()[:LONGEST_TEXT]


def numbers(dataset: Dataset, keyword: str | int) -> tuple[float, ...]:
    """The finite numbers of `keyword`, in order; anything else is left out."""
    value = value_of(dataset, keyword)
    values = value if isinstance(value, MultiValue | list | tuple) else [value]
    finite = []
    for one in values:
        try:
            number = float(one)
        except (TypeError, ValueError, OverflowError):
            continue
        if math.isfinite(number):
            finite.append(number)
    return tuple(finite)


def integer(dataset: Dataset, keyword: str) -> int | None:
    """The first number of `keyword` as an integer, or None."""
    values = numbers(dataset, keyword)
    return int(values[0]) if values else None


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; none if it is missing or malformed."""
    value = value_of(dataset, keyword)
    return tuple(value) if isinstance(value, Sequence) else ()


def uid_name(uid: str) -> str:
    """The standard's name for `uid`; '' if it has none."""
    with lenient_parsing():
        name = UID(uid).name
    return "" if name == uid else name
