"""The data sets of storage commitment, against pydicom's."""

from io import BytesIO

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import decode, encode

from leapfrog.dicom.commitment import (
    MOST_REFERENCES,
    CommitmentReport,
    FailureReason,
    ReceivedReport,
    Reference,
    ReportInvalid,
    RequestInvalid,
    TooManyReferences,
    decode_report,
    decode_request,
    encode_report,
)
from leapfrog.dicom.encoding import EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from support.modality import action_information

CR = "1.2.840.10008.5.1.4.1.1.1"
PAIRS = [(CR, "2.25.11"), (CR, "2.25.123")]
REFERENCES = tuple(Reference(*pair) for pair in PAIRS)
SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]


def encoded(information: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    content = encode(information, syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian)
    assert content is not None
    return content


@pytest.mark.parametrize("undefined_length", [False, True])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_request_is_understood_however_it_is_encoded(syntax: str, undefined_length: bool) -> None:
    information = action_information(PAIRS, "2.25.99")
    information["ReferencedSOPSequence"].is_undefined_length = undefined_length
    for item in information.ReferencedSOPSequence:
        item.is_undefined_length_sequence_item = undefined_length
        item.RetrieveAETitle = "ELSEWHERE"
    request = decode_request(encoded(information, syntax), syntax)
    assert (request.transaction_uid, request.references) == ("2.25.99", REFERENCES)


@pytest.mark.parametrize("encoding", [EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding(explicit=True, little_endian=False)])
def test_a_report_says_the_same_to_pydicom(encoding: Encoding) -> None:
    failed = ((REFERENCES[1], FailureReason.NO_SUCH_OBJECT_INSTANCE),)
    content = encode_report(CommitmentReport("2.25.9", REFERENCES[:1], failed), encoding)
    report = decode(BytesIO(content), not encoding.explicit, encoding.little_endian)
    assert report.TransactionUID == "2.25.9"
    (kept,), (lost,) = report.ReferencedSOPSequence, report.FailedSOPSequence
    assert (kept.ReferencedSOPClassUID, kept.ReferencedSOPInstanceUID) == PAIRS[0]
    assert (lost.ReferencedSOPInstanceUID, lost.FailureReason) == (PAIRS[1][1], 0x0112)


def test_a_sequence_without_items_is_left_out() -> None:
    all_kept = CommitmentReport("2.25.9", REFERENCES, ())
    none_kept = CommitmentReport("2.25.9", (), ((REFERENCES[0], FailureReason.PROCESSING_FAILURE),))
    assert (all_kept.event_type, none_kept.event_type) == (1, 2)
    assert "FailedSOPSequence" not in decode(BytesIO(encode_report(all_kept, EXPLICIT_LITTLE)), False, True)
    assert "ReferencedSOPSequence" not in decode(BytesIO(encode_report(none_kept, EXPLICIT_LITTLE)), False, True)


def without(keyword: str) -> bytes:
    information = action_information(PAIRS, "2.25.99")
    delattr(information, keyword)
    return encoded(information)


def without_in_item(keyword: str) -> bytes:
    information = action_information(PAIRS, "2.25.99")
    delattr(information.ReferencedSOPSequence[1], keyword)
    return encoded(information)


WHOLE = encoded(action_information(PAIRS, "2.25.99"))
INVALID = {
    "nothing": b"",
    "noise": b"\x7f" * 100,
    "half": WHOLE[: len(WHOLE) // 2],
    "no transaction": without("TransactionUID"),
    "no sequence": without("ReferencedSOPSequence"),
    "empty sequence": encoded(action_information([], "2.25.99")),
    "no class": without_in_item("ReferencedSOPClassUID"),
    "no instance": without_in_item("ReferencedSOPInstanceUID"),
    "too long": WHOLE.replace(b"2.25.123", b"2." * 40),
    "not a UID": WHOLE.replace(b"2.25.123", "2.25.1é".encode()),
}


@pytest.mark.parametrize("what", INVALID)
def test_what_is_no_request_is_refused(what: str) -> None:
    with pytest.raises(RequestInvalid):
        decode_request(INVALID[what], ExplicitVRLittleEndian)


def test_a_request_is_understood_at_no_length_but_the_whole() -> None:
    for end in range(len(WHOLE)):
        with pytest.raises(RequestInvalid):
            decode_request(WHOLE[:end], ExplicitVRLittleEndian)


def test_what_is_named_again_and_again_is_looked_at_once() -> None:
    request = decode_request(encoded(action_information(PAIRS * 50, "2.25.99")), ExplicitVRLittleEndian)
    assert request.references == REFERENCES


def test_more_references_than_any_exam_has_are_refused() -> None:
    item = EXPLICIT_LITTLE.item(b"")
    content = EXPLICIT_LITTLE.element(0x00081199, b"SQ", item * (MOST_REFERENCES + 1))
    with pytest.raises(TooManyReferences):
        decode_request(content, ExplicitVRLittleEndian)


@pytest.mark.parametrize("encoding", [IMPLICIT_LITTLE, EXPLICIT_LITTLE])
def test_a_report_that_comes_back_says_what_was_said(encoding: Encoding) -> None:
    one, other = Reference("1.2.3", "1.2.3.1"), Reference("1.2.3", "1.2.3.2")
    report = CommitmentReport("1.2.9", (one,), ((other, FailureReason.NO_SUCH_OBJECT_INSTANCE),))
    syntax = ExplicitVRLittleEndian if encoding.explicit else ImplicitVRLittleEndian
    assert decode_report(encode_report(report, encoding), syntax) == ReceivedReport("1.2.9", (one,), ((other, 0x0112),))


def test_a_report_without_a_reason_or_without_anything_is_one() -> None:
    assert decode_report(encode_report(CommitmentReport("1.2.9", (), ()), EXPLICIT_LITTLE), ExplicitVRLittleEndian) == (
        ReceivedReport("1.2.9", (), ())
    )


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x95\x11UI\x08\x001.2", bytes(40)])
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(ReportInvalid):
        decode_report(content, ExplicitVRLittleEndian)
