"""Lets an interrupted training resume: keeps weights, optimizer and history after each complete epoch."""

import logging
import shutil
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leapfrog_training.files import write_whole
from leapfrog_training.fitting.history import History, TrainingRecord
from leapfrog_training.keras import tf

logger = logging.getLogger(__name__)

FOLDER = "unfinished"
STATE_FILE = "state.json"


def forget(folder: Path) -> None:
    """Remove the state that the training of `folder` would resume from, if there is any: its final weights are saved.
    The state in folders below belongs to other trainings and stays.
    """
    if (folder / FOLDER).exists():
        shutil.rmtree(folder / FOLDER)


class Resumable:
    """The state of one training, in its own folder below the job's; without a folder nothing is kept.

    TensorFlow writes a checkpoint as two files. `state.json` is written last and names the complete one.
    """

    def __init__(self, folder: Path | None, model: Any, optimizer: Any, settings: dict[str, Any]) -> None:
        """Nothing is read or written yet. The state of a training with other `settings` is never used."""
        self._folder = None if folder is None else folder / FOLDER
        self._model, self._settings = model, settings
        self._checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)

    def restore(self) -> History:
        """Restore the last complete epoch. Returns the history up to it, which is empty if there is none."""
        history = self._history()
        if self._folder is None or not history.losses:
            return history
        self._checkpoint.read(str(self._epoch(history))).expect_partial()
        return history

    def save(self, history: History) -> None:
        """Save the state after a complete epoch."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        current = self._epoch(history)
        self._checkpoint.write(str(current))
        record = TrainingRecord(settings=self._settings, history=history)
        write_whole(self._folder / STATE_FILE, record.model_dump_json().encode())
        for stale in self._folder.glob("epoch-*"):
            if not stale.name.startswith(f"{current.name}."):
                stale.unlink()

    def _history(self) -> History:
        """The history of the training interrupted here; empty if there is none, or if it had other settings."""
        if self._folder is None or not (self._folder / STATE_FILE).exists():
            return History()
        try:
            record = TrainingRecord.model_validate_json((self._folder / STATE_FILE).read_bytes())
        except ValidationError:
            record = None
        if record is None or record.settings != self._settings:
            logger.warning("%s holds a training with other settings or data, so training starts again", self._folder)
            shutil.rmtree(self._folder)
            return History()
        return record.history

    def _epoch(self, history: History) -> Path:
        assert self._folder is not None
        return self._folder / f"epoch-{len(history.losses)}"
