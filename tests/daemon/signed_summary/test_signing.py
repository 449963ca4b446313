"""A summary in a code: read by a person, checked by a box, changed by nobody unnoticed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leapfrog.errors import NotASummary
from leapfrog.exam import Code, Identity, Measurement
from leapfrog.signed_summary.code_text import LONGEST_TEXT, to_base32
from leapfrog.signed_summary.exam_summary import summary_of
from leapfrog.signed_summary.patient_number import is_of
from leapfrog.signed_summary.signing import check_report, check_text, key_id, report_signature, signed_text
from leapfrog.signed_summary.summary import HashedNumber, Summary
from support.readings import (
    CHEST_MODEL,
    PATIENT,
    chest_reading,
    finding,
    head_reading,
    nerve_reading,
    unassessed_reading,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # RFC 4648, section 6
KNOWN = {key_id(PUBLIC): PUBLIC}
ALPHANUMERIC = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")  # ISO/IEC 18004, table 5


def summary(*readings, shared: bool = False) -> Summary:  # type: ignore[no-untyped-def]
    received = "2026-11-04T08:00:00+03:00"
    return summary_of(readings, exam_number="K7-42F", report_version=2, received_at=received, shared=shared)


def signed(made: Summary) -> str:
    return signed_text(made, PUBLIC, KEY.sign)


def test_a_person_can_read_it_and_it_names_nobody(tmp_path: Path) -> None:
    text = signed(summary(chest_reading(tmp_path)))
    assert text.startswith(
        "LEAPFROG 1:EXAM K7-42F V2:DATE 2026-11-03:DEMO:MODEL CHEST-FINDINGS 0.1.0:"
        "FLAGGED PLEURAL EFFUSION/INFILTRATION:NOT FLAGGED NODULE:PATIENT "
    )
    assert set(text) <= ALPHANUMERIC
    assert not any(word in text for word in ("OKELLO", "GRACE", "KIT", "004211", "1984"))


def test_what_was_signed_is_what_comes_back(tmp_path: Path) -> None:
    readings = (unassessed_reading(), head_reading(tmp_path), nerve_reading(tmp_path, areas=(12.0,)))
    made = summary(*readings, shared=True)
    checked = check_text(signed(made), KNOWN)
    assert (checked.verdict, checked.summary) == ("genuine", made)
    assert made.notes == ("CHECK WHOSE", "PARTLY NOT ASSESSED", "DEMO")
    said = {(one.grade, one.name) for model in made.models for one in model.findings}
    assert ("MEASURED", "HEAD CIRCUMFERENCE 175.0 MM") in said
    assert ("HATCHED", "VESSEL") in said


def test_a_letter_that_is_changed_is_noticed_wherever_it_stands(tmp_path: Path) -> None:
    text = signed(summary(chest_reading(tmp_path)))
    for place in (*range(0, len(text), 3), len(text) - 1):
        other = "A" if text[place] != "A" else "B"  # of the very last letter, these differ in bits that carry nothing
        assert check_text(text[:place] + other + text[place + 1 :], KNOWN).verdict != "genuine", place


def test_what_a_telephone_makes_of_it_on_the_way_changes_nothing(tmp_path: Path) -> None:
    text = signed(summary(chest_reading(tmp_path)))
    wrapped = "\n".join(text[start : start + 60] for start in range(0, len(text), 60))
    assert check_text(f"  {wrapped.lower()}\r\n", KNOWN).verdict == "genuine"


@pytest.mark.parametrize(
    "copied",
    [
        lambda text: text.replace(":", ": "),
        lambda text: f"  {text[:50]}\n   {text[50:]}",
        lambda text: text.replace("2026", "20\u200b26").replace(":", "\uff1a").replace("-", "\u2013"),
        lambda text: text[:50] + "\u2028" + text[50:],
        lambda text: f"\ufeff\u201c{text}\u201d.",
        lambda text: f'QR: "{text}"',
        lambda text: f"{text}\n{text}",
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace(" ", "\t", 3),
        lambda text: text.replace(" ", "%20"),
        lambda text: text.replace("PLEURAL EFFUSION", "PLEURAL\nEFFUSION").replace("INFILT", "INF\nILT"),
        lambda text: f"See this: {text} - sent from my telephone: bye",
    ],
)
def test_a_copy_that_means_the_same_is_genuine(tmp_path: Path, copied: Callable[[str], str]) -> None:
    assert check_text(copied(signed(summary(chest_reading(tmp_path)))), KNOWN).verdict == "genuine"


def test_what_is_added_to_a_signature_is_noticed(tmp_path: Path) -> None:
    text = signed(summary(chest_reading(tmp_path)))
    last = ALPHABET[ALPHABET.index(text[-1]) ^ 1]  # the same bytes to a reader that takes what it gets
    for changed in (f"{text}=", f"{text}A", text[:-1] + last):
        assert check_text(changed, KNOWN).verdict == "tampered"


@pytest.mark.parametrize(
    "hostile",
    [
        "EXAM K7-42F V2:DATE 2026-11-03:MODEL A:FLAGGED B:MORE -5",
        "EXAM K7-42F V2:DATE 2026-02-30:MODEL A:FLAGGED B",
        "EXAM K7-42F V2:EXAM K7-42F V3:DATE 2026-11-03:MODEL A:FLAGGED B",
        "EXAM K7-42F V2:DATE 2026-11-03:DATE 2026-11-04:MODEL A:FLAGGED B",
        "EXAM K7-42F V2:DATE 2026-11-03:NOT ASSESSED:MODEL A:URGENT B",
        f"EXAM K7-42F V2:DATE 2026-11-03:MODEL A:FLAGGED {'/'.join(['B'] * 500)}",
    ],
)
def test_a_station_that_signs_what_no_box_writes_is_not_believed(hostile: str) -> None:
    content = f"LEAPFROG 1:{hostile}:KEY {key_id(PUBLIC)}"
    with pytest.raises(NotASummary, match="does not go on as one"):
        check_text(f"{content}:{to_base32(KEY.sign(content.encode()))}", KNOWN)


def test_unknown_foreign_and_broken_ones_are_told_apart(tmp_path: Path) -> None:
    text = signed(summary(chest_reading(tmp_path)))
    assert check_text(text, {}).verdict == "unknown"
    assert check_text("https://example.org/K7-42F", KNOWN).verdict == "foreign"
    assert check_text(text[:80], KNOWN).verdict == "tampered"
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    assert check_text(signed_text(summary(chest_reading(tmp_path)), PUBLIC, other.sign), KNOWN).verdict == "tampered"


def test_a_later_format_that_is_genuine_says_that_it_is_not_understood() -> None:
    content = f"LEAPFROG 2:EXAM K7-42F:KEY {key_id(PUBLIC)}"
    with pytest.raises(NotASummary, match="another format"):
        check_text(f"{content}:{to_base32(KEY.sign(content.encode()))}", KNOWN)


def test_an_urgent_finding_of_any_image_comes_first_and_is_never_left_out(tmp_path: Path) -> None:
    many = tuple(finding(f"Finding number {number}", 0.1) for number in range(60))
    urgent = finding("Edema", 0.9, urgent=True, urgent_threshold=0.7)
    made = summary(chest_reading(tmp_path, findings=many), chest_reading(tmp_path, findings=(*many, urgent)))
    text = signed(made)
    assert len(text) <= LONGEST_TEXT
    assert ":URGENT EDEMA:" in text
    checked = check_text(text, KNOWN).summary
    assert checked is not None
    assert checked.left_out == 61 - len(checked.models[0].findings)
    assert checked.models[0].findings[0].name == "EDEMA"


def test_more_flagged_findings_than_there_is_room_for_make_no_code(tmp_path: Path) -> None:
    many = tuple(finding(f"Finding number {number}") for number in range(60))
    with pytest.raises(NotASummary, match="has room for"):
        signed(summary(chest_reading(tmp_path, findings=many)))


def test_a_name_in_other_letters_is_told_by_its_code_and_no_diagnosis_is_made(tmp_path: Path) -> None:
    code = Code(value="60046008", scheme="SCT", meaning="Pleural effusion")
    pneumonia = Code(value="233604007", scheme="SCT", meaning="Pneumonia")
    findings = (finding("ፕሉራል", code=code), finding("Pneumonia", code=pneumonia), finding("Épanchement / autre"))
    text = signed(summary(chest_reading(tmp_path, findings=findings)))
    assert "FLAGGED SCT 60046008/FEATURES SEEN IN PNEUMONIA/EPANCHEMENT AUTRE:" in text


def test_the_number_is_compared_however_it_is_written_and_salted_anew(tmp_path: Path) -> None:
    one, other = (summary(chest_reading(tmp_path)).number for _ in range(2))
    assert isinstance(one, HashedNumber) and one != other
    assert is_of(" kit-004211 ", one)
    assert is_of("KIT 00 42 11", one)
    assert is_of("Kit\u2013\u0660\u0660\u0664\u0662\u0661\u0661", one), "in Arabic digits"
    assert not is_of("KIT-004212", one)
    assert summary(chest_reading(tmp_path, identity=Identity(patient_name="X"))).number is None


def test_what_must_be_known_first_is_said(tmp_path: Path) -> None:
    other = PATIENT.model_copy(update={"patient_name": "Somebody^Else"})
    shipped = CHEST_MODEL.model_copy(update={"demonstration": False})
    values = {"model": shipped, "phantom": True, "age_not_given": True}
    two = [chest_reading(tmp_path, **values), chest_reading(tmp_path, identity=other, **values)]
    assert summary(*two).notes == ("PHANTOM", "CHECK WHOSE", "AGE NOT GIVEN")
    assert summary(unassessed_reading()).notes == ("NOT ASSESSED",)


def test_without_an_exam_date_it_says_when_the_exam_came(tmp_path: Path) -> None:
    text = signed(summary(chest_reading(tmp_path, identity=Identity(patient_id="1"))))
    assert ":RECEIVED 2026-11-04:" in text
    checked = check_text(text, KNOWN).summary
    assert checked is not None and checked.date_received


def test_a_measurement_without_a_code_has_its_unit(tmp_path: Path) -> None:
    area = Measurement(name="Nerve area", value=30.26, unit="mm2")
    text = signed(summary(chest_reading(tmp_path, findings=(finding("Nerve", measurement=area),))))
    assert ":MEASURED NERVE AREA 30.3 MM2:" in text


def test_a_reports_signature_is_of_its_very_bytes() -> None:
    line = report_signature(b"{}", PUBLIC, KEY.sign)
    assert check_report(b"{}", line, KNOWN).verdict == "genuine"
    assert check_report(b"{} ", line, KNOWN).verdict == "tampered"
    assert check_report(b"{}", line, {}).verdict == "unknown"
    for damaged in (b"", b"\0" * 112, b"\xff\xfe", line[:40]):
        assert check_report(b"{}", damaged, KNOWN).verdict in ("foreign", "tampered")
