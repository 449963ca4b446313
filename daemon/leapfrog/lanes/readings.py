"""Reads waiting instances: makes the job for a lane, and writes the reading or the failure to the journal."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from leapfrog.errors import LeapfrogError, StorageError
from leapfrog.exam import Identity, ImageHeader, ImageReading
from leapfrog.lanes.job_end import DeadlineMissed, DiskRefused, EngineDied, GivenUp, ReaderDied
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.patient_numbers import PatientNumbers
from leapfrog.lanes.produced import adopt
from leapfrog.lanes.reading_order import ReadingOrder
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.parts import log_failure
from leapfrog.processes.messages import OtherInstance, ReadJob, ReadResult, ReportResult
from leapfrog.settings import Settings
from leapfrog.state.in_hand import ENDS_LIMIT, InHand
from leapfrog.state.instances import Charge, Instances
from leapfrog.state.journal import Journal
from leapfrog.state.recipients import Recipients
from leapfrog.state.records import CommittedReading, InstanceRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies

READER_DEATH_LIMIT = 3
ENGINE_FAILURE_LIMIT = 5
INTERRUPTION_LIMIT = 10
MOST_COMPARED = 4  # instances under one UID, with a quarter of the deadline for all of them
DISK_PAUSE_SECONDS = 10.0  # before the next attempt, when the disk of the state directory took no more

READER_DIED = sentence(
    "The reading program stopped {count} times while reading this file. The file may be damaged: send the image again"
    " from the machine that made it, or have someone look at the image."
)
ENGINE_DIED = sentence(
    "The model could not be run on this image ({count} attempts). The image is kept. Look at it yourself and call the"
    " technician; `leapfrog retry` reads it again."
)
INTERRUPTED = sentence(
    "Reading this image was interrupted {count} times because the box was switched off or restarted. The image is kept;"
    " `leapfrog retry` reads it again."
)

FAILED_HERE = sentence(
    "Leapfrog itself failed {count} times while it handled this image. The image is kept. Look at it yourself and call"
    " the technician; `leapfrog retry` reads it again."
)

_log = logging.getLogger(__name__)


class Readings:
    """Reads instances, one at a time on each lane."""

    def __init__(
        self,
        *,
        settings: Settings,
        journal: Journal,
        spool: Spool,
        in_hand: InHand,
        rendered: Rendered,
        on_read: Callable[[str, ImageReading], None],
        on_deliveries: Callable[[], None],
        is_stopping: Callable[[], bool],
        patient_numbers: PatientNumbers | None = None,
    ) -> None:
        """`on_read` is called with a study's key and the reading when one of its readings was committed,
        `on_deliveries` when something new is owed. A failure while `is_stopping` counts against no image.
        `patient_numbers` are to know the patient's by the time when a report is made.
        """
        self._settings = settings
        self._recipients = Recipients(settings.destinations)
        self._instances = Instances(journal)
        self._order = ReadingOrder(self._instances)
        self._studies = Studies(journal)
        self._spool = spool
        self._in_hand = in_hand
        self._rendered = rendered
        self._on_read = on_read
        self._on_deliveries = on_deliveries
        self._is_stopping = is_stopping
        self._patient_numbers = patient_numbers
        self._paused_until = float("-inf")

    def begin(self) -> InstanceRecord | None:
        """Begin an attempt at the instance whose turn it is, and return it; None when none is waiting. Only one thread
        may call it at a time.
        """
        return None if time.monotonic() < self._paused_until else self._order.begin()

    def read(self, lane: Lane, record: InstanceRecord) -> None:
        """Read the instance of an attempt that was begun, on `lane`, and commit the outcome."""
        if self._instances.get(record.id) is None:  # its exam was forgotten since it was chosen
            return
        if record.interruptions >= INTERRUPTION_LIMIT:
            self._set_aside(record, INTERRUPTED.format(count=record.interruptions))
            return
        if (count := self._in_hand.ends_on(_thing(record))) >= ENDS_LIMIT:
            self._set_aside(record, FAILED_HERE.format(count=count))
            return
        try:
            with self._in_hand.holding(_thing(record)):
                work_dir = self._spool.work_dir(record.id)
                job = self._job(record, work_dir)
            # Not noted: while a child works, the daemon waits for it, or does what would not harm it.
            end = lane.run(job, lambda: self._prepare_report(record.study_key))
        except (OSError, StorageError) as problem:
            self.put_back(record, problem)
            return
        with self._in_hand.holding(_thing(record)):
            match end:
                case ReadResult():
                    self._commit(record, end, work_dir)
                case ReaderDied() | DeadlineMissed(charged_to="reader"):
                    self._failed(record, "reader", READER_DEATH_LIMIT, READER_DIED)
                case EngineDied() | DeadlineMissed():
                    self._failed(record, "engine", ENGINE_FAILURE_LIMIT, ENGINE_DIED)
                case DiskRefused(detail=detail):
                    self.put_back(record, detail)
                case ReportResult() | GivenUp():
                    raise LeapfrogError("A lane ended an image as it ends a report.")
                case _:
                    assert_never(end)
            self._spool.clear_work_dir(work_dir)

    def failed_here(self, record: InstanceRecord) -> None:
        """End an attempt in which this process itself failed, which may be due to the image: another time it is set
        aside.
        """
        count = self._in_hand.count(_thing(record))
        self._instances.put_back(record.id, later=True)
        if count >= ENDS_LIMIT:
            self._set_aside(record, FAILED_HERE.format(count=count))

    def _job(self, record: InstanceRecord, work_dir: Path) -> ReadJob:
        return ReadJob(
            instance_id=record.id,
            study_key=record.study_key,
            attempt=record.attempt_number,
            source_path=self._spool.path(record.spool_name),
            source_byte_count=record.byte_count,
            source_digest=record.file_digest,
            source=record.source,
            received_at=record.received_at,
            sop_instance_uid=record.sop_instance_uid,
            picture=record.picture,
            hints=record.hints,
            unknown_age=self._settings.station.unknown_age,
            assumed_character_set=self._settings.dicom.assumed_character_set,
            same_uid=self._same_uid(record),
            comparing_seconds=self._settings.engine.deadline_seconds / (4 * MOST_COMPARED),
            report_dir=self._rendered.folder(record.study_key),
            work_dir=work_dir,
        )

    def _same_uid(self, record: InstanceRecord) -> tuple[OtherInstance, ...]:
        """Whom an instance that another one's UID kept from being owed under its own may be the same image as."""
        if record.forward_as is None:
            return ()
        others = self._instances.same_uid_before(record.id, MOST_COMPARED)
        return tuple(
            OtherInstance(instance_id=one.id, path=self._spool.path(one.spool_name), byte_count=one.byte_count)
            for one in others
        )

    def _prepare_report(self, study_key: str) -> None:
        """Do what would otherwise be done after the reading, of a study's first image: make its folder durable, and
        hash the number of the patient, which the report will need.
        """
        self._rendered.sync_names()
        study = self._studies.find(study_key)
        if self._patient_numbers is None or study is None or not study.identity.patient_id.strip():
            return
        try:
            self._patient_numbers.hashed(study_key, study.identity.patient_id)
        except Exception as problem:  # no fault of the image: the report tries again
            log_failure("A patient's number could not be hashed while an image was read", problem)

    def _commit(self, record: InstanceRecord, result: ReadResult, work_dir: Path) -> None:
        owed = self._recipients.wants("original") and not self._instances.owes_original(record.id)
        originals = adopt(self._spool, result.produced, work_dir, self._recipients.of_any_exam) if owed else ()
        newly_owed = self._instances.commit_reading(
            CommittedReading(
                instance_id=record.id,
                state=result.state,
                reading=result.reading,
                dataset_sha256=result.dataset_sha256,
                deliveries=originals,
                same_as=result.same_as,
            ),
            self._recipients,
        )
        for name in newly_owed.unneeded:
            self._spool.remove(name)
        self._in_hand.forget(_thing(record))
        self._on_read(record.study_key, result.reading)
        if newly_owed.count or record.forward_as is not None:
            self._on_deliveries()

    def _failed(self, record: InstanceRecord, charge: Charge, limit: int, told: Sentence) -> None:
        """End an attempt without a result. After `limit` attempts that failed on `charge`, set the instance aside."""
        if self._is_stopping():
            self._instances.end_attempt(record.id, "interruption")
            return
        charged = self._instances.end_attempt(record.id, charge)
        count = charged.attempts if charge == "reader" else charged.engine_failures
        _log.warning(
            "The %s failed on instance %s of exam %s (failure %d of %d).",
            charge,
            record.id,
            record.exam_number,
            count,
            limit,
        )
        if count >= limit:
            self._set_aside(charged, told.format(count=count))

    def put_back(self, record: InstanceRecord, reason: object) -> None:
        """The disk of the state directory takes no more, which no image is charged with. While it does not, receiving
        refuses images, and what was received waits.
        """
        self._paused_until = time.monotonic() + DISK_PAUSE_SECONDS
        self._instances.put_back(record.id)
        _log.warning(
            "Instance %s of exam %s could not be read: the disk of the state directory: %s.",
            record.id,
            record.exam_number,
            reason,
        )

    def _set_aside(self, record: InstanceRecord, reason: Sentence) -> None:
        """Set an instance aside. No reader has reported on it, so its reading contains only what the journal knows."""
        study = self._studies.get(record.study_key).identity
        reading = ImageReading(
            instance_id=record.id,
            sop_instance_uid=record.sop_instance_uid,
            source=record.source,
            identity=Identity(
                patient_id=study.patient_id,
                issuer_of_patient_id=study.issuer_of_patient_id,
                study_instance_uid=study.study_instance_uid,
            ),
            header=ImageHeader(),
            outcome="not_assessed",
            reason=reason,
        )
        committed = CommittedReading(instance_id=record.id, state="set_aside", reading=reading)
        if self._instances.commit_reading(committed, self._recipients).count:
            self._on_deliveries()
        self._in_hand.forget(_thing(record))  # a person who has it read again starts anew
        self._on_read(record.study_key, reading)
        if record.forward_as is not None:
            self._on_deliveries()


def _thing(record: InstanceRecord) -> str:
    """The name of an instance among what is in hand."""
    return f"instance {record.id}"
