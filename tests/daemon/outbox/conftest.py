"""A box with something owed, and a real district server behind a proxy that counts and fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.state.deliveries import Deliveries
from support.orthanc import Orthanc, orthanc_program
from support.outbox_box import Box
from support.owed import open_state
from support.recording_proxy import RecordingProxy


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    journal, spool = open_state(tmp_path)
    box = Box(journal, spool, Deliveries(journal))
    yield box
    for sender in box.senders:
        sender.stop()
    journal.close()
    assert box.fatal == []


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """One district server for a module; tests tell their instances by UID."""
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    with Orthanc(tmp_path_factory.mktemp("district")) as server:
        yield server


@pytest.fixture
def proxy(orthanc: Orthanc) -> Iterator[RecordingProxy]:
    with RecordingProxy(orthanc.dicomweb_url) as proxy:
        yield proxy
