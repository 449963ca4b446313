"""Which studies are deleted and, above all, which are not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leapfrog.exam import Identity, ImageHeader, ImageReading
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import CommittedReading, CommittedReport, NewInstance, StudyIdentity, StudyRecord
from leapfrog.state.retention import Retention, clock_is_synchronised
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from support.spooled import put_in_spool

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=31)


class Box:
    """A state directory with one journal and spool, and a clock that the test sets right or wrong."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory / "journal.sqlite")
        self.studies = Studies(self.journal)
        self.spool = Spool(directory / "spool", 0)
        self.reports = directory / "reports"
        self.synchronised = True
        self.retention = Retention(
            studies=self.studies,
            spool=self.spool,
            report_dir=self.report_dir,
            keep_days=30,
            synchronised=lambda: self.synchronised,
        )

    def report_dir(self, study: StudyRecord) -> Path:
        return self.reports / study.key

    def add_finished_study(self, *, owed: bool) -> StudyRecord:
        instance_id = new_id()
        new = NewInstance(
            id=instance_id,
            spool_name=f"{instance_id}.dcm",
            byte_count=0,
            source="test",
            study=StudyIdentity(),
            sop_instance_uid=f"1.2.{int(instance_id, 16)}",
            owed=owed,
        )
        Instances(self.journal).add(put_in_spool(self.spool, b"bytes", new))
        record = Instances(self.journal).begin_attempt()
        assert record is not None
        reading = ImageReading(
            instance_id=instance_id,
            sop_instance_uid="",
            source="test",
            identity=Identity(),
            header=ImageHeader(),
            outcome="nothing_found",
        )
        Instances(self.journal).commit_reading(CommittedReading(instance_id=instance_id, state="read", reading=reading))
        self.studies.commit_report(
            CommittedReport(
                study_key=record.study_key, version=1, changes=1, closing=True, worklist_row="{}", urgent=False
            )
        )
        study = self.studies.get(record.study_key)
        self.report_dir(study).mkdir(parents=True)
        (self.report_dir(study) / "report.json").write_text("{}")
        return study

    def remains(self, study: StudyRecord) -> bool:
        in_journal = any(other.key == study.key for other in self.studies.newest(100))
        on_disk = self.report_dir(study).exists()
        assert in_journal == on_disk
        return in_journal


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.journal.close()


def test_a_study_that_is_not_owed_is_forgotten_after_its_days_with_files_and_report(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    assert box.retention.round(NOW) == 0
    assert box.retention.round(NOW + timedelta(days=29)) == 0
    assert box.remains(study)
    assert box.retention.round(LATER) == 1
    assert not box.remains(study)
    assert not [path for path in box.spool.directory.iterdir() if path.is_file()]
    assert box.journal.counts("instances") == {"received": 0, "read": 0, "set_aside": 0, "forward_only": 0}


def test_a_study_that_is_owed_stays_however_old_it_is(box: Box) -> None:
    study = box.add_finished_study(owed=True)
    box.retention.round(NOW)
    assert box.retention.round(NOW + timedelta(days=4000)) == 0
    assert box.remains(study)


def test_what_was_refused_counts_as_owed(box: Box) -> None:
    study = box.add_finished_study(owed=True)
    with box.journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET state = 'refused'")
    box.retention.round(NOW)
    box.retention.round(LATER)
    assert box.remains(study)


def test_the_days_count_from_the_confirmation_not_from_the_arrival(box: Box) -> None:
    study = box.add_finished_study(owed=True)
    box.retention.round(NOW)
    with box.journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET state = 'confirmed'")
    assert box.retention.round(LATER) == 0
    assert box.retention.round(LATER + timedelta(days=31)) == 1
    assert not box.remains(study)


def test_nothing_goes_while_the_clock_is_not_synchronised(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    box.retention.round(NOW)
    box.synchronised = False
    assert box.retention.round(NOW + timedelta(days=20_000)) == 0
    assert box.remains(study)


def test_a_study_that_grows_again_begins_its_days_anew(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    box.retention.round(NOW)
    with box.journal.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'open'")
        connection.execute("UPDATE studies SET state = 'quiet'")
    assert box.retention.round(LATER) == 0
    assert box.remains(study)


def test_the_kernels_clock_can_be_asked() -> None:
    assert clock_is_synchronised() in {True, False}
