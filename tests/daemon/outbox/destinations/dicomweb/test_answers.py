"""What servers answer, and which part of it counts."""

import json

import pytest

from leapfrog.outbox.destinations.dicomweb.answers import (
    is_temporary,
    parse_metadata,
    parse_query_answer,
    parse_store_answer,
    redirect_host,
    retry_after_seconds,
)

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


# ---------------------------------------------------------------- whatever comes


@pytest.mark.parametrize(
    "body",
    [
        b'<NativeDicomModel><DicomAttribute tag="00081199">' + b"<Item>" * 100_000,
        b"<NativeDicomModel>" + b"<Item>" * 100_000 + b"</Item>" * 100_000 + b"</NativeDicomModel>",
        b'<?xml version="1.0" encoding="klingon"?><NativeDicomModel/>',
        b'<?xml version="1.0" encoding="utf-7"?><NativeDicomModel/>',
        b"<Other>NativeDicomModel</Other>",
        b'{"00081199":' * 100_000,
        b"--b\r\n\r\n{\r\n--b--",
        b"--b\r\n\r\n[]",
        b"--\r\n" * 1000,
    ],
)
def test_what_would_have_stopped_the_box_is_no_answer(body: bytes) -> None:
    assert parse_store_answer(body) is None
    assert parse_query_answer(body) is None
    assert parse_metadata(body) is None


@pytest.mark.parametrize(
    "reason", ["9" * 5000, '"' + "9" * 5000 + '"', '"\u0663\u0664"', '"-1"', "1e400", "NaN", "null"]
)
def test_a_failure_without_a_usable_reason_may_be_temporary(reason: str) -> None:
    item = f'{{"00081155": {{"Value": ["1.2.4"]}}, "00081197": {{"Value": [{reason}]}}}}'
    said = parse_store_answer(f'{{"00081198": {{"Value": [{item}]}}}}'.encode())
    assert said is not None and said.failed == {"1.2.4": 0x0110}


@pytest.mark.parametrize("body", [b"", b" \r\n", b"null", b"[]", b"--b--", b"--b\r\n\r\n--b--\r\n"])
def test_an_empty_answer_to_a_query_lists_nothing(body: bytes) -> None:
    assert parse_query_answer(body, "application/dicom+json") == frozenset()
    assert parse_query_answer(b"", "text/html; charset=utf-8") is None
    assert parse_store_answer(b"", "") is None


def test_each_part_of_a_multipart_answer_is_an_instance() -> None:
    model = (
        '<NativeDicomModel><DicomAttribute tag="00080018" vr="UI"><Value>{}</Value></DicomAttribute></NativeDicomModel>'
    )
    parts = "".join(
        f"--=_b\r\nContent-Type: application/dicom+xml\r\n\r\n{model.format(uid)}\r\n" for uid in ("1.2", "1.3")
    )
    assert parse_query_answer(f"{parts}--=_b--\r\n".encode(), "multipart/related") == frozenset(("1.2", "1.3"))


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("http://portal.example/login", "portal.example"),
        ("http://", None),
        ("/here", None),
        ("http://[::1", None),
        ("http://h:99999999/", "h"),
        ("http://<script>/", None),
        ("http://" + "a" * 5000, None),
        ("http://por\r\ntal.example/login", None),
        ("http://\ud800/", None),
    ],
)
def test_where_a_redirect_leads_is_said_only_where_it_can_be(location: str, host: str | None) -> None:
    assert redirect_host({"Location": location}) == host


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("-5", 0.0),
        ("inf", 0.0),
        ("nan", 0.0),
        ("1e999", 0.0),
        ("\u0663", 0.0),
        ("9" * 5000, 0.0),
        ("999999999", 999_999_999.0),
        ("Sat, 28 Nov 2026 10:01:00 GMT", 60.0),
        ("Sat, 28 Nov 2026 12:01:00 +0200", 60.0),
        ("Sat, 28 Nov 2026 10:00:00 +9900", 0.0),
        ("Sat, 28 Nov 99999 10:00:00 GMT", 0.0),
        ("Sat, 28 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", 0.0),
    ],
)
def test_how_long_a_server_asks_to_wait(text: str, seconds: float) -> None:
    headers = {"Retry-After": text, "Date": "Sat, 28 Nov 2026 10:00:00 GMT"}
    assert retry_after_seconds(headers) == seconds
