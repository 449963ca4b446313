"""What `status` says about reports that cannot be sent to the district in full, and about the kernel."""

import errno
from pathlib import Path

import pytest

from leapfrog.control.inspection.confinement import UNCONFINED
from leapfrog.control.status import BoxStatus, StatusSource
from leapfrog.settings import Settings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import CommittedReport
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from support.journal_rows import new_instance

WHY = "The images have no Study Instance UID, so the report cannot be filed with them at the district."


def source_of(journal: Journal, directory: Path) -> StatusSource:
    deliveries, spool = Deliveries(journal), Spool(directory / "spool", 0)
    return StatusSource(settings=Settings(), journal=journal, deliveries=deliveries, spool=spool)


def status_of(journal: Journal, directory: Path) -> BoxStatus:
    return source_of(journal, directory).status()


def report(journal: Journal, version: int, *not_made: str) -> str:
    studies = Studies(journal)
    study = studies.newest(1)[0]
    studies.commit_report(
        CommittedReport(
            study_key=study.key, version=version, changes=study.changes, closing=True, worklist_row="{}",
            urgent=False, not_made=not_made,
        )
    )  # fmt: skip
    return study.key


def test_a_report_that_lacks_objects_needs_attention_until_a_later_version_has_them(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    Instances(journal).add(new_instance(owed=False))
    key = report(journal, 1, WHY)
    status = status_of(journal, tmp_path)
    assert [(one.study_key, one.reasons) for one in status.lacking_reports] == [(key, (WHY,))]
    assert f"1 report cannot be sent to the district in full. {WHY}" in [found.what for found in status.attention]
    report(journal, 2)
    status = status_of(journal, tmp_path)
    assert (status.lacking_reports, status.lacking_reports_total) == ((), 0)
    assert not any("district" in found.what for found in status.attention)
    journal.close()


def test_a_kernel_that_confines_no_reader_is_a_matter_for_the_technician_and_not_for_the_nurse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.control.inspection.confinement.landlock_abi", lambda: -errno.ENOSYS)
    journal = Journal(tmp_path / "journal.sqlite")
    source = source_of(journal, tmp_path)
    assert any(found.what.startswith(UNCONFINED) for found in source.status().attention)
    assert not any(UNCONFINED in problem.what for problem in source.for_worklist().attention)
    journal.close()
