"""Only values that keep the rules of their VR stand in what we make."""

import pytest

from leapfrog.reader.objects.valid_values import valid_value


@pytest.mark.parametrize(
    ("keyword", "vr", "value", "kept"),
    [
        ("PatientAge", "AS", "081Y", "081Y"),
        ("PatientAge", "AS", "81", ""),
        ("StudyDate", "DA", "20261103", "20261103"),
        ("StudyDate", "DA", "1994.11.05", ""),
        ("StudyDate", "DA", "20261332", ""),
        ("StudyTime", "TM", "142210.123456", "142210.123456"),
        ("StudyTime", "TM", "14:22:10", ""),
        ("StudyTime", "TM", "2561", ""),
        ("PatientSex", "CS", "F", "F"),
        ("PatientSex", "CS", "female", ""),
        ("PatientSex", "CS", "W", ""),
        ("BodyPartExamined", "CS", "CHEST", "CHEST"),
        ("BodyPartExamined", "CS", "Thorax pa", ""),
        ("AccessionNumber", "SH", "A" * 16, "A" * 16),
        ("AccessionNumber", "SH", "A" * 17, ""),
        ("StudyDescription", "LO", "x" * 65, ""),
        ("PatientName", "PN", "Okello^Grace", "Okello^Grace"),
        ("PatientName", "PN", "x" * 65 + "=山田^太郎", "=山田^太郎"),
        ("PatientName", "PN", "a^b^c^d^e^f", ""),
    ],
)
def test_what_breaks_a_rule_is_left_out(keyword: str, vr: str, value: str, kept: str) -> None:
    assert valid_value(keyword, vr, value) == kept
