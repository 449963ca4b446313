"""What is committed for a reading, and who is notified."""

from pathlib import Path
from typing import Any, cast

import pytest

from leapfrog.lanes.lane import Lane
from leapfrog.lanes.readings import Readings
from leapfrog.processes.messages import ProducedObject, ReadJob, ReadResult
from leapfrog.settings import Settings
from leapfrog.spool_file.record import ProducedRole
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from support.journal_rows import new_instance, reading_of


class Eye:
    """A lane that sees nothing and makes one object."""

    def __init__(self, role: ProducedRole) -> None:
        self.role = role

    def run(self, job: ReadJob) -> ReadResult:
        (job.work_dir / "made.dcm").write_bytes(b"bytes")
        uids = {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7", "sop_instance_uid": "2.25.7"}
        made = ProducedObject(name="made.dcm", role=self.role, byte_count=5, sha256="", **uids)
        reading = reading_of(job.instance_id)
        return ReadResult(instance_id=job.instance_id, state="read", reading=reading, produced=(made,))


@pytest.mark.parametrize(
    ("role", "values"), [("wrapped", {"owed": False}), ("forward_copy", {"forward_as": "2.25.7"})], ids=str
)
def test_the_outbox_is_woken_when_what_a_reader_made_is_there_to_be_sent(
    tmp_path: Path, role: ProducedRole, values: dict[str, Any]
) -> None:
    district = {"url": "http://district.example/dicom-web"}
    settings = Settings.model_validate({"station": {"state_dir": tmp_path}, "district": district})
    journal = Journal(tmp_path / "journal.sqlite")
    ready: list[int] = []  # how much could be sent whenever the outbox was woken
    readings = Readings(
        settings=settings,
        journal=journal,
        spool=Spool(tmp_path / "spool", 0),
        on_read=lambda _study_key: None,
        on_deliveries=lambda: ready.append(
            journal.count("deliveries WHERE state = 'waiting' AND spool_name IS NOT NULL")
        ),
        is_stopping=lambda: False,
    )
    Instances(journal).add(new_instance(**values))
    record = readings.begin()
    assert record is not None
    readings.read(cast(Lane, Eye(role)), record)
    journal.close()
    assert ready == [1]
