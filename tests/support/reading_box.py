"""Journal, spool, dispatcher and publisher in one directory, with a lane and its processes, in the test's process."""

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leapfrog.devices.pool import DevicePool
from leapfrog.lanes.dispatcher import Dispatcher
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.settings import Settings
from leapfrog.state.in_hand import IN_HAND_NAME, InHand
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.publications import Publications
from leapfrog.state.records import InstanceRecord, NewInstance, StudyIdentity, StudyRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from leapfrog.worklist.publisher import Publisher, report_dir_of
from support.instances import gradient, image_dataset, save
from support.processes import READER, the_child
from support.waiting import wait_until


class Box:
    """Journal, spool, dispatcher and publisher in one directory."""

    def __init__(
        self,
        directory: Path,
        *,
        reports_dir: Path | None = None,
        quiet_seconds: float = 60.0,
        deadline_seconds: float = 60.0,
        packages: Sequence[Path] = (),
        lanes: int = 1,
        on_edge_tpu: bool = False,
        printing: Mapping[str, object] | None = None,
        district: Mapping[str, object] | None = None,
        side_lane: bool = False,
    ) -> None:
        """With `on_edge_tpu` its lanes take whatever Edge TPUs there are. Nothing is sent to a `district`. Without a
        `side_lane` the lanes make every report.
        """
        self.settings = Settings.model_validate(
            {
                "station": {"state_dir": directory, "reports_dir": reports_dir},
                "engine": {"deadline_seconds": deadline_seconds},
                "report": {"quiet_seconds": quiet_seconds},
                "models": {"paths": packages},
                "print": printing or {},
                "district": district or {},
            }
        )
        self.journal = Journal(directory / "journal.sqlite")
        self.studies = Studies(self.journal)
        self.spool = Spool(directory / "spool", 0)
        self.in_hand = InHand(directory / IN_HAND_NAME, self.journal)
        self.rendered = Rendered(directory / "rendered")
        self.publications = Publications(self.journal)
        self.publisher = Publisher(
            reports_dir=self.settings.reports_dir,
            state_dir=directory,
            rendered=self.rendered,
            publications=self.publications,
            on_published=lambda: None,
            on_lost=lambda study_key: self.dispatcher.report_is_lost(study_key),  # noqa: PLW0108 - built below
        )
        self.faults: list[str] = []
        engine, models = self.settings.engine, self.settings.models
        self.devices = None
        if on_edge_tpu:
            setup = reader_setup(engine, models, directory)
            self.devices = DevicePool(engine.interpreter, setup, self._device_is_free)
        self.lanes = [Lane(engine, models, directory, self.spool.work, self.devices) for _ in range(lanes)]
        self.dispatcher = Dispatcher(
            settings=self.settings,
            journal=self.journal,
            spool=self.spool,
            in_hand=self.in_hand,
            rendered=self.rendered,
            lanes=self.lanes,
            side_lane=Lane(engine, models, directory, self.spool.work, beside=True) if side_lane else None,
            models_in_use=dict,
            on_deliveries=lambda: None,
            on_report=self.publisher.wake,
            on_fatal=self.faults.append,
        )

    def _device_is_free(self) -> None:
        for lane in self.lanes:
            lane.device_is_free()

    @property
    def lane(self) -> Lane:
        """The first."""
        return self.lanes[0]

    def add_image(
        self, *, study_uid: str = "2.25.1", patient_id: str = "P1", content: Path | None = None, frame_count: int = 1
    ) -> str:
        """A small film in the spool and the journal; or whatever `content` is, as it is."""
        instance_id = new_id()
        spool_name = f"{instance_id}.dcm"
        if content is None:
            uids = {"SOPInstanceUID": f"2.25.{int(instance_id, 16)}", "StudyInstanceUID": study_uid}
            save(image_dataset(gradient(), PatientID=patient_id, **uids), self.spool.path(spool_name))
        else:
            content.rename(self.spool.path(spool_name))
        path = self.spool.path(spool_name)
        Instances(self.journal).add(
            NewInstance(
                id=instance_id,
                spool_name=spool_name,
                byte_count=path.stat().st_size if path.is_file() else 1 << 30,
                source="test",
                study=StudyIdentity(study_instance_uid=study_uid, patient_id=patient_id),
                sop_instance_uid=f"2.25.{int(instance_id, 16)}",
                frame_count=frame_count,
            )
        )
        self.dispatcher.wake()
        return instance_id

    def add_image_that_never_ends(self, directory: Path, frame_count: int = 1) -> str:
        pipe = directory / "pipe"
        os.mkfifo(pipe)
        return self.add_image(study_uid="2.25.2", content=pipe, frame_count=frame_count)

    def record(self, instance_id: str) -> InstanceRecord:
        record = Instances(self.journal).get(instance_id)
        assert record is not None
        return record

    def wait_for_state(self, instance_id: str, state: str) -> InstanceRecord:
        wait_until(lambda: self.record(instance_id).state == state, f"instance is {state}", deadline_seconds=60)
        return self.record(instance_id)

    def report_dir(self, study: StudyRecord) -> Path:
        return report_dir_of(self.settings.reports_dir, study.received_date, study.key)

    def report(self, instance_id: str) -> dict[str, Any]:
        study = self.studies.get(self.record(instance_id).study_key)
        path = self.report_dir(study) / "report.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def kill_the_reader_at_work(self, instance_id: str) -> None:
        """Wait until a reader has the pipe of `instance_id` open, then kill it."""
        pipe = self.spool.path(self.record(instance_id).spool_name)
        wait_for_a_reader_of(pipe)
        os.kill(the_child(READER), signal.SIGKILL)


def wait_for_a_reader_of(pipe: Path) -> None:
    """Wait until the named pipe is open for reading."""
    with holding_a_reader_of(pipe):
        pass


@contextmanager
def holding_a_reader_of(pipe: Path) -> Iterator[None]:
    """Wait until the named pipe is open for reading, and let its reader wait for the end during the block."""
    descriptor = wait_until(lambda: _open_for_writing(pipe), "a reader opens the image", deadline_seconds=60)
    assert descriptor is not None
    try:
        yield
    finally:
        os.close(descriptor)


def _open_for_writing(pipe: Path) -> int | None:
    """A descriptor once the other end is open for reading (fifo(7)); never 0, which pytest holds."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


@contextmanager
def running(box: Box, drain_seconds: float = 20.0) -> Iterator[Box]:
    if box.devices:
        box.devices.start()
    box.publisher.start()
    box.dispatcher.start()
    try:
        yield box
    finally:
        box.dispatcher.stop(drain_seconds)
        box.publisher.stop()
        if box.devices:
            box.devices.stop()
        box.journal.close()
    assert not box.faults
