"""What is committed for a reading, and who is notified."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from leapfrog.exam import PictureIdentity
from leapfrog.lanes import patient_numbers
from leapfrog.lanes.job_end import ReaderDied
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.patient_numbers import PatientNumbers
from leapfrog.lanes.readings import READER_DEATH_LIMIT, Readings
from leapfrog.processes.messages import ProducedObject, ReadJob, ReadResult
from leapfrog.settings import Settings
from leapfrog.signed_summary.summary import HashedNumber
from leapfrog.state.in_hand import IN_HAND_NAME, InHand
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyIdentity
from leapfrog.state.rendered import Rendered
from leapfrog.state.spool import Spool
from support.journal_rows import new_instance, reading_of


class Eye:
    """A lane that sees nothing, and makes one object of a picture."""

    def __init__(self, same_as: str | None = None) -> None:
        self.same_as = same_as
        self.jobs: list[ReadJob] = []

    def run(self, job: ReadJob, meanwhile: Callable[[], None]) -> ReadResult:
        self.jobs.append(job)
        meanwhile()
        (job.work_dir / "made.dcm").write_bytes(b"bytes")
        uids = {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7", "sop_instance_uid": "2.25.7"}
        made = ProducedObject(name="made.dcm", role="wrapped", byte_count=5, digest="", **uids)
        return ReadResult(
            instance_id=job.instance_id,
            state="read",
            reading=reading_of(job.instance_id),
            produced=(made,) if job.picture else (),
            same_as=self.same_as,
        )


class Blind(Eye):
    """A lane whose reader dies of every image."""

    def run(self, job: ReadJob, meanwhile: Callable[[], None]) -> ReaderDied:  # type: ignore[override]
        self.jobs.append(job)
        return ReaderDied("killed")


class Box:
    """Readings for a district, with what could be sent whenever the outbox was woken."""

    def __init__(self, directory: Path) -> None:
        district = {"url": "http://district.example/dicom-web"}
        self.journal = Journal(directory / "journal.sqlite")
        self.instances = Instances(self.journal)
        self.spool = Spool(directory / "spool", 0)
        self.ready: list[int] = []
        self.numbers = PatientNumbers()
        self.readings = Readings(
            settings=Settings.model_validate({"station": {"state_dir": directory}, "district": district}),
            journal=self.journal,
            spool=self.spool,
            in_hand=InHand(directory / IN_HAND_NAME, self.journal),
            rendered=Rendered(directory / "rendered"),
            on_read=lambda _study_key, _reading: None,
            on_deliveries=lambda: self.ready.append(
                self.journal.count("deliveries WHERE state = 'waiting' AND spool_name IS NOT NULL")
            ),
            is_stopping=lambda: False,
            patient_numbers=self.numbers,
        )

    def read_next(self, eye: Eye) -> None:
        record = self.readings.begin()
        assert record is not None
        self.readings.read(cast(Lane, eye), record)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.journal.close()


PICTURE = PictureIdentity(study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.7")


@pytest.mark.parametrize("values", [{"owed": False, "picture": PICTURE}, {"forward_as": "2.25.7"}], ids=str)
def test_the_outbox_is_woken_when_a_reading_leaves_something_to_be_sent(box: Box, values: dict[str, Any]) -> None:
    box.instances.add(new_instance(**values))
    box.read_next(Eye())
    assert box.ready == [1]


def test_an_instance_that_no_reader_survives_is_passed_on_under_its_new_uid_all_the_same(box: Box) -> None:
    new = new_instance(forward_as="2.25.7")
    box.instances.add(new)
    for _ in range(READER_DEATH_LIMIT):
        box.read_next(Blind())
    record = box.instances.get(new.id)
    assert record is not None and record.state == "set_aside"
    assert box.ready == [1]


def test_a_picture_that_is_read_again_is_owed_once(box: Box) -> None:
    new = new_instance(owed=False, picture=PICTURE)
    box.instances.add(new)
    box.read_next(Eye())
    with box.journal.transaction() as connection:
        connection.execute("UPDATE instances SET state = 'received'")
    box.read_next(Eye())
    assert box.journal.counts("deliveries")["waiting"] == 1
    assert len([path for path in box.spool.directory.iterdir() if path.is_file()]) == 1


def test_only_what_has_the_uid_of_another_is_compared_with_it(box: Box) -> None:
    study = StudyIdentity(study_instance_uid="1.2.9")
    first, again = (new_instance(sop_instance_uid="1.2.3", study=study) for _ in range(2))
    box.instances.add(first)
    box.instances.add(replace(again, forward_as="2.25.7"), compared={first.id})
    eye = Eye(same_as=first.id)
    box.read_next(Eye())
    box.read_next(eye)
    [job] = eye.jobs
    assert [other.instance_id for other in job.same_uid] == [first.id]
    assert [path.name for path in (other.path for other in job.same_uid)] == [first.spool_name]
    assert box.ready[-1] == 1, "the first one's; the same image is not owed again"
    assert box.journal.counts("deliveries")["waiting"] == 1


def test_the_patients_number_is_hashed_while_the_first_image_of_an_exam_is_read(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed, in_time = list[str](), list[bool]()

    def hash_number(patient_id: str) -> HashedNumber:
        hashed.append(patient_id)
        return HashedNumber(salt=b"", digest=b"")

    class WatchfulEye(Eye):
        def run(self, job: ReadJob, meanwhile: Callable[[], None]) -> ReadResult:
            result = super().run(job, meanwhile)
            in_time.append(hashed == ["P-1"])
            return result

    monkeypatch.setattr(patient_numbers, "hashed", hash_number)
    study = StudyIdentity(study_instance_uid="1.2.9", patient_id="P-1")
    for _ in range(2):
        box.instances.add(new_instance(study=study))
        box.read_next(WatchfulEye())
    assert in_time == [True, True]
    [key] = {job_key for (job_key,) in box.journal.rows("SELECT key FROM studies")}
    box.numbers.hashed(key, "P-1")
    assert hashed == ["P-1"], "the report has it at once"


def test_a_number_that_cannot_be_hashed_costs_no_image_its_reading(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_patient_id: str) -> HashedNumber:
        raise MemoryError

    monkeypatch.setattr(patient_numbers, "hashed", fail)
    new = new_instance(study=StudyIdentity(study_instance_uid="1.2.9", patient_id="P-1"))
    box.instances.add(new)
    box.read_next(Eye())
    record = box.instances.get(new.id)
    assert record is not None and record.state == "read"
