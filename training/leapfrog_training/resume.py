"""What lets a training that was stopped go on: weights, optimizer and history after each whole epoch.

Runs on the training machine only.
"""

import shutil
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leapfrog_training.history import History
from leapfrog_training.keras import tf
from leapfrog_training.runs import write_atomically

FOLDER = "unfinished"
STATE_FILE = "state.json"


class Resumable:
    """The state of one training, in a folder of its own below the job's; without a folder nothing is kept.

    TensorFlow writes a checkpoint as two files; `state.json`, written last, says which one is whole.
    """

    def __init__(self, folder: Path | None, model: Any, optimizer: Any) -> None:
        """Nothing is read or written yet."""
        self._folder = None if folder is None else folder / FOLDER
        self._model = model
        self._checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
        self._best: list[Any] | None = None

    def restore(self) -> History:
        """Take up the last whole epoch; the history up to it, empty when there is none."""
        if self._folder is None or not (self._folder / STATE_FILE).exists():
            return History()
        try:
            history = History.model_validate_json((self._folder / STATE_FILE).read_bytes())
        except ValidationError:
            return History()
        self._checkpoint.read(str(self._epoch(history))).expect_partial()
        best = self._folder / "best.index"
        if best.exists():
            kept = [variable.numpy() for variable in self._model.weights]
            tf.train.Checkpoint(model=self._model).read(str(best.with_suffix(""))).expect_partial()
            self._best = self._model.get_weights()
            for variable, value in zip(self._model.weights, kept, strict=True):
                variable.assign(value)
        return history

    def keep_best(self) -> None:
        """The weights as they are now are the best so far."""
        self._best = self._model.get_weights()
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            tf.train.Checkpoint(model=self._model).write(str(self._folder / "best"))

    def take_best(self) -> None:
        """Give the model the best weights."""
        if self._best is not None:
            self._model.set_weights(self._best)

    def save(self, history: History) -> None:
        """Keep the state after a whole epoch."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        current = self._epoch(history)
        self._checkpoint.write(str(current))
        write_atomically(self._folder / STATE_FILE, history.model_dump_json().encode())
        for stale in self._folder.glob("epoch-*"):
            if not stale.name.startswith(f"{current.name}."):
                stale.unlink()

    def forget(self) -> None:
        """The training has ended: what was kept is of no more use."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _epoch(self, history: History) -> Path:
        assert self._folder is not None
        return self._folder / f"epoch-{len(history.losses)}"
