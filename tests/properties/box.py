"""A box's state with real parts: journal, spool, admission, readings, outbox, retention, scrub and adoption, and a
district that keeps what it is sent. Only the lane is a double: its readers are processes that take a second to start.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import cast

from leapfrog.commands.demo.district import DemoDistrict
from leapfrog.control.commands import Commands
from leapfrog.control.status import StatusSource
from leapfrog.intake.admission import Admission
from leapfrog.lanes.job_end import JobEnd
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.readings import Readings
from leapfrog.outbox.outbox import Outbox
from leapfrog.processes.messages import ReadJob
from leapfrog.settings import DistrictSettings, Sendable, Settings, StationSettings
from leapfrog.state.answer_files import ANSWERS_NAME, AnswerFiles
from leapfrog.state.answers import Answers
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.facts import Facts
from leapfrog.state.in_hand import IN_HAND_NAME, InHand
from leapfrog.state.instances import Instances
from leapfrog.state.journal import JOURNAL_NAME, Journal, files_of
from leapfrog.state.recipients import Recipients
from leapfrog.state.rendered import Rendered
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from leapfrog.state.spool import SPOOL_NAME, Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.start.adoption import RenderedReport
from leapfrog.state.start.older_files import give_records
from leapfrog.state.start.opening import Opening, close_in_order, open_journal
from leapfrog.state.start.owing import owe_what_is_wanted
from leapfrog.state.studies import Studies
from leapfrog.state.upkeep.retention import Retention
from leapfrog.state.upkeep.scrub import Scrub
from support.outbox_box import QUICK
from support.recording_proxy import RecordingProxy
from support.spooled import go_through

WANTED: tuple[Sendable, ...] = ("original", "report_pdf")
KEEP_DAYS = 1
A_DAY_SECONDS = 7 * 3600.0  # of being on, after which a day counts
PAST_ALL_PAUSES_SECONDS = 10_000.0
MOST_TURNS = 100


@dataclass(frozen=True)
class Acknowledged:
    """What a modality was told that the box keeps: the UID, and all bytes."""

    instance_id: str
    sop_instance_uid: str
    content: bytes


@dataclass
class Told:
    """What others know of the box, whatever becomes of its disk; the invariants hold it to that."""

    acknowledged: dict[str, Acknowledged] = field(default_factory=dict)  # by our id; again under the same, the last
    reused: set[str] = field(default_factory=set)  # ids that came under a UID which the district had before them
    pictures: set[str] = field(default_factory=set)  # ids of those that are not DICOM, and are sent wrapped
    journal_replaced: bool = False  # it was lost at some time, or an older copy took its place
    spoiled: set[str] = field(default_factory=set)  # ids whose files a disk lost or damaged, and nobody repaired
    destroyed: set[str] = field(default_factory=set)  # those of them that were in no journal either
    forgotten: set[str] = field(default_factory=set)  # ids that retention forgot
    dismissed: set[str] = field(default_factory=set)  # UIDs that a person gave up
    confirmed: dict[str, int] = field(default_factory=dict)  # UIDs, with how often each was posted until then
    exam_of: dict[str, str] = field(default_factory=dict)  # the identity of the exam that each number was shown for
    number_of: dict[str, str] = field(default_factory=dict)  # the number that was shown for each instance
    rendered: dict[str, RenderedReport] = field(default_factory=dict)  # by study, as their folders show them


class Box:
    """One state directory, opened as a start opens it."""

    def __init__(self, folder: Path) -> None:
        """A new box, with a district that is well."""
        self.folder = folder
        self.told = Told()
        self.now = 0.0
        self.today = date(2026, 1, 1)
        self.left_open: list[Journal] = []  # as a killed process leaves them
        self.starts = 0
        self.district = DemoDistrict(folder / "district")
        self.district.open()
        self.proxy = RecordingProxy(self.district.url).up()
        self.state_dir = folder / "state"
        self.state_dir.mkdir()
        self.open()

    # ------------------------------------------------------------ starts and ends

    def open(self) -> None:
        """What a start does, to its end."""
        self.starts += 1
        self.journal, opening = open_journal(self.state_dir)
        self.spool = Spool(self.state_dir / SPOOL_NAME, 0)
        self.instances, self.deliveries = Instances(self.journal), Deliveries(self.journal)
        self.studies, self.files = Studies(self.journal), SpooledFiles(self.journal)
        self.settings = Settings(
            station=StationSettings(state_dir=self.state_dir),
            district=DistrictSettings(url=self.proxy.url, send=WANTED),
        )
        self._repair(opening)
        self.numbers = ExamNumbers(self.journal, self.state_dir, settled=opening.in_order, monotonic=self.clock)
        self._adopt(opening)
        settings = self.settings
        facts = Facts(self.journal)
        self.admission = Admission(self.journal, self.spool, self.numbers, ("district",), lambda: None)
        self.outbox = Outbox(
            settings.destinations,
            settings.district,
            self.deliveries,
            self.spool,
            self._fatal,
            QUICK,
            monotonic=self.clock,
        )
        self.scrub = Scrub(files=self.files, facts=facts, spool=self.spool)
        self.readings = Readings(
            settings=settings,
            journal=self.journal,
            spool=self.spool,
            in_hand=InHand(self.state_dir / IN_HAND_NAME, self.journal),
            rendered=Rendered(self.state_dir / "rendered"),
            on_read=lambda _key, _reading: None,
            on_deliveries=lambda: None,
            is_stopping=lambda: False,
        )
        self.retention = Retention(
            studies=self.studies,
            facts=facts,
            spool=self.spool,
            files=self.files,
            answers=Answers(self.journal),
            answer_files=AnswerFiles(self.state_dir / ANSWERS_NAME),
            keep_days=KEEP_DAYS,
            synchronised=lambda: True,
            monotonic=self.clock,
        )
        self.commands = Commands(
            journal=self.journal,
            deliveries=self.deliveries,
            source=cast(StatusSource, None),  # what is asked for the status; nobody does here
            wake=lambda: None,
            sync=lambda _destination: None,
            spool=self.spool,
        )

    def _repair(self, opening: Opening) -> None:
        self.instances.close_cut_attempts()
        owe_what_is_wanted(self.journal, Recipients(self.settings.destinations), self.spool)
        if not opening.in_order:
            self.deliveries.ask_before_sending()
        DeliveryQueue(self.journal, "district").make_all_due()

    def _adopt(self, opening: Opening) -> None:
        go_through(self.journal, self.spool, opening=opening, rendered=self.told.rendered.get, numbers=self.numbers)
        for _ in give_records(self.journal, self.spool):
            pass

    def _fatal(self, reason: str) -> None:
        raise AssertionError(f"The outbox cannot continue: {reason}")

    def clock(self) -> float:
        """The monotonic clock, which only `now` moves."""
        return self.now

    def stop(self) -> None:
        """An orderly end."""
        self.outbox.stop()
        close_in_order(self.journal, self.state_dir)

    def kill(self) -> None:
        """Nothing is closed, nothing is written any more."""
        self.outbox.stop()  # its connection; what it wrote is written
        self.left_open.append(self.journal)

    def lose_journal(self) -> None:
        """The journal and what belongs to it are gone; the box is not running."""
        for path in files_of(self.state_dir / JOURNAL_NAME):
            path.unlink(missing_ok=True)

    def put_back_journal(self, copy: Path) -> None:
        """An older copy in the place of the journal; the box is not running."""
        self.lose_journal()
        shutil.copyfile(copy, self.state_dir / JOURNAL_NAME)

    def close(self) -> None:
        """The end of the test."""
        self.outbox.stop()
        for journal in (self.journal, *self.left_open):
            journal.close()
        self.proxy.down()
        self.district.close()

    # ------------------------------------------------------------ work

    def read_next(self, end: Callable[[ReadJob], JobEnd]) -> bool:
        """Read the instance whose turn it is; `end` is what comes of the job. Returns whether there was one."""
        record = self.readings.begin()
        if record is not None:
            self.readings.read(cast(Lane, _LaneDouble(end)), record)
        return record is not None

    def send(self) -> None:
        """Let the outbox try all that can be sent, past all pauses, once."""
        self.now += PAST_ALL_PAUSES_SECONDS
        for _ in range(MOST_TURNS):
            if self.send_one() > 0:
                return

    def send_one(self) -> float:
        """A turn of each sender. Returns how long all of them would sleep then."""
        return min(sender.turn() for sender in self.outbox.senders)

    def days_pass(self, count: int) -> int:
        """Let retention see so many days. Returns how many studies it forgot."""
        forgotten = 0
        for _ in range(count):
            self.retention.round(self.today)  # the first look after a start counts from now
            self.now += A_DAY_SECONDS
            self.today += timedelta(days=1)
            forgotten += self.retention.round(self.today)
        return forgotten

    def scrub_all(self) -> None:
        """One pass over all files."""
        while self.scrub.look_at_next() is not None:
            pass


class _LaneDouble:
    """Ends each job as it is told."""

    def __init__(self, end: Callable[[ReadJob], JobEnd]) -> None:
        self._end = end

    def run(self, job: ReadJob, meanwhile: Callable[[], None]) -> JobEnd:
        """What came of the job."""
        meanwhile()
        return self._end(job)
