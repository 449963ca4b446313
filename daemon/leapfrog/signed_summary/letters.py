"""The letters of a code: a QR code needs least room for these 45 (ISO/IEC 18004, alphanumeric mode)."""

import re
import unicodedata

BETWEEN_FIELDS = ":"
BETWEEN_NAMES = "/"
NOT_IN_A_NAME = re.compile(r"[^0-9A-Z $%*+.-]+")
LONGEST_NAME = 48


def in_code(text: str) -> str:
    """`text` in capitals without accents, and without what would part names; "" where a letter of it has no place in a
    code, so that no half of a name is taken for all of it.
    """
    letters = unicodedata.normalize("NFKD", text).upper()
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    if any(letter.isalpha() and not letter.isascii() for letter in plain):
        return ""
    return " ".join(NOT_IN_A_NAME.sub(" ", plain).split())[:LONGEST_NAME].rstrip()
