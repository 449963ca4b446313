"""Sets of measured values, as they are written to `evaluation.json` and used for the card and the package."""

from abc import ABC, abstractmethod
from typing import Any

from leapfrog_training.files import KeptAsJson


class Measured(KeptAsJson):
    """A set of measured values."""


class Evaluation(Measured, ABC):
    """All measurements of a run, as kept in `evaluation.json`."""

    @abstractmethod
    def metrics(self) -> dict[str, Any]:
        """`[metrics]` of the package."""
