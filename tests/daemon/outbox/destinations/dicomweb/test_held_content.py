"""What a district filed under a clinic's name is still what was sent, and nothing else is."""

import importlib.util
import io
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import BasicTextSRStorage

from leapfrog.outbox.destinations.dicomweb.held_content import Content, content_of
from support.owed import part10_bytes, secondary_capture

SCRIPT = Path(__file__).resolve().parents[5] / "config" / "district" / "box_issuer.py"


@pytest.fixture(scope="module")
def box_issuer() -> Any:
    """How a district files what comes in; the module `orthanc` exists in its Orthancs alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "orthanc", MagicMock())
        found = importlib.util.spec_from_file_location("box_issuer", SCRIPT)
        assert found is not None
        assert found.loader is not None
        loaded = importlib.util.module_from_spec(found)
        found.loader.exec_module(loaded)
        return loaded


def text(patient_id: str | None = "17", says: str = "no finding", **other: Any) -> Dataset:
    """A document without pixels, with a sequence of each kind of length."""
    dataset = secondary_capture(PatientID=patient_id, SOPClassUID=BasicTextSRStorage, PixelData=None, **other)
    inner = Dataset()
    inner.TextValue = says
    dataset.ContentSequence = [inner]
    dataset.ConceptNameCodeSequence = [Dataset()]
    dataset["ContentSequence"].is_undefined_length = True
    return dataset


def content(written: bytes) -> Content:
    return content_of(io.BytesIO(written))


@pytest.mark.parametrize("number", ["17", "", None, "1" * 63])
@pytest.mark.parametrize("made", [text, lambda number: secondary_capture(PatientID=number)])
def test_what_is_filed_under_a_clinics_name_is_what_was_sent(box_issuer: Any, made: Any, number: str | None) -> None:
    sent = part10_bytes(made(number))
    assert content(sent).is_same_as(content(box_issuer.coerce(sent, "KITUI")))


@pytest.mark.parametrize(
    "other",
    [
        {"says": "a finding"},
        {"patient_id": "18"},
        {"patient_id": ""},
        {"PatientName": "Other^Patient"},
        {"Modality": "CR"},
    ],
)
def test_a_document_that_says_something_else_is_another(box_issuer: Any, other: dict[str, Any]) -> None:
    uids = {"SOPInstanceUID": "1.2.3", "StudyInstanceUID": "1.2.4", "SeriesInstanceUID": "1.2.5"}
    sent, held = part10_bytes(text(**uids)), part10_bytes(text(**uids | other))
    assert not content(sent).is_same_as(content(held))
    assert not content(sent).is_same_as(content(box_issuer.coerce(held, "KITUI")))


def test_a_document_that_breaks_off_is_not_one_that_breaks_off_elsewhere() -> None:
    sent = part10_bytes(text())
    assert not content(sent[:-3]).is_same_as(content(sent[:-4]))
    assert content(sent[:-3]).is_same_as(content(sent[:-3]))
