"""Which images count for one finding: one choice for its figures, for its pictures and for a threshold."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leapfrog.evaluation.labelled import EvaluatedImage
from leapfrog.exam import FrontalView


@dataclass(frozen=True)
class FindingImages:
    """The images of which it is known whether `finding` is there, in one order: `read` by the package for this finding,
    `unread` by the package at all, and `not_looked_for`, which it read without looking for this finding.
    """

    finding: str
    read: tuple[EvaluatedImage, ...]
    unread: tuple[EvaluatedImage, ...]
    not_looked_for: tuple[EvaluatedImage, ...]

    @classmethod
    def of(cls, images: Iterable[EvaluatedImage], finding: str, view: FrontalView | None) -> "FindingImages":
        """Those among `images`; with `view`, only those of that view."""
        known = [image for image in images if finding in image.labelled.truth and view in (None, image.view)]
        assessed = [image for image in known if image.assessed]
        return cls(
            finding,
            read=tuple(image for image in assessed if finding in image.said.findings),
            unread=tuple(image for image in known if not image.assessed),
            not_looked_for=tuple(image for image in assessed if finding not in image.said.findings),
        )

    @property
    def known(self) -> int:
        """How many there are of all three."""
        return len(self.read) + len(self.unread) + len(self.not_looked_for)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Of each that was read: whether the finding is there."""
        return np.array([self.is_there(image) for image in self.read], bool)

    @property
    def scores(self) -> NDArray[np.float64]:
        """Of each that was read: the score of the finding."""
        return np.array([image.said.findings[self.finding].score for image in self.read], np.float64)

    def is_there(self, image: EvaluatedImage) -> bool:
        """Whether one of them has the finding."""
        return image.labelled.truth[self.finding]
