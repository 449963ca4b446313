"""Times each model and the reading of whole images on each engine of this box."""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leapfrog.devices.pool import DevicePool
from leapfrog.engine.standalone import StandaloneEngine
from leapfrog.errors import EngineError, LeapfrogError
from leapfrog.exam import Frozen
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.lanes.tuning import EngineTuning
from leapfrog.packages.package import ModelPackage
from leapfrog.phantoms.exams import as_file, chest_exam, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead
from leapfrog.processes.command_lines import on_edge_tpu
from leapfrog.processes.messages import ReadJob, ReadResult
from leapfrog.settings import Settings

RUNS = 100
WHOLE_IMAGES = 8
PROOF_PATIENCE_SECONDS = 90.0

CPU_FLOAT, CPU_INT8 = "CPU float32", "CPU int8"

Announce = Callable[[str], None]  # shows a person what happens next


class ModelTiming(Frozen):
    """One model on one engine: milliseconds from input tensor to outputs, through the engine host.

    `load_ms` is for reading the file and packing its weights, once for each start. `first_ms` is the first run after
    that, which on an Edge TPU includes transferring the parameters.
    """

    package: str
    engine: str
    threads: int
    load_ms: float
    first_ms: float
    median_ms: float
    percentile_95_ms: float

    @property
    def per_second(self) -> float:
        """How many runs fit into a second, one after another."""
        return 1000 / self.median_ms


class SwitchTiming(Frozen):
    """How long a run takes by itself, and right after another model's run: the difference is the cost of sharing."""

    engine: str
    alone_ms: float
    switched_ms: float


class BoxTiming(Frozen):
    """Reading whole images, from the file to the findings and the picture that staff see."""

    exam: str
    engine: str
    median_ms: float
    percentile_95_ms: float


class Bench(Frozen):
    """All results, and the machine that they come from."""

    machine: str
    runtime: str
    load: float
    models: tuple[ModelTiming, ...]
    switches: tuple[SwitchTiming, ...]
    box: tuple[BoxTiming, ...]

    def median(self, package: str, engine: str) -> float | None:
        """The median milliseconds of a package's model on an engine; None when it was not measured there."""
        return next((one.median_ms for one in self.models if (one.package, one.engine) == (package, engine)), None)


@dataclass(frozen=True)
class Engine:
    """Something that runs models: the options for its engine host (none for the processor), and the file of a package
    that it runs.
    """

    name: str
    options: Sequence[str]
    file_of: Callable[[ModelPackage], Path | None]


def engines(devices: Sequence[str]) -> tuple[Engine, ...]:
    """The processor in both number formats, then each Edge TPU by its name."""
    edge_tpus = (Engine(f"Edge TPU {one}", on_edge_tpu(one), lambda package: package.edge_tpu_path) for one in devices)
    return (
        Engine(CPU_FLOAT, (), lambda package: package.float_path),
        Engine(CPU_INT8, (), lambda package: package.model_path),
        *edge_tpus,
    )


def measure(settings: Settings, packages: Sequence[ModelPackage], devices: Sequence[str], announce: Announce) -> Bench:
    """Measure everything, with a call of `announce` before each step. Raises LeapfrogError when an engine fails."""
    load = os.getloadavg()[0]
    python, threads = settings.engine.interpreter, settings.engine.threads
    tuning = None
    if not threads:
        setup = reader_setup(settings.engine, settings.models, settings.state_dir)
        tuning = EngineTuning(settings.state_dir, python, setup, settings.engine.lanes)
        announce("Measuring how many threads are fastest ...")
        threads = tuning.threads()  # as the daemon uses; measured now if it has never run
    models: list[ModelTiming] = []
    switches: list[SwitchTiming] = []
    runtime = ""
    for engine in engines(devices):
        files = {package.title: file for package in packages if (file := engine.file_of(package)) is not None}
        if not files:
            continue
        announce(f"Measuring {engine.name}: {', '.join(files)} ...")
        with StandaloneEngine([file.parent for file in files.values()], python, engine.options) as host:
            runs = _Runs(host, engine, threads)
            runtime = runs.runtime
            models += [runs.time(title, file) for title, file in files.items()]
            switches += runs.switching()
    lane_engines = (CPU_INT8, "Edge TPU") if devices else (CPU_INT8,)
    box = [timing for name in lane_engines for timing in _whole_images(settings, name, tuning, announce)]
    return Bench(
        machine=machine(),
        runtime=runtime,
        load=round(load, 1),
        models=tuple(models),
        switches=tuple(switches),
        box=tuple(box),
    )


def machine() -> str:
    """How many cores this machine has, and the name of its processor or board."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model"))]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}"


class _Runs:
    """The models of one engine, each loaded once and run many times."""

    def __init__(self, host: StandaloneEngine, engine: Engine, threads: int) -> None:
        hello = host.client.hello()
        self.runtime = f"{hello.runtime} {hello.runtime_version}"
        self._client = host.client
        self._engine = engine
        self._threads = threads
        self._loaded: list[Callable[[], float]] = []

    def time(self, title: str, file: Path) -> ModelTiming:
        began = time.perf_counter()
        model = self._client.load(file, self._threads, on_edge_tpu=bool(self._engine.options))
        load_ms = (time.perf_counter() - began) * 1000
        random = np.random.default_rng(0)
        (spec,) = model.inputs
        is_float = spec.dtype == "float32"
        values = random.uniform(-1, 1, spec.shape) if is_float else random.integers(-128, 128, spec.shape)
        picture = values.astype(spec.dtype)

        def once() -> float:
            began = time.perf_counter()
            self._client.invoke(model, [picture])
            return (time.perf_counter() - began) * 1000

        first, times = once(), [once() for _ in range(RUNS)]
        self._loaded.append(once)
        return ModelTiming(
            package=title,
            engine=self._engine.name,
            threads=self._threads,
            load_ms=round(load_ms, 2),
            first_ms=round(first, 2),
            median_ms=round(statistics.median(times), 2),
            percentile_95_ms=round(float(np.percentile(times, 95)), 2),
        )

    def switching(self) -> Iterator[SwitchTiming]:
        """The models taking turns, compared with each by itself."""
        if len(self._loaded) < 2:
            return
        alone = sum(statistics.median(once() for _ in range(RUNS // 4)) for once in self._loaded)
        turns = [[once() for once in self._loaded] for _ in range(RUNS // 4)]
        switched = sum(statistics.median(column) for column in zip(*turns, strict=True))
        count = len(self._loaded)
        yield SwitchTiming(
            engine=self._engine.name, alone_ms=round(alone / count, 2), switched_ms=round(switched / count, 2)
        )


def _whole_images(
    settings: Settings, engine: str, tuning: EngineTuning | None, announce: Announce
) -> Iterator[BoxTiming]:
    """Time made-up exams, read by a lane with its real processes."""
    announce(f"Measuring whole images on {engine} ...")
    on_edge_tpu = engine != CPU_INT8
    setup = reader_setup(settings.engine, settings.models, settings.state_dir)
    pool = DevicePool(settings.engine.interpreter, setup, lambda: lane.device_is_free())  # noqa: PLW0108 - defined next
    with tempfile.TemporaryDirectory(prefix="leapfrog-bench-") as work:
        devices = pool if on_edge_tpu else None
        lane = Lane(settings.engine, settings.models, settings.state_dir, Path(work), devices, tuning)
        try:
            if on_edge_tpu:
                pool.start()
            lane.start()
            _wait_for(lane, "edgetpu" if on_edge_tpu else "cpu")
            exams = {"chest film": chest_exam("opaque", 1), "fetal head": fetal_head_exam(FetalHead(), 1, frames=1)}
            for exam, dataset in exams.items():
                file = Path(work) / "exam.dcm"
                file.write_bytes(as_file(dataset))
                readings = [_read(lane, file, Path(work)) for _ in range(WHOLE_IMAGES + 1)][1:]
                if on_edge_tpu and {device for device, _ in readings} != {"edgetpu"}:
                    announce(f"Leaving out {exam} on the Edge TPU: its model is not compiled for it.")
                    continue
                times = [milliseconds for _, milliseconds in readings]
                yield BoxTiming(
                    exam=exam,
                    engine=engine,
                    median_ms=round(statistics.median(times), 1),
                    percentile_95_ms=round(float(np.percentile(times, 95)), 1),
                )
        finally:
            if on_edge_tpu:
                pool.stop()
            lane.close()


def _wait_for(lane: Lane, device: str) -> None:
    deadline = time.monotonic() + PROOF_PATIENCE_SECONDS
    while lane.state.device != device:
        if time.monotonic() > deadline:
            raise EngineError(f"Reading did not start on {device}: `leapfrog doctor` says why.")
        time.sleep(0.1)


def _read(lane: Lane, file: Path, work: Path) -> tuple[str, float]:
    """The device that ran the model, and the milliseconds for the whole image."""
    folder = work / "report"
    folder.mkdir(exist_ok=True)
    began = time.perf_counter()
    end = lane.run(
        ReadJob(
            instance_id="bench",
            study_key="bench",
            attempt=1,
            source_path=file,
            source_byte_count=file.stat().st_size,
            source="leapfrog bench",
            received_at="2026-01-01T00:00:00+00:00",
            unknown_age="adult",
            assumed_character_set="",
            report_dir=folder,
            work_dir=work,
        )
    )
    if not isinstance(end, ReadResult) or end.reading.model is None:
        raise LeapfrogError(f"A made-up exam was not read ({type(end).__name__}). Run `leapfrog doctor`.")
    return end.reading.model.device, (time.perf_counter() - began) * 1000
