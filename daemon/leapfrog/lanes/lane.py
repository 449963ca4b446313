"""A lane: one reader and its engine host, as the main process sees them.

Whatever happens to the two, `run` returns a result or says which of them failed. Both are started by exec. A socketpair
with one end in each connects them, so that the host can be replaced while the reader lives on. A new host starts only
when the old one is gone, because a second process that opens a USB device kills the first (google-coral/edgetpu#645).
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leapfrog.devices.pool import DevicePool
from leapfrog.durable import TAKES_NO_MORE
from leapfrog.errors import LeapfrogError, ReaderNotStarted, StorageError
from leapfrog.lanes.desk import Desk, NotMade
from leapfrog.lanes.host_plan import HostPlan, milliseconds_per_frame
from leapfrog.lanes.job_end import DeadlineMissed, DiskRefused, EngineDied, GivenUp, JobEnd, ReaderDied
from leapfrog.lanes.lane_state import STARTING, LaneState
from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.lanes.time_limits import limits_of
from leapfrog.lanes.tuning import EngineTuning
from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.processes.child_process import ChildProcess
from leapfrog.processes.command_lines import engine_host, our_program
from leapfrog.processes.device_failures import DeviceFailure, FailureKind, explain_refusal
from leapfrog.processes.messages import (
    READER_MESSAGE,
    DiskRefusal,
    EngineAttached,
    EngineFailure,
    EngineReady,
    ReaderMessage,
    ReaderReady,
    ReadJob,
    ReadResult,
    ReportJob,
    ReportResult,
    Stage,
    StageNote,
)
from leapfrog.settings import EngineSettings, ModelSettings

START_SECONDS = 60.0  # a reader starts in under 1 s on a PC; a board that boots from an SD card takes many times that
START_TRIES = 3
SILENCE_SECONDS = 2.0  # how long a reader has to report that its engine host was killed
READER_PROGRAM = "leapfrog.reader.reader"

GLANCE_SECONDS = 0.1  # how often to check for a waiting job while a host is starting
CLOSED = "the lane is closed"

# A job begins with one of these stages. An "inferring" before that comes from models being loaded in advance, or from
# the reader checking that its engine host is still alive.
FIRST_STAGES: tuple[Stage, ...] = ("decoding", "rendering")

FAILURES = {"ended": FailureKind.ENDED, "wrong": FailureKind.WRONG_ANSWERS}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _NotStarted:
    """The job did not start because one of the two had died before it came. No one is to blame, unless every try ends
    this way.
    """

    death: ReaderDied | EngineDied


class Lane:
    """Runs one job at a time. Its own thread, the keeper, starts the processes and lives until `close`."""

    def __init__(
        self,
        engine: EngineSettings,
        models: ModelSettings,
        state_dir: Path,
        desks: Path,
        devices: DevicePool | None = None,
        tuning: EngineTuning | None = None,
        *,
        beside: bool = False,
    ) -> None:
        """Nothing starts until `start` or the first `run`. `deadline_seconds` may be changed between jobs. Each reader
        has its desk in the folder `desks`. Without `devices` the lane uses the processor. Without `tuning` the settings
        give the number of threads. `beside`: it is a side lane, which makes reports only, at a lower priority than the
        others, and whose reader has no engine host, starts with a job and ends at `rest`.

        Raises SettingsError when a trusted key cannot be read.
        """
        self.deadline_seconds = engine.deadline_seconds
        self._python = engine.interpreter
        self._setup = reader_setup(engine, models, state_dir)
        self._keeper = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lane-keeper")
        self._lock = threading.Lock()  # guards _closed, the job and the two processes against close() and give_up()
        self._closed = False
        self._job_waits = False
        self._busy_until = 0.0
        self._job: ReadJob | ReportJob | None = None  # the one that runs
        self._given_up: ReportJob | None = None  # nobody wants it any more; it runs, or is about to
        self._stage: Stage | None = None  # the last stage that the reader announced
        self._reader: ChildProcess | None = None
        self._host: ChildProcess | None = None
        self._channel: LineChannel | None = None
        self._desks = desks
        self._desk: Desk | None = None
        self._tuning = tuning
        self._beside = beside
        if beside:
            self._setup = self._setup.model_copy(update={"model_directories": ()})
        self._plan = HostPlan(devices)
        self._state = LaneState(since=time.time())

    # ------------------------------------------------------------ what others call

    @property
    def state(self) -> LaneState:
        """The current state. From any thread."""
        return self._state

    @property
    def busy_until(self) -> float:
        """When the job that runs ends at the latest (time.monotonic); a moment in the past when none runs."""
        return self._busy_until

    def start(self) -> None:
        """Start both processes in the background, so that models load before the first image comes."""
        self._submit(self._prepare)

    def start_now(self) -> None:
        """Start the reader, if none runs, and wait until it is ready. Raises what `run` raises."""
        with self._lock:
            if self._closed:
                return
            future = self._keeper.submit(self._ready_channel)
        future.result()

    def device_is_free(self) -> None:
        """Note that a proven Edge TPU is free: the lane takes it when it has nothing else to do. From any thread."""
        self._submit(self._prepare)

    def run(self, job: ReadJob | ReportJob, meanwhile: Callable[[], None] = lambda: None) -> JobEnd:
        """Run `job` and wait for its end: a result, or who failed. A job that `close` cuts short ends as ReaderDied.
        `meanwhile` is called once, while the children work.

        Raises ReaderNotStarted when no reader can be started at all.
        """
        with self._lock:
            if self._closed:
                return ReaderDied(CLOSED)
            self._job_waits = True  # so that the keeper does not go on waiting for a host that is slow to start
            future = self._keeper.submit(self._run, job)
        try:
            meanwhile()
            return future.result()
        finally:
            wait([future])
            self._submit(self._prepare)

    def give_up(self, job: ReportJob) -> None:
        """End `job`, whose report nobody wants any more, whether it runs or is about to. From any thread."""
        with self._lock:
            self._given_up = job
            if self._job is job and self._reader is not None:
                self._reader.kill()

    def rest(self) -> None:
        """End the processes until the next job, so that others have their memory. From any thread."""
        self._submit(lambda: self._discard_reader(quietly=True))

    def close(self) -> None:
        """End both processes at once, whatever they are doing. From any thread."""
        self._submit(self._discard_reader)
        with self._lock:
            self._closed = True
            for process in (self._reader, self._host):
                if process is not None:
                    process.kill()
        if self._tuning is not None:
            self._tuning.stop()
        self._keeper.shutdown(wait=True)

    def _submit(self, work: Callable[[], object]) -> None:
        with self._lock:
            if not self._closed:
                self._keeper.submit(work)

    # ------------------------------------------------------------ the job, on the keeper's thread

    def _run(self, job: ReadJob | ReportJob) -> JobEnd:
        self._job_waits = False
        with self._lock:
            self._job = job
        try:
            end = self._try(job)
            for _ in range(START_TRIES - 1):
                if isinstance(end, _NotStarted):
                    end = self._try(job)
        finally:
            with self._lock:
                self._job = None
                if self._given_up is job:
                    self._given_up = None
        return end.death if isinstance(end, _NotStarted) else end

    def _try(self, job: ReadJob | ReportJob) -> JobEnd | _NotStarted:
        """Try `job` once. Returns _NotStarted if a process died while idle and that only shows now."""
        channel = self._ready_channel()
        if channel is None or self._desk is None:
            return ReaderDied(CLOSED)
        if self._given_up is job:
            return GivenUp()
        if isinstance(job, ReadJob):
            self._wait_until_host_may_start()
            self._start_host()
        desk = self._desk
        try:
            end = self._answer(channel, desk.lay_out(job))
            if self._given_up is job:
                return GivenUp()
            if isinstance(end, ReadResult | ReportResult):
                desk.take_in(job, end)
            return end
        except OSError as problem:
            detail = problem.strerror or "the disk takes no more"
            return DiskRefused(detail) if problem.errno in TAKES_NO_MORE else ReaderDied(detail)
        except NotMade as lie:
            self._discard_reader()
            return ReaderDied(str(lie))
        finally:
            desk.clear()

    def _answer(self, channel: LineChannel, job: ReadJob | ReportJob) -> JobEnd | _NotStarted:
        """What the reader answers to `job`, whose files are on its desk."""
        limits = limits_of(job, self.deadline_seconds)
        deadline = time.monotonic() + limits.silent_seconds
        self._busy_until = time.monotonic() + limits.whole_seconds
        began = False
        try:
            channel.send(job.model_dump_json(), timeout_seconds=limits.silent_seconds)
            while (message := self._receive(channel, min(deadline, self._busy_until))) is not None:
                if isinstance(message, StageNote):
                    began = began or message.stage in FIRST_STAGES
                    deadline = time.monotonic() + limits.silent_seconds
                elif end := self._end_of(message):
                    return _NotStarted(end) if isinstance(end, EngineDied) and not began else end
        except ChannelClosed:
            death = ReaderDied(self._discard_reader(quietly=self._given_up is self._job))
            return death if began else _NotStarted(death)
        finally:
            self._busy_until = 0.0
        return self._deadline_missed(channel)

    def _end_of(self, message: ReaderMessage) -> JobEnd | None:
        match message:
            case ReadResult(reading=reading):
                if reading.model is not None and reading.outcome != "not_assessed":
                    milliseconds = milliseconds_per_frame(reading)
                    self._plan.image_read(reading.model.name, milliseconds)
                    self._change(lost=self._plan.lost, broken=None)
                return message
            case ReportResult():
                return message
            case EngineFailure(detail=detail, how=how):
                self._discard_host(detail, explain_refusal(detail).kind if how == "refused" else FAILURES[how])
                return EngineDied(detail)
            case DiskRefusal(detail=detail):
                return DiskRefused(detail)
            case _:
                return None

    def _deadline_missed(self, channel: LineChannel) -> JobEnd:
        """Charge the side that was working. While the model runs that is the host, unless the reader does not even
        notice when the host is killed.
        """
        if self._stage == "inferring":
            self._discard_host("The engine host did not answer in time", FailureKind.HUNG)
            deadline = time.monotonic() + SILENCE_SECONDS
            try:
                while (message := self._receive(channel, deadline)) is not None:
                    if isinstance(message, ReadResult):
                        return message
                    if isinstance(message, EngineFailure):
                        return DeadlineMissed(charged_to="engine")
            except ChannelClosed:
                pass  # the reader is gone as well: charged below
        self._discard_reader()
        return DeadlineMissed(charged_to="reader")

    def _receive(self, channel: LineChannel, deadline: float) -> ReaderMessage | None:
        """The next message; None once time.monotonic() is past `deadline`, also where more messages lie ready."""
        remaining = deadline - time.monotonic()
        if remaining < 0 or (line := channel.receive(remaining)) is None:
            return None
        try:
            message = READER_MESSAGE.validate_json(line)
        except ValidationError as problem:
            _log.error("A reader sent an invalid message (%d bytes).", len(line))
            raise ChannelClosed from problem
        self._stage = message.stage if isinstance(message, StageNote) else None
        if isinstance(message, EngineReady):
            self._change(device=message.device, runtime=f"{message.runtime} {message.runtime_version}")
        return message

    # ------------------------------------------------------------ the processes, on the keeper's thread

    def _prepare(self) -> None:
        """Start both processes before they are needed. If that fails, the next job meets and reports the failure."""
        if self._beside:
            return
        try:
            channel = self._ready_channel()
            if channel is not None and not self._plan.pause_seconds:
                self._change_device()
                self._start_host()
                self._wait_for_models(channel)
        except LeapfrogError as problem:
            _log.error("%s", problem)

    def _wait_for_models(self, channel: LineChannel) -> None:
        """Wait until the models have loaded, so that `state` shows it, or until a job comes. A host that dies first, or
        takes too long, is replaced.
        """
        deadline = time.monotonic() + START_SECONDS
        try:
            while self._state.device == STARTING and self._host is not None:
                self._receive(channel, time.monotonic() + GLANCE_SECONDS)
                if self._job_waits:
                    return
                if not self._host.alive:
                    self._discard_host("The engine host ended while it started")
                elif time.monotonic() > deadline:
                    self._discard_host("The engine host did not start in time", FailureKind.HUNG)
        except ChannelClosed:
            self._discard_reader()
            return
        if self._host is None:
            self._submit(self._prepare)

    def _ready_channel(self) -> LineChannel | None:
        """The channel to a reader that is ready for a job, or None when the lane was closed."""
        if self._channel is not None and self._reader is not None and self._reader.alive:
            return self._channel
        if self._reader is not None:
            self._discard_reader()
        for _ in range(START_TRIES):
            if self._closed or (channel := self._start_reader()) is not None:
                return None if self._closed else channel
        raise ReaderNotStarted(
            f"The reading program cannot be started (tried {START_TRIES} times): see the log for the reason."
        )

    def _start_reader(self) -> LineChannel | None:
        if self._tuning is not None:
            self._setup = self._setup.model_copy(update={"threads": self._tuning.threads()})
        try:
            self._desk = desk = Desk(self._desks)
        except OSError as problem:
            raise StorageError(f"No folder can be made in {self._desks}: {problem.strerror}.") from problem
        ours, theirs = socket.socketpair()
        options = ["--fd", str(theirs.fileno()), "--given", str(desk.given), "--made", str(desk.made)]
        options += ["--beside"] if self._beside else []
        command = our_program(READER_PROGRAM, *options, "--setup", self._setup.model_dump_json())
        channel = LineChannel(ours)
        with theirs:
            self._channel = channel
            try:
                with self._lock:
                    if not self._closed:
                        self._reader = ChildProcess("reader", command, theirs, may_log=False)
            except OSError as problem:  # no memory for one more process
                self._discard_reader()
                if not self._beside:
                    raise
                raise ReaderNotStarted(f"The reading program cannot be started: {problem.strerror}.") from problem
        deadline = time.monotonic() + START_SECONDS
        try:
            if self._reader is not None and isinstance(self._receive(channel, deadline), ReaderReady):
                return channel
        except ChannelClosed:
            pass  # it ended while starting: discarded below
        is_given_up = self._job is not None and self._given_up is self._job
        how = self._discard_reader(quietly=is_given_up)
        if not is_given_up:
            _log.error("The reader did not start: %s.", how)
        return None

    def _start_host(self) -> None:
        """Start an engine host, unless one is running, and hand its connection to the reader."""
        if self._channel is None or (self._host is not None and self._host.alive):
            return
        if self._host is not None:
            self._discard_host("The engine host ended between two images")
        for_reader, for_host = socket.socketpair()
        options = ["--fd", str(for_host.fileno()), *self._plan.options()]
        command = engine_host(self._python, *options, models=self._setup.model_directories)
        with for_reader, for_host:
            try:
                with self._lock:
                    if self._closed:
                        return
                    self._host = ChildProcess("engine host", command, for_host, may_log=True)
                self._channel.send(EngineAttached().model_dump_json(), for_reader.fileno(), SILENCE_SECONDS)
            except OSError as problem:
                self._host_failed(f"{self._python} cannot be started: {problem.strerror}", FailureKind.REFUSED)
            except ChannelClosed:
                pass  # the reader is gone: the next step that needs it will find out

    def _wait_until_host_may_start(self) -> None:
        while not self._closed and (pause := self._plan.pause_seconds) > 0:
            if self._host is not None and self._host.alive:
                return
            time.sleep(min(pause, 0.1))

    def _change_device(self) -> None:
        """Change from the processor to a free Edge TPU, or give up an Edge TPU and return to the processor."""
        if failure := self._plan.reason_to_give_up():
            self._plan.give_back(failure)
        elif not self._plan.take():
            return
        if self._host is not None:
            self._host.kill()
            self._host.end()
            with self._lock:
                self._host = None
        self._change(device=STARTING, lost=self._plan.lost)

    def _discard_host(self, reason: str, kind: FailureKind = FailureKind.ENDED) -> None:
        if self._host is not None:
            how = self._host.end()
            with self._lock:
                self._host = None
            self._host_failed(f"{reason.rstrip('.')} ({how})", kind)

    def _host_failed(self, reason: str, kind: FailureKind) -> None:
        pause = self._plan.failed(DeviceFailure(kind=kind, detail=f"{reason}."))
        _log.warning("The engine host is started again in %.0f s: %s.", pause, reason)
        self._change(device=STARTING, lost=self._plan.lost, broken=self._plan.broken)

    def _discard_reader(self, *, quietly: bool = False) -> str:
        """End the reader and the host, whose connection ends with it. Returns how the reader ended, for messages."""
        if self._channel is not None:
            self._channel.close()
        how = "never started" if self._reader is None else self._reader.end()
        if self._host is not None:
            self._host.end()
        if self._desk is not None:
            self._desk.remove()
        with self._lock:
            self._reader, self._host, self._channel, self._desk = None, None, None, None
        if not self._closed and not quietly:
            _log.warning("The reader is started again: %s.", how)
            self._change(device=STARTING)
        return how

    def _change(self, **changes: Any) -> None:
        self._state = replace(self._state, since=time.time(), **changes)
