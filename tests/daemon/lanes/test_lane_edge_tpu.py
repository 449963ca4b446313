"""A lane with an Edge TPU that fails in every way: each image is read, and the device comes back when it is proven.

A double of libedgetpu stands for the device; all else is real.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from leapfrog.devices import pool, proof
from leapfrog.devices.kernel import KernelDevice
from leapfrog.devices.library import INVENTORY_SECONDS
from leapfrog.devices.pool import DevicePool, LentDevice
from leapfrog.lanes.host_plan import SLOW_IMAGES
from leapfrog.lanes.job_end import DeadlineMissed, EngineDied, JobEnd
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.processes.device_failures import FailureKind
from leapfrog.processes.messages import ReadJob, ReadResult, ReportJob
from leapfrog.settings import EngineSettings, ModelSettings
from support import reading_box
from support.edge_tpu import EdgeTpuDouble, compile_package
from support.films import write_film
from support.processes import PATIENCE_SECONDS, child_with, eventually
from support.tiny_models import write_classifier

IMAGES_SHARED = 12
FIRST_PORT, SECOND_PORT = "usb /sys/bus/usb/devices/2-1", "usb /sys/bus/usb/devices/2-2"


@dataclass
class Box:
    directory: Path
    pool: DevicePool
    lanes: list[Lane]
    jobs: int = 0

    @property
    def lane(self) -> Lane:
        return self.lanes[0]

    def read(self, lane: Lane | None = None) -> JobEnd:
        self.jobs += 1
        return (lane or self.lane).run(
            ReadJob(
                instance_id=f"instance-{self.jobs}",
                study_key="study",
                attempt=1,
                source_path=self.directory / "film.dcm",
                source_byte_count=(self.directory / "film.dcm").stat().st_size,
                source="test",
                received_at="2026-11-05T10:00:00+00:00",
                unknown_age="adult",
                assumed_character_set="",
                report_dir=self.directory / "report",
                work_dir=self.directory / "work",
            )
        )

    def device(self, lane: Lane | None = None) -> str:
        """Read the film; what on."""
        end = self.read(lane)
        assert isinstance(end, ReadResult)
        assert end.reading.outcome == "findings"
        assert end.reading.model is not None
        return end.reading.model.device

    def on_edge_tpu(self) -> bool:
        return eventually(lambda: self.lane.state.device == "edgetpu", PATIENCE_SECONDS)


def make_box(directory: Path, lanes: int = 1) -> Box:
    package = write_classifier(directory / "packages")
    compile_package(package)
    write_film(directory / "film.dcm")
    for name in ("report", "work"):
        (directory / name).mkdir()
    engine, models = EngineSettings(deadline_seconds=3), ModelSettings(paths=(directory / "packages",))
    made: list[Lane] = []

    def tell_lanes() -> None:
        for lane in made:
            lane.device_is_free()

    pool = DevicePool(sys.executable, reader_setup(engine, models, directory), tell_lanes)
    made.extend(Lane(engine, models, directory, directory, pool) for _ in range(lanes))
    return Box(directory, pool, made)


@pytest.fixture(autouse=True)
def pool_that_looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LOOK_SECONDS", 0.1)


@pytest.fixture
def box(edge_tpu: EdgeTpuDouble, tmp_path: Path) -> Iterator[Box]:
    with running(make_box(tmp_path)) as made:
        yield made


@contextmanager
def running(box: Box) -> Iterator[Box]:
    box.pool.start()
    for lane in box.lanes:
        lane.start()
    yield box
    box.pool.stop()
    for lane in box.lanes:
        lane.close()
    assert eventually(lambda: child_with("leapfrog") is None, 2.0)


def test_a_proven_device_takes_over_from_the_processor(box: Box) -> None:
    assert box.on_edge_tpu()
    assert box.device() == "edgetpu"
    (state,) = box.pool.states()
    assert state.in_use
    assert box.lane.state.lost is None


@pytest.mark.parametrize(
    ("behaviour", "kind", "charged"),
    [
        ("abort", FailureKind.ENDED, EngineDied),
        ("segfault", FailureKind.ENDED, EngineDied),
        ("exit", FailureKind.ENDED, EngineDied),
        ("fail", FailureKind.REFUSED, EngineDied),
        ("wrong", FailureKind.WRONG_ANSWERS, EngineDied),
        ("wrong-size", FailureKind.WRONG_ANSWERS, EngineDied),
        ("hang", FailureKind.HUNG, DeadlineMissed),
    ],
)
def test_a_device_that_fails_loses_no_image_and_is_taken_back(
    box: Box, edge_tpu: EdgeTpuDouble, behaviour: str, kind: FailureKind, charged: type[JobEnd]
) -> None:
    assert box.on_edge_tpu()
    edge_tpu.next(behaviour)
    assert isinstance(box.read(), charged)
    assert box.device() == "cpu"
    lost = box.lane.state.lost
    assert lost is not None
    assert lost.failure.kind is kind
    assert time.time() - lost.at < PATIENCE_SECONDS
    assert box.on_edge_tpu()
    assert box.device() == "edgetpu"
    assert box.lane.state.lost is None


def test_a_device_that_answers_wrongly_in_its_proof_is_not_used(tmp_path: Path, edge_tpu: EdgeTpuDouble) -> None:
    edge_tpu.always("wrong")
    with running(make_box(tmp_path)) as box:
        assert eventually(lambda: any(state.failure for state in box.pool.states()), PATIENCE_SECONDS)
        assert box.device() == "cpu"
        (state,) = box.pool.states()
        assert state.failure is not None
        assert state.failure.kind is FailureKind.WRONG_ANSWERS
        edge_tpu.always("")
        assert box.on_edge_tpu()


def test_a_device_that_comes_back_at_another_port_is_taken(box: Box, edge_tpu: EdgeTpuDouble) -> None:
    assert box.on_edge_tpu()
    edge_tpu.plug_in(SECOND_PORT)
    edge_tpu.next("abort")
    assert isinstance(box.read(), EngineDied)
    assert box.device() == "cpu"
    assert box.on_edge_tpu()
    gone, back = box.pool.states()
    assert (gone.present, back.in_use) == (False, True)


def test_a_device_that_is_gone_is_reported_and_the_processor_reads(box: Box, edge_tpu: EdgeTpuDouble) -> None:
    assert box.on_edge_tpu()
    edge_tpu.plug_in()
    edge_tpu.next("abort")
    assert isinstance(box.read(), EngineDied)
    assert [box.device() for _ in range(3)] == ["cpu"] * 3
    assert eventually(lambda: box.pool.failure is not None, PATIENCE_SECONDS)
    assert box.pool.failure is not None
    assert box.pool.failure.kind is FailureKind.NO_DEVICE


def test_a_device_that_grows_slow_is_left_for_the_processor(box: Box, edge_tpu: EdgeTpuDouble) -> None:
    assert box.on_edge_tpu()
    assert box.device() == "edgetpu"
    edge_tpu.always("slow 300")
    assert [box.device() for _ in range(SLOW_IMAGES)] == ["edgetpu"] * SLOW_IMAGES
    assert eventually(lambda: box.lane.state.device == "cpu", PATIENCE_SECONDS)
    lost = box.lane.state.lost
    assert lost is not None
    assert lost.failure.kind is FailureKind.SLOW
    assert box.device() == "cpu"


def test_a_device_that_fails_as_the_lane_takes_it_is_left_at_once(
    box: Box, edge_tpu: EdgeTpuDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proven, and then the crash: no image has to come before the processor is back."""
    take = DevicePool.take

    def taken(pool: DevicePool) -> LentDevice | None:
        if device := take(pool):
            edge_tpu.next("segfault-at-construction")
            monkeypatch.setattr(DevicePool, "take", take)
        return device

    monkeypatch.setattr(DevicePool, "take", taken)
    assert eventually(lambda: box.lane.state.lost is not None, PATIENCE_SECONDS)
    assert eventually(lambda: box.lane.state.device == "cpu", PATIENCE_SECONDS)
    assert box.on_edge_tpu()


def test_a_library_that_hangs_keeps_no_image_waiting(box: Box, edge_tpu: EdgeTpuDouble) -> None:
    assert box.on_edge_tpu()
    edge_tpu.always("list-hang")
    edge_tpu.next("abort")
    assert isinstance(box.read(), EngineDied)
    began = time.monotonic()
    assert [box.device() for _ in range(3)] == ["cpu"] * 3
    assert time.monotonic() - began < INVENTORY_SECONDS / 2


def test_a_library_that_crashes_is_asked_with_growing_pauses(box: Box, edge_tpu: EdgeTpuDouble) -> None:
    assert box.on_edge_tpu()
    edge_tpu.always("list-segfault")
    edge_tpu.next("abort")
    assert isinstance(box.read(), EngineDied)
    assert eventually(lambda: box.pool.failure is not None, PATIENCE_SECONDS)
    assert box.device() == "cpu"
    assert box.pool.failure is not None
    assert "signal 11" in box.pool.failure.detail
    edge_tpu.always("")
    assert box.on_edge_tpu()


def test_a_device_on_pcie_rests_while_it_is_too_hot(
    box: Box, edge_tpu: EdgeTpuDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert box.on_edge_tpu()
    shown = KernelDevice("pci", Path("/sys/class/apex/apex_0"), Path("/dev/apex_0"), celsius=97.0)
    monkeypatch.setattr(proof, "kernel_device", lambda _: shown)
    assert box.device() == "edgetpu"  # it still answers
    assert eventually(lambda: box.lane.state.device == "cpu", PATIENCE_SECONDS)
    lost = box.lane.state.lost
    assert lost is not None
    assert (lost.failure.kind, lost.failure.detail) == (FailureKind.SLOW, "The device is too hot (97 °C).")
    assert eventually(lambda: [state.failures for state in box.pool.states()] == [2], PATIENCE_SECONDS)
    monkeypatch.setattr(proof, "kernel_device", lambda _: replace(shown, celsius=70.0))
    assert box.on_edge_tpu()


def test_failures_do_not_spin(box: Box, edge_tpu: EdgeTpuDouble) -> None:
    edge_tpu.always("abort")
    assert eventually(lambda: [state.failures for state in box.pool.states()] == [3], PATIENCE_SECONDS)
    (state,) = box.pool.states()
    assert 2.0 < state.next_try - time.monotonic() <= 4.0
    assert box.device() == "cpu"


def test_two_devices_serve_two_lanes(edge_tpu: EdgeTpuDouble, tmp_path: Path) -> None:
    edge_tpu.plug_in(FIRST_PORT, SECOND_PORT)
    with running(make_box(tmp_path, lanes=2)) as box:
        assert eventually(lambda: all(lane.state.device == "edgetpu" for lane in box.lanes), PATIENCE_SECONDS)
        assert [box.device(lane) for lane in box.lanes] == ["edgetpu", "edgetpu"]
        assert all(state.in_use for state in box.pool.states())


def test_devices_share_a_stream_of_images_evenly(
    edge_tpu: EdgeTpuDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: Counter[int] = Counter()
    run = Lane.run

    def counted(lane: Lane, job: ReadJob | ReportJob, meanwhile: Callable[[], None] = lambda: None) -> JobEnd:
        given[id(lane)] += isinstance(job, ReadJob)
        return run(lane, job, meanwhile)

    monkeypatch.setattr(Lane, "run", counted)
    edge_tpu.plug_in(FIRST_PORT, SECOND_PORT)
    package = compile_package(write_classifier(tmp_path / "packages"))
    box = reading_box.Box(tmp_path, packages=[package], lanes=2, on_edge_tpu=True)
    with reading_box.running(box):
        assert eventually(lambda: all(lane.state.device == "edgetpu" for lane in box.lanes), PATIENCE_SECONDS)
        added = [
            box.add_image(study_uid=f"2.25.{number + 1}", content=write_film(tmp_path / "next.dcm"))
            for number in range(IMAGES_SHARED)
        ]
        for instance_id in added:
            box.wait_for_state(instance_id, "read")
        readings = [box.studies.readings(box.record(instance_id).study_key)[0] for instance_id in added]
    assert [reading.model.device for reading in readings if reading.model] == ["edgetpu"] * IMAGES_SHARED
    assert sorted(given.values())[0] >= IMAGES_SHARED // 3
    assert sum(given.values()) == IMAGES_SHARED
