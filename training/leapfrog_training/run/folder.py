"""The folder of one run of a recipe: what `fit` leaves for `quantize`, and that for `evaluate` and `package`.

    run.json                    what was chosen and from what
    seed-0/ seed-1/ ...         one network per seed, fitted to all training records
    fold-0/ fold-1/ ...         one network per fold of the cross-validation
      chosen.weights.h5 ...     float weights
      tensorboard/ curves.png   how the training went
      training.json             its settings and the loss of each epoch
      unfinished/               what a training that was stopped goes on from
      float.tflite  ptq.tflite  for comparison (seeds only)
      int8.tflite               the network that ships, after quantization-aware training
      quantized/                how that went
    made-by.json                commands, code, packages and machine
    curves.png ...              those of all networks
    evaluation.json             what was measured
    pictures/                   those of the data set at the model's size
    figures/                    the card's
    examples/                   pictures of patients, read rightly and wrongly

Every file is written whole or not at all, and what is there already is not made again: a run can be taken up after a
power cut by the same command.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from leapfrog_training.errors import RunError
from leapfrog_training.files import KeptAsJson, write_whole

NOTES_FILE = "run.json"
SHIPPED_SEED = 0  # named beforehand, not chosen by its score on what is held out


class PackageName(StrEnum):
    """The model packages that there are recipes for."""

    CHEST_FINDINGS = "chest-findings"
    FETAL_HEAD = "fetal-head"
    BRACHIAL_PLEXUS = "brachial-plexus"


class RunNotes(KeptAsJson):
    """What was chosen in a run. `epochs` is None until `fit` has ended. `cross_validation` holds the scores on held-out
    training patients that decided `fine_tuned_share` (chest-findings: AUROC of all films and of the abnormal ones for
    each share that was tried).
    """

    package: PackageName
    seeds: int
    folds: int
    findings: tuple[str, ...]
    left_out: tuple[str, ...]
    epochs: int | None = None
    fine_tuned_share: float | None = None
    cross_validation: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Job:
    """One network of a run, in a folder of its own."""

    folder: Path

    def weights(self, name: str) -> Path:
        """Float weights, by the name of what they are: the recipes say which there are."""
        return self.folder / f"{name}.weights.h5"

    @property
    def quantized(self) -> Path:
        """The folder of its quantization-aware training: how it went, and what it goes on from."""
        return self.folder / "quantized"

    @property
    def held_out_scores(self) -> Path:
        """What a fold's networks say of the films that were held out: (networks, films, findings)."""
        return self.folder / "held_out.npy"

    @property
    def aware_heat_maps(self) -> Path:
        """Heat maps of the validation films by the network in simulated int8: (films, rows, columns, findings)."""
        return self.folder / "aware_heat_maps.npy"

    @property
    def int8(self) -> Path:
        """After quantization-aware training."""
        return self.folder / "int8.tflite"

    @property
    def ptq(self) -> Path:
        """Quantized after training, for comparison."""
        return self.folder / "ptq.tflite"

    @property
    def float32(self) -> Path:
        """Not quantized, for comparison."""
        return self.folder / "float.tflite"


@dataclass(frozen=True)
class Run:
    """A run's folder and notes."""

    folder: Path
    notes: RunNotes

    def seed(self, seed: int) -> Job:
        """The network of a seed."""
        return self._job(f"seed-{seed}")

    def fold(self, fold: int) -> Job:
        """The network of a fold."""
        return self._job(f"fold-{fold}")

    def jobs(self) -> tuple[Job, ...]:
        """Every network: seeds, then folds."""
        return (*map(self.seed, range(self.notes.seeds)), *map(self.fold, range(self.notes.folds)))

    @property
    def epochs(self) -> int:
        """The chosen number of epochs. Raises RunError while `fit` has not ended."""
        if self.notes.epochs is None:
            raise RunError(f"{self.folder}: fit has not ended; give `leapfrog-train fit` the same --out again")
        return self.notes.epochs

    @property
    def evaluation(self) -> Path:
        """What `evaluate` measured."""
        return self.folder / "evaluation.json"

    @property
    def pictures(self) -> Path:
        """The data set's pictures at the model's size. They can be made again."""
        return self.folder / "pictures"

    @property
    def figures(self) -> Path:
        """The card's figures, which go into the package."""
        return self.folder / "figures"

    @property
    def examples(self) -> Path:
        """Pictures of patients that were read rightly and wrongly. They stay here."""
        return self.folder / "examples"

    def with_notes(self, notes: RunNotes) -> "Run":
        """The same run with other notes, written down."""
        write_whole(self.folder / NOTES_FILE, notes.model_dump_json(indent=2).encode())
        return Run(self.folder, notes)

    def _job(self, name: str) -> Job:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return Job(folder)


def begin_run(folder: Path, notes: RunNotes) -> Run:
    """Start a run in `folder`, or take up the one that is there. Raises RunError when that one was another."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / NOTES_FILE).exists():
        return Run(folder, notes).with_notes(notes)
    run = open_run(folder)
    fresh = run.notes.model_copy(update={"epochs": None, "fine_tuned_share": None, "cross_validation": ()})
    if fresh != notes:
        raise RunError(f"{folder} holds a run with other data or settings: give another --out")
    return run


def open_run(folder: Path) -> Run:
    """The run in `folder`. Raises RunError when there is none."""
    try:
        return Run(folder, RunNotes.model_validate_json((folder / NOTES_FILE).read_bytes()))
    except FileNotFoundError as error:
        raise RunError(f"{folder} holds no run: make one with `leapfrog-train fit`") from error
    except ValidationError as error:
        raise RunError(f"{folder / NOTES_FILE} is damaged: {error.errors()[0]['msg']}") from error
