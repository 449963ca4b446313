"""Chooses what each lane does next.

The order: a sheet that a person asked for is made first. Reports of growing studies come next, each no more often than
every two seconds and with a bounded share of the time, so that staff see something at once. Then come images, films
before cines. Last come the reports of studies whose images have all been read, with their closing versions.

The reports of large exams take seconds, which no film is to wait for: they are made on the side lane, which does
nothing else, in the same order. While that lane has no reader, the others make them.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from leapfrog.errors import JournalError, LeapfrogError, ReaderNotStarted, StorageError
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.patient_numbers import PatientNumbers
from leapfrog.lanes.readings import DISK_PAUSE_SECONDS, Readings
from leapfrog.lanes.reports import Render, Reports
from leapfrog.parts import log_failure
from leapfrog.problem import Problem, Problems
from leapfrog.settings import Settings
from leapfrog.state.in_hand import InHand
from leapfrog.state.journal import Journal
from leapfrog.state.prints import PrintRecord
from leapfrog.state.records import InstanceRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.spool import Spool
from leapfrog.state.station.station_key import StationKey

LOOK_PAUSE_SECONDS = 5.0  # between two looks at all open studies
IDLE_SECONDS = 1.0  # an idle lane looks for work at least this often
SIDE_IDLE_SECONDS = 60.0  # then the reader of the side lane ends, and its memory is free
SIDE_RETRY_SECONDS = 300.0  # between two tries to start a reader of the side lane, when none could be started

SIDE_LANE = "side lane"
NO_SIDE_LANE = "Reports of exams with many images are made beside the films, which wait for them: {reason}"
NO_SIDE_LANE_REMEDY = (
    "Leapfrog tries again by itself every five minutes. If this stays, see the log, and how much memory is free."
)

_log = logging.getLogger(__name__)


class Dispatcher:
    """Feeds the lanes, one thread each."""

    def __init__(
        self,
        *,
        settings: Settings,
        journal: Journal,
        spool: Spool,
        in_hand: InHand,
        rendered: Rendered,
        lanes: Sequence[Lane],
        models_in_use: Callable[[], Mapping[str, str]],
        on_deliveries: Callable[[], None],
        on_report: Callable[[], None],
        on_fatal: Callable[[str], None],
        station_key: StationKey | None = None,
        side_lane: Lane | None = None,
    ) -> None:
        """`models_in_use` gives the versions of the packages, by name. `on_deliveries` is called when something new is
        owed, `on_report` when a report can be published, `on_fatal` when the dispatcher cannot continue.
        `station_key` signs the summaries on the sheets. Without a `side_lane` the lanes make every report.
        """
        self._lanes = lanes
        self._side_lane = side_lane
        self._in_use = journal.in_use
        self._on_fatal = on_fatal
        self._stopping = threading.Event()
        patient_numbers = PatientNumbers()
        self._reports = Reports(
            settings=settings,
            journal=journal,
            spool=spool,
            rendered=rendered,
            models_in_use=models_in_use,
            on_report=on_report,
            on_deliveries=on_deliveries,
            is_stopping=self._stopping.is_set,
            station_key=station_key,
            patient_numbers=patient_numbers,
            on_large=self.wake if side_lane else None,
        )
        self._readings = Readings(
            settings=settings,
            journal=journal,
            spool=spool,
            in_hand=in_hand,
            rendered=rendered,
            on_read=self._reports.changed,
            on_deliveries=on_deliveries,
            is_stopping=self._stopping.is_set,
            patient_numbers=patient_numbers if station_key else None,
        )
        self._problems = Problems()
        self._came_back = threading.Event()
        self._came_back.set()  # at the start
        self._next_look = 0.0
        self._choosing = threading.Lock()  # one lane chooses at a time, so that no two choose the same
        self._condition = threading.Condition()  # guards the one below
        self._wakes = 0
        self._beats = [time.monotonic()] * len(lanes)
        self._threads = [
            threading.Thread(target=self._work, args=(index, lane), name=f"lane-{index}")
            for index, lane in enumerate(lanes)
        ]
        if side_lane is not None:
            self._threads.append(threading.Thread(target=self._work_beside, args=(side_lane,), name="side-lane"))

    def start(self) -> None:
        """Start the lanes. What the last run left open is taken up by the first of them, since it may be much."""
        for lane in self._lanes:
            lane.start()
        for thread in self._threads:
            thread.start()

    def stop(self, drain_seconds: float = 20.0) -> None:
        """Give each lane up to `drain_seconds` to finish its job, then cut it short. That counts against no image."""
        self._stopping.set()
        self.wake()
        deadline = time.monotonic() + drain_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for lane in (*self._lanes, self._side_lane):
            if lane is not None:
                lane.close()
        for thread in self._threads:
            thread.join()

    def heartbeat(self) -> float:
        """When the lane that has been silent longest last showed a sign of life (time.monotonic): now, while a job has
        time left. Of the side lane none is expected: nobody else waits for it.
        """
        now = time.monotonic()
        return min(max(beat, min(now, lane.busy_until)) for beat, lane in zip(self._beats, self._lanes, strict=True))

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now."""
        return (*self._problems.current(), *self._reports.problems())

    def studies_came_back(self) -> None:
        """Note that the journal has open studies that no reading brought up, such as those of a journal that is made
        anew. Returns at once.
        """
        self._came_back.set()

    def wake(self) -> None:
        """Let idle lanes look for new work. Returns at once: the receiver calls this before it answers the modality."""
        with self._condition:
            self._wakes += 1
            self._condition.notify_all()

    def report_is_lost(self, study_key: str) -> None:
        """Render the report of a study again, of which the journal says that it has changed. From any thread."""
        self._reports.changed(study_key)
        self.wake()

    def report_is_to_mark(self, study_key: str) -> None:
        """Render the report of a study again that is open, although it has not changed. From any thread."""
        self._reports.mark(study_key)
        self.wake()

    def sheet_is_wanted(self) -> None:
        """Have the sheet of a print made that a person asked for. From any thread."""
        self._reports.sheet_is_wanted()
        self.wake()

    def _work(self, index: int, lane: Lane) -> None:
        try:
            while not self._stopping.is_set():
                self._beats[index] = time.monotonic()
                if index == 0:
                    self._look_for_open_studies()
                wakes = self._seen_wakes()
                with self._choosing:
                    chosen = self._choose()
                if chosen is None:
                    self._wait(wakes, self._reports.seconds_until_due(IDLE_SECONDS))
                    continue
                self._do(lane, chosen)
                self.wake()
        except Exception as problem:  # better to restart the daemon than to go on with a lane missing
            self._stopped(f"Lane {index}", problem)

    def _work_beside(self, lane: Lane) -> None:
        """The side lane's thread. It wakes up for what is due, and otherwise once to let its reader rest."""
        works_until = 0.0
        try:
            while not self._stopping.is_set():
                wakes = self._seen_wakes()
                with self._choosing:
                    chosen = self._choose_large()
                if chosen is not None:
                    self._do_beside(lane, chosen)
                    works_until = time.monotonic() + SIDE_IDLE_SECONDS
                    self.wake()
                    continue
                idle_seconds = works_until - time.monotonic()
                if works_until and idle_seconds <= 0:
                    lane.rest()
                    works_until = 0.0
                self._wait(
                    wakes, self._reports.seconds_until_due(idle_seconds if works_until else math.inf, large=True)
                )
        except Exception as problem:
            self._stopped("The side lane", problem)

    def _do_beside(self, lane: Lane, chosen: Render | PrintRecord) -> None:
        """Do what was chosen. Where no reader can be started, leave it to the other lanes, and return once one can."""
        try:
            self._do(lane, chosen)
        except ReaderNotStarted as problem:
            what = NO_SIDE_LANE.format(reason=problem)
            _log.error("%s", what)
            self._problems.add(SIDE_LANE, what, NO_SIDE_LANE_REMEDY, in_worklist=False)
            self._reports.side_lane_serves(serves=False)
            self.wake()
            while not self._stopping.wait(SIDE_RETRY_SECONDS) and not _can_start(lane):
                continue
            self._reports.side_lane_serves(serves=True)
            self._problems.clear(SIDE_LANE)
            if not self._stopping.is_set():
                _log.info("Reports of exams with many images are made apart from the films again.")

    def _stopped(self, who: str, problem: Exception) -> None:
        log_failure(f"{who} stopped", problem)
        self._on_fatal(str(problem) if isinstance(problem, LeapfrogError) else "A lane stopped.")

    def _seen_wakes(self) -> int:
        with self._condition:
            return self._wakes

    def _do(self, lane: Lane, chosen: InstanceRecord | Render | PrintRecord) -> None:
        """Do what was chosen. A fault in doing it is charged to this one thing, and the lane goes on: if it ended the
        daemon instead, it would end it again at each start. Only a failing disk is nothing's fault.
        """
        key = chosen.study.key if isinstance(chosen, Render) else chosen.study_key
        try:
            with self._in_use.using(key, lambda: self._reports.give_up(key)):
                if isinstance(chosen, Render):
                    self._reports.render(lane, chosen)
                elif isinstance(chosen, PrintRecord):
                    self._reports.render_sheet(lane, chosen)
                else:
                    self._readings.read(lane, chosen)
        except (OSError, StorageError) as problem:
            log_failure("The disk of the state directory refused a job", problem)
            if isinstance(chosen, InstanceRecord):
                self._readings.put_back(chosen, problem)
            self._stopping.wait(DISK_PAUSE_SECONDS)
        except Exception as problem:
            if isinstance(problem, LeapfrogError) and not isinstance(problem, JournalError):
                raise  # such as a reading program that cannot be started
            log_failure("A job could not be handled", problem)
            if isinstance(chosen, InstanceRecord):
                self._readings.failed_here(chosen)

    def _look_for_open_studies(self) -> None:
        """At the start and, a little later, after `studies_came_back`."""
        if self._came_back.is_set() and time.monotonic() >= self._next_look:
            self._came_back.clear()
            self._next_look = time.monotonic() + LOOK_PAUSE_SECONDS
            self._reports.look_for_open_studies()

    def _choose(self) -> InstanceRecord | Render | PrintRecord | None:
        return (
            self._reports.claim_sheet()
            or self._reports.claim_growing()
            or self._readings.begin()
            or self._reports.claim_settled()
        )

    def _choose_large(self) -> Render | PrintRecord | None:
        return (
            self._reports.claim_sheet(large=True)
            or self._reports.claim_growing(large=True)
            or self._reports.claim_settled(large=True)
        )

    def _wait(self, wakes: int, seconds: float) -> None:
        with self._condition:
            timeout = None if seconds == math.inf else seconds
            self._condition.wait_for(lambda: self._stopping.is_set() or self._wakes != wakes, timeout)


def _can_start(lane: Lane) -> bool:
    """Whether a reader of `lane` runs, or can be started now."""
    try:
        lane.start_now()
    except (ReaderNotStarted, StorageError):
        return False
    return True
