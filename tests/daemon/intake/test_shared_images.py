"""All real files, through the folder and over the network: each one is kept, and none crashes anything."""

from collections import Counter
from pathlib import Path

import pydicom
import pytest

from leapfrog.dicom.part10 import content_digest
from leapfrog.intake.instance_header import read_header
from leapfrog.state.folder_files import FolderFiles
from support.dcmtk import send
from support.intake_box import Box
from support.waiting import wait_until

DEFLATED = "1.2.840.10008.1.2.1.99"


@pytest.fixture
def dicom_files(shared_data: Path) -> list[Path]:
    return sorted(path for path in (shared_data / "dicom").rglob("*") if path.is_file())


def test_every_file_of_the_folder_is_taken_or_counted_as_ignored(box: Box, dicom_files: list[Path]) -> None:
    for number, path in enumerate(dicom_files):
        folder = box.inbox / str(number)
        folder.mkdir()
        (folder / path.name).write_bytes(path.read_bytes())
    watcher = box.watcher(settle_seconds=0.05, rescan_seconds=0.5)
    wait_until(
        lambda: len(FolderFiles(box.journal).all()) + watcher.ignored_files() == len(dicom_files),
        "every file is taken or ignored",
        deadline_seconds=40,
    )
    taken = {Path(file.path).name for file in FolderFiles(box.journal).all()}
    left_alone = {path.name for path in dicom_files} - taken
    assert {name for name in left_alone if "." not in name} == {"LICENSE"}
    assert {Path(name).suffix for name in left_alone} <= {"", ".txt", ".md", ".dump", ".json", ".icc", ".gz"}
    contents: dict[str, set[str]] = {}
    for path in dicom_files:
        if (uid := read_header(path).sop_instance_uid) and path.suffix == ".dcm":
            contents.setdefault(uid, set()).add(content_digest(path))
    kept = Counter(instance.sop_instance_uid for instance in box.instances())
    assert all(kept[uid] == len(digests) for uid, digests in contents.items())
    groups = [uid for uid, digests in contents.items() if len(digests) > 1]
    assert len(groups) >= 15
    for uid in groups:
        forwarded = [instance.forward_as for instance in box.instances() if instance.sop_instance_uid == uid]
        assert forwarded.count(None) == 1
        assert len(set(forwarded)) == len(forwarded)


def test_every_file_that_can_be_sent_is_acknowledged_and_kept(box: Box, dicom_files: list[Path]) -> None:
    _, port = box.receiver()
    sendable = []
    for path in dicom_files:
        header = read_header(path)
        has_meta = path.read_bytes()[128:132] == b"DICM"
        if has_meta and header.sop_instance_uid and header.transfer_syntax_uid != DEFLATED:
            sendable.append(path)
    acknowledged = 0
    for start in range(0, len(sendable), 40):  # a modality proposes at most 128 presentation contexts
        outcome = send(port, sendable[start : start + 40])
        assert "Out of Resources" not in outcome.text
        acknowledged += outcome.text.count("Received C-STORE Response (Success)")
    assert acknowledged > 90
    sent_uids = {read_header(path).sop_instance_uid for path in sendable}
    instances = box.instances()
    assert {instance.sop_instance_uid for instance in instances} <= sent_uids
    for instance in instances:
        path = box.spool.path(instance.spool_name)
        assert pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"]).file_meta
