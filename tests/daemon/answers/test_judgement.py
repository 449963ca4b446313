"""What a radiologist said is told from what a machine made, and what is not clear is said to be so."""

from typing import Any

import pytest

from leapfrog.answers.document import Person
from leapfrog.answers.judgement import judgement
from leapfrog.exam import Code
from support.documents import GRACE, document

SOMEBODY = (Person(name="O. Juma"),)


def title(value: str, scheme: str = "DCM") -> Code:
    return Code(value=value, scheme=scheme, meaning="")


@pytest.mark.parametrize(
    ("said", "is_what"),
    [
        ({"is_verified": True, "verified_by": (GRACE,)}, "verified"),
        ({"is_verified": True, "verified_by": (GRACE,), "manufacturer": "Leapfrog"}, "verified"),
        ({"is_verified": True, "verified_by": (GRACE,), "template": "1500"}, "verified"),
        ({"is_verified": True, "kind": "pdf"}, "verified"),
        ({"persons": SOMEBODY}, "unverified"),
        ({"persons": SOMEBODY, "device_wrote": True}, "unverified"),
        ({"kind": "pdf", "scanned": True}, "unverified"),
        ({}, "unclear"),
        ({"kind": "pdf"}, "unclear"),
        ({"is_verified": True}, "unclear"),
        ({"device_wrote": True}, "machine"),
        ({"manufacturer": "LEAPFROG kiosk"}, "machine"),
        ({"template": "1500", "persons": SOMEBODY}, "machine"),
        ({"title_code": title("125000")}, "machine"),
        ({"title_code": title("113701"), "is_verified": True, "verified_by": (GRACE,)}, "machine"),
        ({"template": "10001", "is_verified": True, "verified_by": (GRACE,)}, "machine"),
        ({"title_code": title("113701", "99LOCAL")}, "unclear"),
    ],
)
def test_who_made_a_document_decides(said: dict[str, Any], is_what: str) -> None:
    assert judgement(document(**said)) == is_what
