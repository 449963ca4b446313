"""Parses a DICOMweb server's answers to STOW-RS and QIDO-RS (PS3.18 sections 10.5.3 and 10.6.3).

Only what an answer says about the very instance that was sent counts, never its HTTP status alone. Debian 12's Orthanc
answers 200 with two empty sequences when its disk is full (measured), and a captive portal answers 200 with a web page.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

SOP_INSTANCE_UID = "00080018"
REFERENCED_SOP_INSTANCE_UID = "00081155"
FAILURE_REASON = "00081197"
FAILED_SOP_SEQUENCE = "00081198"
REFERENCED_SOP_SEQUENCE = "00081199"

# Failure Reason (0008,1197), PS3.18 table I.2-2 and PS3.4 annex B.2.3: these are temporary, all others are not.
PROCESSING_FAILURE = 0x0110
RESOURCE_LIMITATION = 0x0213
OUT_OF_RESOURCES = range(0xA700, 0xA800)


@dataclass(frozen=True)
class StoreAnswer:
    """The instances that a STOW-RS answer lists as stored, and those it lists as failed, with their Failure Reasons."""

    stored: frozenset[str]
    failed: dict[str, int]


def is_temporary(failure_reason: int) -> bool:
    """Whether the server may accept the same instance later."""
    return failure_reason in (PROCESSING_FAILURE, RESOURCE_LIMITATION) or failure_reason in OUT_OF_RESOURCES


def parse_store_answer(body: bytes) -> StoreAnswer | None:
    """The Store Instances Response Module in DICOM JSON or XML; None when `body` is neither."""
    datasets = _datasets(body)
    if datasets is None:
        return None
    stored: set[str] = set()
    failed: dict[str, int] = {}
    for dataset in datasets:
        for item in _items(dataset, REFERENCED_SOP_SEQUENCE):
            stored.update(_texts(item, REFERENCED_SOP_INSTANCE_UID))
        for item in _items(dataset, FAILED_SOP_SEQUENCE):
            reasons = [int(text) for text in _texts(item, FAILURE_REASON) if text.isdecimal()]
            for uid in _texts(item, REFERENCED_SOP_INSTANCE_UID):
                failed[uid] = reasons[0] if reasons else PROCESSING_FAILURE
    return StoreAnswer(frozenset(stored), failed)


def parse_query_answer(body: bytes) -> frozenset[str] | None:
    """The SOP Instance UIDs that a QIDO-RS answer lists; None when `body` is not a QIDO-RS answer."""
    datasets = _datasets(body)
    if datasets is None:
        return None
    return frozenset(uid for dataset in datasets for uid in _texts(dataset, SOP_INSTANCE_UID))


# A data set in the DICOM JSON model (PS3.18 annex F): tag -> {"vr", "Value"}.
DicomJson = dict[str, Any]


def _datasets(body: bytes) -> list[DicomJson] | None:
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"{", b"[")):
        return _from_json(start)
    if start.startswith(b"<") and b"NativeDicomModel" in start:
        return _from_xml(start)
    return None


def _from_json(body: bytes) -> list[DicomJson] | None:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    datasets = content if isinstance(content, list) else [content]
    if not all(_is_dataset(dataset) for dataset in datasets):
        return None
    return datasets


def _is_dataset(content: object) -> bool:
    """Whether `content` has tags as keys. An error page in JSON has words there."""
    return isinstance(content, dict) and all(re.fullmatch("[0-9A-Fa-f]{8}", key) for key in content)


def _items(dataset: DicomJson, tag: str) -> list[DicomJson]:
    return [item for item in _values(dataset, tag) if isinstance(item, dict)]


def _texts(dataset: DicomJson, tag: str) -> list[str]:
    return [str(value).strip("\0 ") for value in _values(dataset, tag) if isinstance(value, str | int)]


def _values(dataset: DicomJson, tag: str) -> list[Any]:
    element = dataset.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _from_xml(body: bytes) -> list[DicomJson] | None:
    """Parse the Native DICOM Model (PS3.19 annex A.1). A document type is rejected, because its entities could expand
    without limit.
    """
    if b"<!" in body:
        return None
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return None
    return [_from_xml_element(root)]


def _from_xml_element(parent: ElementTree.Element) -> DicomJson:
    dataset: DicomJson = {}
    for attribute in parent:
        values: list[Any] = []
        for child in attribute:
            if _local_name(child) == "Item":
                values.append(_from_xml_element(child))
            elif _local_name(child) == "Value":
                values.append(child.text or "")
        dataset[attribute.get("tag", "")] = {"Value": values}
    return dataset


def _local_name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
