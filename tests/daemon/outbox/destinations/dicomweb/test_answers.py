"""What servers answer, and which part of it counts."""

import json

import pytest

from leapfrog.outbox.destinations.dicomweb.answers import is_temporary, parse_query_answer, parse_store_answer

XML = """<?xml version="1.0"?><NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
<DicomAttribute tag="00081198" vr="SQ" keyword="FailedSOPSequence"><Item number="1">
 <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.4</Value></DicomAttribute>
 <DicomAttribute tag="00081197" vr="US"><Value number="1">43264</Value></DicomAttribute></Item></DicomAttribute>
<DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence"><Item number="1">
 <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.3</Value></DicomAttribute></Item></DicomAttribute>
</NativeDicomModel>"""


def _item(uid: str, **more: object) -> dict[str, object]:
    return {"00081155": {"vr": "UI", "Value": [uid]}, **more}


def test_json_names_what_was_stored_and_what_failed() -> None:
    failed = _item("1.2.4", **{"00081197": {"vr": "US", "Value": [43264]}})
    answer = {
        "00081198": {"vr": "SQ", "Value": [failed, _item("1.2.5")]},
        "00081199": {"vr": "SQ", "Value": [_item("1.2.3")]},
    }
    for body in (json.dumps(answer), json.dumps([answer]), "\ufeff " + json.dumps(answer)):
        said = parse_store_answer(body.encode())
        assert said is not None
        assert said.stored == {"1.2.3"}
        assert said.failed == {"1.2.4": 0xA900, "1.2.5": 0x0110}


def test_xml_names_what_was_stored_and_what_failed() -> None:
    said = parse_store_answer(XML.encode())
    assert said is not None
    assert (said.stored, said.failed) == (frozenset({"1.2.3"}), {"1.2.4": 0xA900})


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome</html>",
        b"<!DOCTYPE html><html>NativeDicomModel</html>",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel>&a;</NativeDicomModel>',
        b"<NativeDicomModel>",
        b"{",
        b'"1.2.3"',
        b"[1]",
        b'{"HttpError": "Not Found"}',
        b"[" * 100_000,
        b"\xff\xfe{",
        b'{"\xff": 1}',
    ],
)
def test_anything_else_is_no_answer(body: bytes) -> None:
    assert parse_store_answer(body) is None
    assert parse_query_answer(body) is None


@pytest.mark.parametrize(
    "dataset", [{"00081199": 3}, {"00081199": {"Value": 3}}, {"00081199": {"Value": [3]}}, {"00081199": {}}]
)
def test_a_malformed_data_set_confirms_nothing(dataset: dict[str, object]) -> None:
    said = parse_store_answer(json.dumps(dataset).encode())
    assert said is not None and not said.stored


def test_a_query_lists_the_instances_that_are_held() -> None:
    held = [{"00080018": {"vr": "UI", "Value": ["1.2.3"]}}, {"00080016": {"vr": "UI", "Value": ["1.2.9"]}}]
    assert parse_query_answer(json.dumps(held).encode()) == frozenset({"1.2.3"})
    assert parse_query_answer(b"[]") == frozenset()


@pytest.mark.parametrize(("reason", "temporary"), [(0xA700, True), (0xA7FF, True), (0x0110, True), (0x0213, True)])
def test_a_lack_of_resources_is_temporary(reason: int, temporary: bool) -> None:
    assert is_temporary(reason) is temporary


@pytest.mark.parametrize("reason", [0x0122, 0x0124, 0xA900, 0xC000, 45070])
def test_an_unwanted_instance_stays_unwanted(reason: int) -> None:
    assert not is_temporary(reason)
