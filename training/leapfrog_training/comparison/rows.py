"""The table's rows, one for each run and each of the paper's baselines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leapfrog.errors import UsageError
from leapfrog_training.edge_tpu_fit.fit import fit_of
from leapfrog_training.evaluate.latency import median_milliseconds
from leapfrog_training.run.folder import SHIPPED_SEED, PackageName, Run
from leapfrog_training.tasks import TASKS

# How many times smaller than in full precision the int8 networks are, as the paper's abstract has it (Sinha, Gichoya,
# Purkayastha, HI-POCT 2022, doi 10.1109/HI-POCT54491.2022.9744071).
CLASSIFICATION, SEGMENTATION = 3.0, 12.0
PAPER_RATIOS: Mapping[PackageName, float] = {
    PackageName.CHEST_FINDINGS: CLASSIFICATION,
    PackageName.CHEST_CHILD: CLASSIFICATION,
    PackageName.FETAL_HEAD: SEGMENTATION,
    PackageName.NERVE: SEGMENTATION,
}


@dataclass(frozen=True)
class Row:
    """One model. Latencies are in milliseconds, with one thread on this machine's processor. `edge_tpu_measured`: the
    Edge TPU's latency was measured by `leapfrog bench`, not estimated. Scores are None if the network was not trained.
    `paper_ratio` is how many times smaller the paper's own network of this kind became.
    """

    model: str
    float_bytes: int
    int8_bytes: int
    paper_ratio: float
    score_name: str
    float_score: float | None
    int8_score: float | None
    float_cpu_ms: float
    int8_cpu_ms: float
    edge_tpu_ms: float
    edge_tpu_low_ms: float
    edge_tpu_high_ms: float
    edge_tpu_measured: bool

    @property
    def ratio(self) -> float:
        """How many times smaller the int8 file is."""
        return self.float_bytes / self.int8_bytes


def run_row(run: Run, measured_ms: Mapping[str, float]) -> Row:
    """The row of a run, for its shipped seed. Raises RunError if the run was not evaluated."""
    package = run.notes.package
    job = run.seed(SHIPPED_SEED)
    task = TASKS[package]
    score = task.headline(task.evaluation_of(run))
    scores = (score.name, score.float32, score.int8)
    return _row(package.value, job.float32, job.int8, PAPER_RATIOS[package], scores, measured_ms.get(package.value))


def baseline_row(name: str, float32: Path, int8: Path, paper_ratio: float) -> Row:
    """The row of a network that was built but not trained."""
    return _row(name, float32, int8, paper_ratio, ("not trained", None, None), None)


def measured_latencies(bench: Path | None) -> dict[str, float]:
    """Milliseconds on a real Edge TPU by package, from `{"edge_tpu_ms": {"chest-findings": 3.1}}`.

    Raises UsageError for a file in another format.
    """
    if bench is None:
        return {}
    try:
        latencies = json.loads(bench.read_text(encoding="utf-8"))["edge_tpu_ms"]
        return {str(name): float(milliseconds) for name, milliseconds in latencies.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f'--bench {bench} must be {{"edge_tpu_ms": {{"PACKAGE": MILLISECONDS}}}}') from problem


def _row(
    name: str,
    float32: Path,
    int8: Path,
    paper_ratio: float,
    score: tuple[str, float | None, float | None],
    measured: float | None,
) -> Row:
    estimate = fit_of(int8.read_bytes()).latency_ms["usb3"]
    value, low, high = estimate.milliseconds, estimate.low, estimate.high
    if measured is not None:
        value = low = high = measured
    return Row(
        model=name,
        float_bytes=float32.stat().st_size,
        int8_bytes=int8.stat().st_size,
        paper_ratio=paper_ratio,
        score_name=score[0],
        float_score=score[1],
        int8_score=score[2],
        float_cpu_ms=median_milliseconds(float32),
        int8_cpu_ms=median_milliseconds(int8),
        edge_tpu_ms=value,
        edge_tpu_low_ms=low,
        edge_tpu_high_ms=high,
        edge_tpu_measured=measured is not None,
    )
