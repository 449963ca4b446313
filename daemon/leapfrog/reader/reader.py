"""The reader: a child process that decodes images, has the engine host run the models, and draws. It may die at any
moment.

It takes one job at a time from its lane, over the socket that it was started with, and answers it. Whatever is slow to
import or to load, it fetches while no job is waiting. Before it sees a byte of an image, it gives up all rights but to
its own code, the model packages and the two folders of its desk.
"""

import argparse
import importlib
import os
import select
import socket
import sys
from collections.abc import Sequence
from typing import Literal, assert_never

from leapfrog.durable import TAKES_NO_MORE
from leapfrog.engine.client import EngineClient
from leapfrog.engine.model_bench import ModelBench
from leapfrog.errors import EngineError, EngineRefused, EngineUntrusted
from leapfrog.packages.catalogue import Catalogue, find_packages
from leapfrog.packages.local_thresholds import with_local_thresholds
from leapfrog.processes import heap
from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.processes.confinement import Rights
from leapfrog.processes.messages import (
    LANE_MESSAGE,
    DiskRefusal,
    EngineAttached,
    EngineFailure,
    EngineReady,
    ReaderMessage,
    ReaderReady,
    ReaderSetup,
    ReadJob,
    ReadResult,
    ReportJob,
    ReportResult,
    Stage,
    StageNote,
)
from leapfrog.reader.startup import begin, note

# Imported while no job is waiting, in the order in which the first exam needs them.
MODULES = (
    "leapfrog.reader.image_reader",
    "leapfrog.reader.report.study_report",
    "leapfrog.reader.report.pdf",
    "leapfrog.reader.report.derived",
)
MODULES_BESIDE = ("leapfrog.reader.report.study_report", "leapfrog.reader.report.pdf", "leapfrog.reader.report.derived")
# Without a job, before memory is given back. Done between any two jobs, it takes a busy box a fourteenth of its
# ultrasound pictures, and spares it 4 MiB (measured).
REST_SECONDS = 1.0
NICE_STEP_BESIDE = 5  # a third of the time that each of the others has that wants the processor (sched(7))
# What the engine host did to cause the error. With any other error, the host has ended.
HOST_FAILURES: dict[type[EngineError], Literal["refused", "wrong"]] = {
    EngineRefused: "refused",
    EngineUntrusted: "wrong",
}


class Reader:
    """Answers jobs until its lane is gone."""

    def __init__(self, channel: LineChannel, setup: ReaderSetup, modules: Sequence[str] = MODULES) -> None:
        """Load and verify the model packages. `modules` are imported while no job waits."""
        self._channel = channel
        self._setup = setup
        found = find_packages(setup.model_directories, setup.signature_policy)
        self._catalogue: Catalogue = with_local_thresholds(found, setup.local_thresholds)
        for problem in self._catalogue.problems():
            note(problem)
        self._bench = ModelBench(setup.threads)
        self._modules = list(modules)
        self._checks_wait = bool(self._catalogue.packages)
        self._host_is_new = False
        self._failed_while_idle = ""  # how the host failed while there was no job
        self._has_freed = False  # since memory was given back

    def serve(self) -> None:
        """Report ready, then answer jobs; returns when the lane is gone."""
        try:
            self._send(ReaderReady())
            while True:
                self._handle(self._next_line())
        except ChannelClosed:
            return

    def _next_line(self) -> bytes:
        """The next line from the lane. While waiting for it, load what will be needed later."""
        while (line := self._channel.receive(timeout_seconds=0)) is None:
            if self._modules:
                self._import(self._modules.pop(0))
            elif self._checks_wait:
                self._load_checks()
            elif self._host_is_new and self._bench.client is not None:
                self._warm_up_when_host_answers(self._bench.client)
            elif self._has_freed:
                if (line := self._channel.receive(timeout_seconds=REST_SECONDS)) is not None:
                    break
                heap.give_back()
                self._has_freed = False
            elif (line := self._channel.receive()) is not None:
                break
        return line

    def _import(self, module: str) -> None:
        try:
            importlib.import_module(module)
        except ImportError as problem:  # only the jobs that need it fail
            note(f"{module} cannot be imported: {problem}")

    def _load_checks(self) -> None:
        from leapfrog.reader.assess.assessment import load_checks  # slow to import: see MODULES

        load_checks(self._catalogue.packages)
        self._checks_wait = False

    def _warm_up_when_host_answers(self, client: EngineClient) -> None:
        if not client.introduced:
            readable, _, _ = select.select([self._channel.fileno(), client.fileno()], [], [])
            if client.fileno() not in readable:
                return
        self._announce("inferring")
        try:
            hello = self._bench.warm_up(self._catalogue.packages)
        except EngineError as problem:
            self._bench.detach()
            self._failed_while_idle = str(problem)
            note(self._failed_while_idle)
        else:
            self._send(EngineReady(device=hello.device, runtime=hello.runtime, runtime_version=hello.runtime_version))
        self._host_is_new = False

    def _handle(self, line: bytes) -> None:
        message = LANE_MESSAGE.validate_json(line)
        match message:
            case EngineAttached():
                self._bench.attach(EngineClient(socket.socket(fileno=self._channel.take_descriptor())))
                self._host_is_new = True
                self._failed_while_idle = ""
            case ReadJob() | ReportJob():
                self._send(self._answer(message))
                self._has_freed = True
            case _:
                assert_never(message)

    def _answer(self, job: ReadJob | ReportJob) -> ReadResult | ReportResult | EngineFailure | DiskRefusal:
        try:
            return self._read(job) if isinstance(job, ReadJob) else self._report(job)
        except OSError as problem:
            if problem.errno not in TAKES_NO_MORE:
                raise
            return DiskRefusal(detail=problem.strerror or "the disk takes no more")

    def _read(self, job: ReadJob) -> ReadResult | EngineFailure:
        from leapfrog.reader.image_reader import ImageReader  # slow to import: see MODULES

        try:
            self._check_host()
            setup = self._setup
            reader = ImageReader(
                self._catalogue,
                self._bench,
                setup.frames_per_cine,
                setup.sweep_seconds,
                setup.sweep_until_seconds,
            )
            return reader.read(job, self._announce)
        except EngineError as problem:
            self._bench.detach()
            return EngineFailure(detail=str(problem), how=HOST_FAILURES.get(type(problem), "ended"))

    def _check_host(self) -> None:
        """Raise EngineError if the host that is to run the models has gone before the image is started.

        Only a ping can tell: when a process is killed, the kernel frees its memory before it closes the connection and
        lets the parent reap it, which takes a while on a busy machine. A host that has not sent its hello yet is waited
        for later, when a model is needed.
        """
        if self._failed_while_idle:
            detail, self._failed_while_idle = self._failed_while_idle, ""
            raise EngineError(detail)
        client = self._bench.client
        if client is not None and client.introduced:
            self._announce("inferring")
            client.ping()

    def _report(self, job: ReportJob) -> ReportResult:
        from leapfrog.reader.report.study_report import render

        self._announce("rendering")
        return render(job, lambda: self._announce("rendering"))

    def _announce(self, stage: Stage) -> None:
        self._send(StageNote(stage=stage))

    def _send(self, message: ReaderMessage) -> None:
        self._channel.send(message.model_dump_json())


def main() -> int:
    """Serve one lane, over the open file descriptor --fd; returns the exit status."""
    parser = argparse.ArgumentParser(description="Leapfrog's reader; the daemon starts it.")
    parser.add_argument("--fd", type=int, required=True, help="the lane's file descriptor")
    parser.add_argument("--parent", type=int, required=True, help="the process that this one ends with")
    parser.add_argument("--given", required=True, help="the folder from which it may read")
    parser.add_argument("--made", required=True, help="the folder in which it may write")
    parser.add_argument("--setup", required=True, help="a ReaderSetup as JSON")
    parser.add_argument("--beside", action="store_true", help="make reports only, and give way to other readers")
    options = parser.parse_args()
    setup = ReaderSetup.model_validate_json(options.setup)
    packages = map(str, setup.model_directories)
    rights = Rights(readable=(options.given, *packages), writable=(options.made,))
    begin(options.parent, setup.memory_limit_bytes, rights)
    channel = LineChannel(socket.socket(fileno=options.fd))
    if options.beside:
        os.nice(NICE_STEP_BESIDE)
    Reader(channel, setup, MODULES_BESIDE if options.beside else MODULES).serve()
    channel.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
