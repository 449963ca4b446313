"""Which values of an original may stand in our objects: those that keep the rules of their VR (PS3.5 Section 6.2).

A machine's own image may say anything, and is passed on as it came. What we make is checked by archives as ours, so a
value that breaks the rules is left out of it, as if it had not been given. The report still shows it as received.
"""

import re
from datetime import datetime

LONGEST = {"AE": 16, "CS": 16, "LO": 64, "SH": 16}  # characters
LONGEST_NAME = 64  # characters, of each of the three ways in which a name may be written
NAME_PARTS = 5
DATE = re.compile(r"\d{8}")
TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
AGE = re.compile(r"\d{3}[DWMY]")
CODE_STRING = re.compile(r"[A-Z0-9 _]{1,16}")
SEXES = ("M", "F", "O")


def valid_value(keyword: str, vr: str, value: str) -> str:
    """`value`, a single one, as it may stand in the attribute `keyword`; "" if it breaks the rules of its `vr`."""
    if vr == "PN":
        return _name(value)
    return value if _is_valid(keyword, vr, value) else ""


def _is_valid(keyword: str, vr: str, value: str) -> bool:
    if keyword == "PatientSex":
        return value in SEXES
    match vr:
        case "DA":
            return _is_date(value)
        case "TM":
            return TIME.fullmatch(value) is not None
        case "AS":
            return AGE.fullmatch(value) is not None
        case "CS":
            return CODE_STRING.fullmatch(value) is not None
        case _:
            return len(value) <= LONGEST.get(vr, len(value))


def _is_date(value: str) -> bool:
    if not DATE.fullmatch(value):
        return False
    try:
        datetime.strptime(value, "%Y%m%d")
    except ValueError:
        return False
    return True


def _name(value: str) -> str:
    """A name in up to three ways of writing, each of up to five parts; a way that is longer is left out."""
    ways = value.split("=")[:3]
    kept = (way if len(way) <= LONGEST_NAME and way.count("^") < NAME_PARTS else "" for way in ways)
    return "=".join(kept).rstrip("=")
