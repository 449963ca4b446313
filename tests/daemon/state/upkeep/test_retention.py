"""Which studies are deleted and, above all, which are not."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from leapfrog.exam import Identity, ImageHeader, ImageReading
from leapfrog.settings import MOST_DAYS
from leapfrog.state.answer_files import ANSWERS_NAME, AnswerFiles
from leapfrog.state.answers import Answers, ListedDocument
from leapfrog.state.deliveries import Deliveries, owe
from leapfrog.state.facts import Facts
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.publications import Publications
from leapfrog.state.records import (
    CommittedReading,
    CommittedReport,
    FinishedStudy,
    NewDelivery,
    NewInstance,
    StudyIdentity,
    StudyRecord,
)
from leapfrog.state.spool import Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.studies import Studies
from leapfrog.state.upkeep.retention import Retention, clock_is_synchronised
from support.spooled import put_in_spool

KEEP_DAYS = 30
HOURS_OF_A_ROUND = 6
NOT_GIVEN = StudyIdentity()
STUDY = StudyIdentity(study_instance_uid="1.2.840.1", patient_id="P1")


class Box:
    """A state directory with one journal and spool, and clocks that the test sets right or wrong."""

    def __init__(self, directory: Path, keep_days: int = KEEP_DAYS) -> None:
        self.directory = directory
        self.keep_days = keep_days
        self.journal = Journal(directory / "journal.sqlite")
        self.studies = Studies(self.journal)
        self.instances = Instances(self.journal)
        self.spool = Spool(directory / "spool", 0)
        self.synchronised = self.ready = True
        self.today = date(2026, 11, 22)
        self.monotonic = 1000.0
        self.start_again()

    def start_again(self) -> None:
        self.monotonic = 5.0
        self.retention = Retention(
            studies=self.studies,
            facts=Facts(self.journal),
            spool=self.spool,
            files=SpooledFiles(self.journal),
            answers=Answers(self.journal),
            answer_files=AnswerFiles(self.spool.directory.parent / ANSWERS_NAME),
            keep_days=self.keep_days,
            ready=lambda: self.ready,
            synchronised=lambda: self.synchronised,
            monotonic=lambda: self.monotonic,
        )
        self.retention.round(self.today)

    def live_through(self, days: int) -> int:
        """Let days pass on which the box is on. Returns how many studies were deleted."""
        deleted = 0
        for _ in range(days):
            self.today += timedelta(days=1)
            for _ in range(0, 24, HOURS_OF_A_ROUND):
                self.monotonic += HOURS_OF_A_ROUND * 3600
                deleted += self.retention.round(self.today)
        return deleted

    def jump(self, days: int) -> int:
        """Set the wall clock by so many days, and let an hour pass. Returns how many studies were deleted."""
        self.today += timedelta(days=days)
        self.monotonic += 3600
        return self.retention.round(self.today)

    def admit(self, *, owed: bool = False, identity: StudyIdentity = NOT_GIVEN) -> str:
        instance_id = new_id()
        new = NewInstance(
            id=instance_id,
            spool_name=f"{instance_id}.dcm",
            byte_count=0,
            source="test",
            study=identity,
            sop_instance_uid=f"1.2.{int(instance_id, 16)}",
            owed_to=("district",) if owed else (),
        )
        self.instances.add(put_in_spool(self.spool, b"bytes", new))
        return instance_id

    def add_finished_study(self, *, owed: bool, identity: StudyIdentity = NOT_GIVEN) -> StudyRecord:
        instance_id = self.admit(owed=owed, identity=identity)
        record = self.instances.begin_attempt()
        assert record is not None
        reading = ImageReading(
            instance_id=instance_id,
            sop_instance_uid="",
            source="test",
            identity=Identity(),
            header=ImageHeader(),
            outcome="nothing_found",
        )
        self.instances.commit_reading(CommittedReading(instance_id=instance_id, state="read", reading=reading))
        self.studies.commit_report(
            CommittedReport(
                study_key=record.study_key, version=1, changes=1, closing=True, worklist_row="{}", urgent=False
            )
        )
        return self.studies.get(record.study_key)

    def remains(self, study: StudyRecord) -> bool:
        """Whether the study is still there; if it is not, its report is to be taken away."""
        remains = any(other.key == study.key for other in self.studies.newest(100))
        forgotten = any(report.key == study.key for report in Publications(self.journal).forgotten())
        assert remains != forgotten
        return remains


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.journal.close()


def spool_files(box: Box) -> list[str]:
    return [path.name for path in box.spool.directory.iterdir() if path.is_file()]


def test_a_study_that_is_not_owed_is_forgotten_after_its_days_with_files_and_report(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    assert box.live_through(KEEP_DAYS) == 0
    assert box.remains(study)
    assert box.live_through(2) == 1
    assert not box.remains(study)
    assert not spool_files(box)
    assert box.journal.counts("instances") == {"received": 0, "read": 0, "set_aside": 0, "forward_only": 0}


def test_what_a_radiologist_answered_goes_with_the_study(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    answers, files = Answers(box.journal), AnswerFiles(box.spool.directory.parent / ANSWERS_NAME)
    document = ListedDocument(sop_class_uid="1.2", sop_instance_uid="1.2.3", series_instance_uid="1.3")
    answers.looked_through("district", study.key, [document], 1)
    (answer,) = answers.ids_of(study.key)
    with files.receiving(answer) as stream:
        stream.write(b"patient data")
    box.live_through(KEEP_DAYS + 2)
    assert not box.remains(study)
    assert answers.ids() == frozenset()
    assert not files.path(answer).exists()


def test_a_study_that_is_owed_stays_however_old_it_is(box: Box) -> None:
    study = box.add_finished_study(owed=True)
    assert box.live_through(400) == 0
    assert box.remains(study)


def test_what_was_refused_counts_as_owed(box: Box) -> None:
    study = box.add_finished_study(owed=True)
    [delivery] = Deliveries(box.journal).listed("waiting")
    Deliveries(box.journal).refuse(delivery.id, "no room")
    box.live_through(KEEP_DAYS + 2)
    assert box.remains(study)


def test_a_study_of_which_one_of_two_destinations_lacks_something_stays_also_when_the_settings_lost_that_one(
    box: Box,
) -> None:
    study = box.add_finished_study(owed=True)
    [first] = Deliveries(box.journal).listed("waiting")
    with box.journal.transaction() as connection:
        other = NewDelivery(
            kind="original",
            destinations=("province",),
            sop_class_uid=first.sop_class_uid,
            sop_instance_uid=first.sop_instance_uid,
            spool_name=first.spool_name,
            byte_count=first.byte_count,
        )
        owe(connection, [other], study.key, first.instance_id)
    Deliveries(box.journal).confirm(first.id)
    assert box.live_through(400) == 0
    assert Deliveries(box.journal).dismiss_all_of("province") == 1
    assert box.live_through(KEEP_DAYS + 2) == 1
    assert not box.spool.names()


def test_the_days_count_from_the_confirmation_not_from_the_arrival(box: Box) -> None:
    study = box.add_finished_study(owed=True)
    box.live_through(KEEP_DAYS)
    [delivery] = Deliveries(box.journal).listed("waiting")
    Deliveries(box.journal).confirm(delivery.id)
    assert box.live_through(KEEP_DAYS) == 0
    assert box.live_through(2) == 1
    assert not box.remains(study)


def test_a_study_that_grows_again_begins_its_days_anew(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    box.live_through(KEEP_DAYS)
    with box.journal.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'open'")
        connection.execute("UPDATE studies SET state = 'quiet'")
    assert box.live_through(KEEP_DAYS) == 0
    assert box.remains(study)


def test_a_study_with_an_image_that_is_read_again_stays(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    box.live_through(KEEP_DAYS)
    with box.journal.transaction() as connection:
        connection.execute("UPDATE instances SET state = 'received'")
    assert box.live_through(10) == 0
    assert box.remains(study)


# ---------------------------------------------------------------- images that come late


def test_nothing_is_deleted_before_the_journal_knows_every_image_that_came(box: Box) -> None:
    """One that was acknowledged right before a power cut keeps its study, also while its row is still to come."""
    box.today = date.today() - timedelta(days=KEEP_DAYS + 2)
    study = box.add_finished_study(owed=False)
    assert box.live_through(KEEP_DAYS + 1) == 0
    box.monotonic += 24 * 3600
    box.ready = False
    assert box.retention.turn() < 60
    assert box.remains(study)
    box.ready = True
    assert box.retention.turn() > 60
    assert not box.remains(study)


def test_an_image_acknowledged_just_before_the_removal_keeps_its_study(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = box.add_finished_study(owed=False, identity=STUDY)
    box.live_through(KEEP_DAYS)
    box.retention.round(box.today)  # the study is dated, and is the next to go
    transaction, late = box.journal.transaction, list[str]()

    def with_a_late_image() -> object:
        """The image comes at the worst moment: while the round that deletes its study waits for the journal."""
        monkeypatch.undo()
        late.append(box.admit(identity=STUDY))
        return transaction()

    forget = box.studies.forget

    def forget_just_late(study: FinishedStudy, day: int) -> bool:
        monkeypatch.setattr(box.journal, "transaction", with_a_late_image)
        return forget(study, day)

    monkeypatch.setattr(box.studies, "forget", forget_just_late)
    assert box.live_through(2) == 0
    assert late and box.remains(study)
    assert len(spool_files(box)) == 2


@pytest.mark.parametrize("harm", ["damaged", "missing"])
def test_damage_that_is_found_when_a_study_would_go_is_told_and_keeps_it_as_long_again(box: Box, harm: str) -> None:
    study = box.add_finished_study(owed=False)
    [name] = spool_files(box)
    if harm == "damaged":
        box.spool.path(name).write_bytes(b"bites")
    else:
        box.spool.path(name).unlink()
    assert box.live_through(KEEP_DAYS + 2) == 0
    assert box.remains(study)
    assert [file.file_problem for file in SpooledFiles(box.journal).of_study(study.key)] == [harm]
    assert box.live_through(KEEP_DAYS - 2) == 0
    assert box.live_through(4) == 1


def test_an_image_that_comes_after_the_removal_begins_a_new_study(box: Box) -> None:
    study = box.add_finished_study(owed=False, identity=STUDY)
    box.live_through(KEEP_DAYS + 2)
    late = box.admit(identity=STUDY)
    record = box.instances.get(late)
    assert record is not None and record.study_key != study.key
    assert spool_files(box) == [record.spool_name]


# ---------------------------------------------------------------- clocks


def test_nothing_goes_while_the_clock_is_not_synchronised(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    box.retention.round(box.today)
    box.synchronised = False
    assert box.live_through(200) == 0
    assert box.remains(study)


@pytest.mark.parametrize("jumps", [[100], [36_500], [-100], [100, -100], [-100, 100], [1, -1] * 40], ids=str)
def test_a_clock_that_jumps_deletes_nothing_even_if_it_says_that_it_is_synchronised(box: Box, jumps: list[int]) -> None:
    study = box.add_finished_study(owed=False)
    box.live_through(1)
    for jump in jumps:
        assert box.jump(jump) == 0
    assert box.live_through(KEEP_DAYS // 2) == 0
    assert box.remains(study)


@pytest.mark.parametrize("jump", [100, -100])
def test_a_jump_during_a_restart_deletes_nothing_either(box: Box, jump: int) -> None:
    study = box.add_finished_study(owed=False)
    box.live_through(KEEP_DAYS - 5)
    box.today += timedelta(days=jump)
    box.start_again()
    assert box.live_through(3) == 0
    assert box.remains(study)


def test_after_a_jump_back_days_go_on_counting(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    box.jump(36_500)
    box.live_through(2)
    box.jump(-36_500)
    assert box.live_through(KEEP_DAYS + 2) == 1
    assert not box.remains(study)


def test_days_are_counted_across_restarts(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    for _ in range(KEEP_DAYS):
        box.live_through(1)
        box.start_again()
    assert box.remains(study)
    assert box.live_through(2) == 1


def test_starts_alone_count_no_days(box: Box) -> None:
    study = box.add_finished_study(owed=False)
    for _ in range(KEEP_DAYS * 2):
        box.today += timedelta(days=1)
        box.start_again()
        box.jump(0)  # it runs for an hour
    assert box.remains(study), "twelve of sixty days, of an hour each, count"


def test_the_largest_keep_days_deletes_nothing(tmp_path: Path) -> None:
    box = Box(tmp_path, MOST_DAYS)
    study = box.add_finished_study(owed=False)
    assert box.live_through(40) == 0
    assert box.remains(study)
    box.journal.close()


def test_the_kernels_clock_can_be_asked() -> None:
    assert clock_is_synchronised() in {True, False}
