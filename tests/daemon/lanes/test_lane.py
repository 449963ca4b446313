"""A lane with its real processes: whichever dies or hangs, the right side is charged and the next job works."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from leapfrog.engine.client import LOST
from leapfrog.errors import LeapfrogError
from leapfrog.lanes import lane as lane_module
from leapfrog.lanes import reader_setup
from leapfrog.lanes.job_end import DeadlineMissed, EngineDied, JobEnd, ReaderDied
from leapfrog.lanes.lane import Lane
from leapfrog.processes.messages import ReadJob, ReadResult, ReportJob, ReportResult, Station
from leapfrog.settings import EngineSettings, ModelSettings
from support.films import write_film
from support.processes import (
    ENGINE_HOST,
    PATIENCE_SECONDS,
    READER,
    child_with,
    children_of,
    eventually,
    runs,
    the_child,
)
from support.tiny_models import write_classifier

GONE_WITHIN_SECONDS = 1.0
SHORT_DEADLINE_SECONDS = 2.0


@dataclass
class Box:
    """A folder with a package and a film, and the lanes that a test runs on it."""

    directory: Path
    lanes: list[Lane] = field(default_factory=list)
    count: int = 0

    def lane(self, *, python: Path | None = None) -> Lane:
        engine = EngineSettings(python=python, deadline_seconds=PATIENCE_SECONDS)
        made = Lane(engine, ModelSettings(paths=(self.directory / "packages",)), self.directory, self.directory)
        self.lanes.append(made)
        return made

    def job(self, path: Path | None = None) -> ReadJob:
        self.count += 1
        return ReadJob(
            instance_id=f"instance-{self.count}",
            study_key="study",
            attempt=1,
            source_path=path or self.directory / "film.dcm",
            source_byte_count=(path or self.directory / "film.dcm").stat().st_size,
            source="test",
            received_at="2026-11-05T10:00:00+00:00",
            unknown_age="adult",
            assumed_character_set="",
            report_dir=self.directory / "report",
            work_dir=self.directory / "work",
        )


def make_box(directory: Path) -> Box:
    write_classifier(directory / "packages")
    write_film(directory / "film.dcm")
    for name in ("report", "work"):
        (directory / name).mkdir()
    return Box(directory)


def end(box: Box) -> None:
    for lane in box.lanes:
        lane.close()
    assert eventually(lambda: child_with("leapfrog") is None, GONE_WITHIN_SECONDS)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = make_box(tmp_path)
    yield made
    end(made)


@pytest.fixture(scope="class")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose one lane lives through the tests of a class, each of which leaves it working."""
    made = make_box(tmp_path_factory.mktemp("box"))
    made.lane()
    yield made
    end(made)


def reads(lane: Lane, box: Box) -> bool:
    end = lane.run(box.job())
    return isinstance(end, ReadResult) and end.reading.outcome == "findings"


@pytest.fixture
def pipe_film(tmp_path: Path) -> Path:
    """A film that is a pipe: the reader waits until somebody writes, and so is in the middle of its work."""
    path = tmp_path / "pipe.dcm"
    os.mkfifo(path)
    return path


def restarts_of(child: str, caplog: pytest.LogCaptureFixture) -> int:
    return caplog.text.count(f"The {child} is started again")


def in_background(lane: Lane, job: ReadJob | ReportJob) -> "Future[JobEnd]":
    executor = ThreadPoolExecutor(1)
    future = executor.submit(lane.run, job)
    executor.shutdown(wait=False)
    return future


def hold_the_reader(pipe: Path) -> int:
    """Wait until the reader has opened the pipe, and keep it waiting. Returns the descriptor to close at the end."""
    opened: list[int] = []

    def open_for_writing() -> bool:
        try:
            opened.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # ENXIO: nobody reads
            return False
        return True

    assert eventually(open_for_writing)
    return opened[0]


class TestOneLane:
    """A lane that goes through all of this, and works after each."""

    def test_a_lane_reads_one_film_after_the_other(self, served: Box) -> None:
        lane = served.lanes[0]
        lane.start()
        assert reads(lane, served)
        assert reads(lane, served)
        assert eventually(lambda: lane.state.device == "cpu")
        assert lane.state.runtime.startswith("ai_edge_litert ")

    def test_a_lane_renders_a_report(self, served: Box) -> None:
        lane = served.lanes[0]
        read = lane.run(served.job())
        assert isinstance(read, ReadResult)
        end = lane.run(
            ReportJob(
                study_key="s1",
                version=1,
                received_at="2026-11-05T10:00:00+00:00",
                station=Station(name="Clinic", ae_title="LEAPFROG", software_version="0"),
                readings=(read.reading,),
                pdf=False,
                picture_dir=served.directory / "report",
                report_dir=served.directory / "report",
                work_dir=served.directory / "work",
            )
        )
        assert isinstance(end, ReportResult)
        assert (served.directory / "report" / "report-1.html").is_file()

    def test_the_children_are_nicer_than_the_daemon_and_dump_no_core(self, served: Box) -> None:
        lane = served.lanes[0]
        assert reads(lane, served)
        own = os.getpriority(os.PRIO_PROCESS, 0)
        for word in (READER, ENGINE_HOST):
            assert os.getpriority(os.PRIO_PROCESS, the_child(word)) > own
        limits = Path(f"/proc/{the_child(READER)}/limits").read_text()
        assert any(line.split()[:5] == ["Max", "core", "file", "size", "0"] for line in limits.splitlines())
        assert f"Max address space         {reader_setup.READER_MEMORY_BYTES}" in limits

    def test_a_foreign_connection_end_is_not_inherited(self, served: Box) -> None:
        """A child holds its own connections only; else the end of one would go unnoticed."""
        foreign, other = socket.socketpair()
        with foreign, other:
            lane = served.lanes[0]
            assert reads(lane, served)
            inode = os.fstat(foreign.fileno()).st_ino
            for word in (READER, ENGINE_HOST):
                directory = Path(f"/proc/{the_child(word)}/fd")
                held = {entry.stat().st_ino for entry in directory.iterdir() if entry.exists()}
                assert inode not in held

    def test_the_thread_that_asked_may_end_without_its_children_ending(self, served: Box) -> None:
        """PR_SET_PDEATHSIG counts the thread that started a child as its parent."""
        lane = served.lanes[0]
        ends: list[JobEnd] = []
        thread = threading.Thread(target=lambda: ends.append(lane.run(served.job())))
        thread.start()
        thread.join()
        reader = the_child(READER)
        assert isinstance(ends[0], ReadResult)
        assert reads(lane, served)
        assert the_child(READER) == reader

    def test_nothing_of_a_patient_is_logged(self, served: Box, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        lane = served.lanes[0]
        assert reads(lane, served)
        os.kill(the_child(READER), signal.SIGSEGV)
        assert reads(lane, served)
        assert "reader: " in caplog.text
        assert "Zwiebel" not in caplog.text
        assert "4711" not in caplog.text

    def test_a_reader_that_is_killed_at_work_is_charged_to_the_image(
        self, served: Box, pipe_film: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        lane = served.lanes[0]
        future = in_background(lane, served.job(pipe_film))
        held = hold_the_reader(pipe_film)
        os.kill(the_child(READER), signal.SIGKILL)
        assert isinstance(future.result(PATIENCE_SECONDS), ReaderDied)
        os.close(held)
        assert reads(lane, served)
        assert restarts_of("reader", caplog) == 1

    def test_a_reader_that_dies_while_nothing_is_to_do_is_charged_to_nobody(self, served: Box) -> None:
        lane = served.lanes[0]
        assert reads(lane, served)
        os.kill(the_child(READER), signal.SIGKILL)
        assert eventually(lambda: child_with(ENGINE_HOST) is None)  # it ends with its connection
        assert reads(lane, served)

    def test_an_engine_host_that_dies_while_nothing_is_to_do_is_charged_to_nobody(self, served: Box) -> None:
        lane = served.lanes[0]
        assert reads(lane, served)
        reader, host = the_child(READER), the_child(ENGINE_HOST)
        os.kill(host, signal.SIGKILL)
        assert eventually(lambda: child_with(ENGINE_HOST) is None)
        assert reads(lane, served)
        assert the_child(READER) == reader
        assert the_child(ENGINE_HOST) != host

    def test_an_engine_host_that_is_as_good_as_dead_when_the_image_comes_is_charged_to_nobody(
        self, served: Box, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A killed process does no more work, but for a while it is not reaped and its connection not ended."""
        lane = served.lanes[0]
        assert reads(lane, served)
        assert eventually(lambda: lane.state.device == "cpu")  # the models are loaded
        reader, host = the_child(READER), the_child(ENGINE_HOST)
        os.kill(host, signal.SIGSTOP)
        future = in_background(lane, served.job())
        time.sleep(0.3)  # the image goes to the reader, since the host seems to live
        os.kill(host, signal.SIGKILL)
        end = future.result(PATIENCE_SECONDS)
        assert isinstance(end, ReadResult)
        assert end.reading.outcome == "findings"
        assert the_child(READER) == reader
        assert restarts_of("engine host", caplog) == 1

    def test_an_engine_host_that_hangs_misses_the_deadline_on_the_devices_account(self, served: Box) -> None:
        lane = served.lanes[0]
        assert reads(lane, served)
        reader, host = the_child(READER), the_child(ENGINE_HOST)
        os.kill(host, signal.SIGSTOP)
        lane.deadline_seconds = SHORT_DEADLINE_SECONDS
        assert lane.run(served.job()) == DeadlineMissed(charged_to="engine")
        lane.deadline_seconds = PATIENCE_SECONDS
        assert reads(lane, served)
        assert the_child(READER) == reader
        assert the_child(ENGINE_HOST) != host

    def test_a_reader_that_hangs_misses_the_deadline_on_the_images_account(self, served: Box, pipe_film: Path) -> None:
        lane = served.lanes[0]
        assert reads(lane, served)
        reader = the_child(READER)
        lane.deadline_seconds = SHORT_DEADLINE_SECONDS
        assert lane.run(served.job(pipe_film)) == DeadlineMissed(charged_to="reader")
        lane.deadline_seconds = PATIENCE_SECONDS
        assert reads(lane, served)
        assert the_child(READER) != reader

    def test_a_stopped_reader_is_killed_at_the_deadline(self, served: Box) -> None:
        lane = served.lanes[0]
        assert reads(lane, served)
        os.kill(the_child(READER), signal.SIGSTOP)
        lane.deadline_seconds = SHORT_DEADLINE_SECONDS
        assert lane.run(served.job()) == DeadlineMissed(charged_to="reader")
        lane.deadline_seconds = PATIENCE_SECONDS
        assert reads(lane, served)


def test_lanes_work_beside_each_other(box: Box) -> None:
    lanes = [box.lane(), box.lane()]
    futures = [in_background(lane, box.job()) for lane in lanes for _ in range(3)]
    ends = [future.result(PATIENCE_SECONDS) for future in futures]
    assert all(isinstance(end, ReadResult) for end in ends)


def aborting_host(directory: Path, flag: Path) -> Path:
    """An interpreter for `engine.python` whose engine host aborts over a model's input while `flag` is there, as
    libedgetpu does when the USB fails.
    """
    script = directory / "python"
    script.write_text(
        f"#!{sys.executable}\n"
        + textwrap.dedent(
            f"""
            import importlib.util, os, sys
            spec = importlib.util.spec_from_file_location("engine_host", sys.argv[2])
            engine_host = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(engine_host)
            run = engine_host.Model.invoke

            def invoke(model, payload):
                if os.path.exists({str(flag)!r}):
                    os.abort()
                return run(model, payload)

            engine_host.Model.invoke = invoke
            sys.exit(engine_host.main(sys.argv[3:]))
            """
        )
    )
    script.chmod(0o755)
    return script


def test_what_a_lane_is_to_do_meanwhile_is_done_while_its_reader_works(box: Box, pipe_film: Path) -> None:
    done = list[bool]()

    def wait_for_the_reader() -> None:
        os.close(hold_the_reader(pipe_film))
        done.append(True)

    box.lane().run(box.job(pipe_film), wait_for_the_reader)
    assert done == [True]


def test_a_failure_of_what_a_lane_does_meanwhile_leaves_it_ready_for_the_next_job(box: Box) -> None:
    lane = box.lane()

    def fail() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        lane.run(box.job(), fail)
    assert isinstance(lane.run(box.job()), ReadResult)


def test_an_engine_host_that_dies_at_work_is_charged_to_the_device_and_the_reader_lives(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    flag = box.directory / "abort"
    lane = box.lane(python=aborting_host(box.directory, flag))
    assert reads(lane, box)
    assert eventually(lambda: lane.state.device == "cpu")  # the models are loaded
    reader = the_child(READER)
    flag.touch()
    assert isinstance(lane.run(box.job()), EngineDied)
    flag.unlink()
    assert restarts_of("engine host", caplog) == 1
    assert reads(lane, box)
    assert the_child(READER) == reader


def host_script(directory: Path, body: str) -> Path:
    """An interpreter for `engine.python` that runs `body` in place of the first host, then is the real one."""
    script = directory / "python"
    script.write_text(
        f"#!{sys.executable}\n"
        + textwrap.dedent(
            """
            import os, socket, sys, time
            from pathlib import Path
            flag = Path(__file__).with_name("was-here")
            if flag.exists():
                os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
            flag.touch()
            connection = socket.socket(fileno=int(sys.argv[sys.argv.index("--fd") + 1]))
            """
        )
        + textwrap.dedent(body)
    )
    script.chmod(0o755)
    return script


@pytest.mark.parametrize(
    "body",
    [
        "connection.sendall(b'Segmentation fault\\n' * 100); connection.recv(1)",
        "sys.exit(1)",
        "os.abort()",
        "connection.sendall(bytes([0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0]) + bytes(4096)); connection.recv(1)",
    ],
    ids=["garbage", "ends at once", "aborts", "a huge frame"],
)
def test_an_engine_host_that_makes_no_sense_is_replaced(box: Box, body: str, caplog: pytest.LogCaptureFixture) -> None:
    lane = box.lane(python=host_script(box.directory, body))
    end = lane.run(box.job())
    assert isinstance(end, EngineDied | ReadResult)  # a host that ended before the image came was replaced already
    assert reads(lane, box)
    assert restarts_of("engine host", caplog) >= 1
    assert restarts_of("reader", caplog) == 0


def test_an_engine_host_that_fails_while_models_load_in_advance_and_still_seems_to_live_is_charged_to_nobody(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    lane = box.lane(python=host_script(box.directory, "connection.close(); time.sleep(60)"))
    lane.start()
    assert eventually(lambda: LOST in caplog.text)  # the reader has noticed; the process is still there
    assert reads(lane, box)
    assert restarts_of("engine host", caplog) == 1
    assert restarts_of("reader", caplog) == 0


def test_an_engine_that_prints_on_standard_output_is_understood(box: Box) -> None:
    noisy = box.directory / "python"
    noisy.write_text(f'#!/bin/sh\necho "I am loud"\nexec {sys.executable} "$@"\n')
    noisy.chmod(0o755)
    assert reads(box.lane(python=noisy), box)


def test_an_engine_that_cannot_be_started_is_the_devices_failure_and_reports_still_come(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    lane = box.lane(python=Path("/nonexistent/python"))
    end = lane.run(box.job())
    assert isinstance(end, EngineDied)
    assert "No such file" in caplog.text
    unrouted = lane.run(box.job(write_film(box.directory / "hand.dcm", BodyPartExamined="HAND")))
    assert isinstance(unrouted, ReadResult)
    assert unrouted.reading.outcome == "not_assessed"


def test_a_reader_that_cannot_be_started_is_an_error_of_the_box(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "READER_PROGRAM", "leapfrog.reader.no_such_module")
    with pytest.raises(LeapfrogError, match="cannot be started"):
        box.lane().run(box.job())


def test_a_picture_that_needs_more_memory_than_a_reader_has_harms_no_other(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_setup, "READER_MEMORY_BYTES", 900 * 1024**2)
    import numpy as np

    large = write_film(box.directory / "large.dcm", np.zeros((7000, 7000), np.uint8), BitsAllocated=8)
    lane = box.lane()
    end = lane.run(box.job(large))
    assert isinstance(end, ReadResult | ReaderDied)
    assert reads(lane, box)


def test_closing_ends_both_at_once_also_in_the_middle_of_a_job(box: Box, pipe_film: Path) -> None:
    lane = box.lane()
    assert reads(lane, box)
    future = in_background(lane, box.job(pipe_film))
    held = hold_the_reader(pipe_film)
    began = time.monotonic()
    lane.close()
    assert time.monotonic() - began < GONE_WITHIN_SECONDS
    os.close(held)
    assert isinstance(future.result(PATIENCE_SECONDS), ReaderDied)
    assert isinstance(lane.run(box.job()), ReaderDied)


def test_no_orphan_is_left_when_the_daemon_is_killed_in_the_middle_of_a_job(box: Box, pipe_film: Path) -> None:
    program = f"""
        from pathlib import Path
        from leapfrog.processes.messages import ReadJob
        from leapfrog.lanes.lane import Lane
        from leapfrog.settings import EngineSettings, ModelSettings
        packages = (Path({str(box.directory / "packages")!r}),)
        lane = Lane(EngineSettings(), ModelSettings(paths=packages), Path("/nowhere"), Path({str(box.directory)!r}))
        lane.run(ReadJob.model_validate_json({box.job().model_dump_json()!r}))
        lane.run(ReadJob.model_validate_json({box.job(pipe_film).model_dump_json()!r}))
    """
    daemon = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])
    held = hold_the_reader(pipe_film)
    children = children_of(daemon.pid)
    assert len(children) == 2
    daemon.kill()
    daemon.wait()
    assert eventually(lambda: not any(runs(pid) for pid in children), GONE_WITHIN_SECONDS)
    os.close(held)
