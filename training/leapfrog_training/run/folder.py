"""The folder of one run of a recipe: the files that `fit`, `quantize`, `evaluate` and `package` pass on to one another.

    run.json                    the settings, and what was chosen by which scores
    seed-0/ seed-1/ ...         one network per seed, fitted to all training records
    fold-0/ fold-1/ ...         one network per fold of the cross-validation
    without-.../                one network per source of films, trained without it
      chosen.weights.h5 ...     float weights
      tensorboard/ curves.png   how the training went
      training.json             its settings and the loss of each epoch
      unfinished/               the state that an interrupted training resumes from
      float.tflite  ptq.tflite  for comparison (seeds only)
      int8.tflite               the network that ships, after quantization-aware training
      quantized/                how that training went
    made-by.json                commands, code, packages and machine
    curves.png ...              the curves of all networks
    evaluation.json             the measurements
    pictures/                   the data set's pictures at the model's size
    figures/                    the card's figures
    examples/                   pictures of patients, read correctly and wrongly

Every file is either complete or absent, and existing files are not made again: after a power cut, the same command
resumes the run.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError

from leapfrog_training.errors import RunError
from leapfrog_training.files import KeptAsJson, write_whole

NOTES_FILE = "run.json"
SHIPPED_SEED = 0  # chosen in advance, not by its score on held-out data


class PackageName(StrEnum):
    """The model packages that have a recipe."""

    CHEST_FINDINGS = "chest-findings"
    CHEST_CHILD = "chest-child"
    FETAL_HEAD = "fetal-head"
    NERVE = "nerve"


class RunNotes(KeptAsJson):
    """The settings of a run, and what was chosen in it. `without` names the sources of films that one more network each
    is trained without, to measure it on them.

    `epochs` is None until `fit` has finished. `within_abnormal` (chest-findings) holds the AUROC, with its interval, of
    each finding among the abnormal films, each film read by the network that held it out; `shipped` are the findings
    that the package covers because of it.
    """

    package: PackageName
    seeds: int
    folds: int
    findings: tuple[str, ...]
    left_out: tuple[str, ...]
    without: tuple[str, ...] = ()
    epochs: int | None = None
    shipped: tuple[str, ...] = ()
    within_abnormal: dict[str, tuple[float, float, float]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One network of a run, in a folder of its own."""

    folder: Path

    def weights(self, name: str) -> Path:
        """The file of float weights called `name`; the recipes define the names."""
        return self.folder / f"{name}.weights.h5"

    @property
    def quantized(self) -> Path:
        """The folder of its quantization-aware training, with the training's record and the state to resume from."""
        return self.folder / "quantized"

    @property
    def held_out_scores(self) -> Path:
        """The logits of a float network for films that it has not seen: (films, findings)."""
        return self.folder / "held_out.npy"

    @property
    def held_out_maps(self) -> Path:
        """The evidence maps of those of these films that have boxes: (films, rows, columns)."""
        return self.folder / "held_out_maps.npy"

    @property
    def int8(self) -> Path:
        """The int8 network after quantization-aware training, which ships."""
        return self.folder / "int8.tflite"

    @property
    def ptq(self) -> Path:
        """The int8 network quantized after training, for comparison."""
        return self.folder / "ptq.tflite"

    @property
    def float32(self) -> Path:
        """The network without quantization, for comparison."""
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

    def without(self, source: str) -> Job:
        """The network that is trained without a source of films."""
        return self._job(f"without-{source.lower()}")

    def jobs(self) -> tuple[Job, ...]:
        """Every network: seeds, folds, then those without a source."""
        return (
            *map(self.seed, range(self.notes.seeds)),
            *map(self.fold, range(self.notes.folds)),
            *map(self.without, self.notes.without),
        )

    @property
    def epochs(self) -> int:
        """The chosen number of epochs. Raises RunError if `fit` has not finished."""
        if self.notes.epochs is None:
            raise RunError(f"{self.folder}: fit has not finished; run `leapfrog-train fit` with the same --out again")
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
        """Pictures of patients that were read correctly and wrongly. They must not leave this folder."""
        return self.folder / "examples"

    def with_notes(self, notes: RunNotes) -> "Run":
        """The same run with other notes, which are also written to the folder."""
        write_whole(self.folder / NOTES_FILE, notes.model_dump_json(indent=2).encode())
        return Run(self.folder, notes)

    def _job(self, name: str) -> Job:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return Job(folder)


def begin_run(folder: Path, notes: RunNotes) -> Run:
    """Start a run in `folder`, or resume the one there. Raises RunError if that one has other data or settings."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / NOTES_FILE).exists():
        return Run(folder, notes).with_notes(notes)
    run = open_run(folder)
    fresh = run.notes.model_copy(update={"epochs": None, "shipped": (), "within_abnormal": {}})
    if fresh != notes:
        raise RunError(f"{folder} holds a run with other data or settings: give another folder as --out")
    return run


def open_run(folder: Path) -> Run:
    """The run in `folder`. Raises RunError if there is none."""
    try:
        return Run(folder, RunNotes.model_validate_json((folder / NOTES_FILE).read_bytes()))
    except FileNotFoundError as error:
        raise RunError(f"{folder} holds no run: make one with `leapfrog-train fit`") from error
    except ValidationError as error:
        raise RunError(f"{folder / NOTES_FILE} is damaged: {error.errors()[0]['msg']}") from error
