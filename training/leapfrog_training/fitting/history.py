"""Records how a training goes: for TensorBoard, as a picture of curves, and as a line in the log for each epoch."""

import logging
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ConfigDict
from rich.progress import TextColumn

from leapfrog_training.drawing import canvas, photograph
from leapfrog_training.files import KeptAsJson, write_whole
from leapfrog_training.keras import tf
from leapfrog_training.progress import progress_bar
from leapfrog_training.run.folder import Run

logger = logging.getLogger(__name__)

LOG_FOLDER = "tensorboard"
CURVES_FILE = "curves.png"
RECORD_FILE = "training.json"


class History(KeptAsJson):
    """The mean loss of each epoch and the learning rate at its end. Records of earlier versions also hold scores, which
    are not read.
    """

    model_config = ConfigDict(extra="ignore")

    losses: tuple[float, ...] = ()
    learning_rates: tuple[float, ...] = ()

    def after(self, loss: float, learning_rate: float) -> "History":
        """The history with one more epoch."""
        return History(losses=(*self.losses, loss), learning_rates=(*self.learning_rates, learning_rate))


class TrainingRecord(KeptAsJson):
    """The settings and the history of a training. `settings` are the schedule, the augmentation, the seed and a
    checksum of the examples: two trainings with equal settings and initial weights have equal results.
    """

    settings: dict[str, Any]
    history: History


class JobRecords:
    """Writes the records of one training into `folder` (TensorBoard's logs, settings and curves) and shows progress."""

    def __init__(self, folder: Path | None, name: str, epochs: int, settings: dict[str, Any]) -> None:
        """`name` is that of the network; without a folder nothing is written."""
        self._folder, self._name, self._epochs, self._settings = folder, name, epochs, settings
        self._writer: Any = None if folder is None else tf.summary.create_file_writer(str(folder / LOG_FOLDER))
        self._progress = progress_bar(TextColumn("{task.fields[speed]}"))
        self._task: Any = None
        self._epoch = 0
        self._history: History | None = None

    def __enter__(self) -> Self:
        """Start to show progress."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing progress; if the training finished, write its record and its curves."""
        self._progress.stop()
        if self._writer is not None:
            self._writer.close()
        if kind is None and self._folder is not None and self._history is not None:
            record = TrainingRecord(settings=self._settings, history=self._history)
            write_whole(self._folder / RECORD_FILE, record.model_dump_json(indent=2).encode())
            draw_curves(self._folder / CURVES_FILE, self._name, {self._name: self._history})

    def advance(self, epoch: int, steps: int, batch: int) -> None:
        """Show that one step is done."""
        if epoch != self._epoch:
            if self._task is not None:
                self._progress.remove_task(self._task)
            title = f"{self._name}, epoch {epoch} of {self._epochs}"
            self._task, self._epoch = self._progress.add_task(title, total=steps, speed=""), epoch
        speed = self._progress.tasks[-1].speed
        self._progress.update(self._task, advance=1, speed=f"{speed * batch:.0f} images/s" if speed else "")

    def epoch_done(self, history: History, seconds: float, pictures: int) -> None:
        """Log an epoch."""
        self._history = history
        epoch = len(history.losses)
        values = {"loss": history.losses[-1], "learning_rate": history.learning_rates[-1]}
        if self._writer is not None:
            with self._writer.as_default(step=epoch):
                for name, value in values.items():
                    tf.summary.scalar(name, value)
            self._writer.flush()
        logger.info(
            "%s epoch %d of %d: %s; %.0f s, %.1f images/s",
            self._name,
            epoch,
            self._epochs,
            ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in values.items()),
            seconds,
            pictures / seconds,
        )


def draw_run_curves(run: Run) -> None:
    """Draw the curves of all finished trainings of a run into its folder, one picture per kind of training: float
    (``curves.png``), and one for each folder below a network's own (``curves-quantized.png``).
    """
    kinds: dict[str, dict[str, History]] = {}
    for job in run.jobs():
        for path in job.folder.rglob(RECORD_FILE):
            history = TrainingRecord.model_validate_json(path.read_bytes()).history
            kinds.setdefault("-".join(path.parent.relative_to(job.folder).parts), {})[job.folder.name] = history
    for kind, histories in kinds.items():
        draw_curves(run.folder / (f"curves-{kind}.png" if kind else CURVES_FILE), kind or "float", histories)


def draw_curves(path: Path, title: str, histories: dict[str, History]) -> None:
    """Draw the loss of each training over its epochs into a PNG."""
    with canvas(6, 4, style={}) as (figure, axes):
        from matplotlib.ticker import MaxNLocator

        panel = axes[0, 0]
        for name, history in histories.items():
            panel.plot(range(1, len(history.losses) + 1), history.losses, marker="o", markersize=3, label=name)
        panel.set_xlabel("epoch")
        panel.set_ylabel("mean loss")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(alpha=0.3)
        if len(histories) > 1:
            panel.legend(fontsize=8)
        figure.suptitle(title)
        figure.tight_layout()
        write_whole(path, photograph(figure))
