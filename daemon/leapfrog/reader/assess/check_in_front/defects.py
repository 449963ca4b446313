"""The check in front that names a picture's defect: faint, blurred, only a part, turned, a photograph of a film ...

A small network compares the picture (`description.py`) with good ones and with each kind of bad one. It learnt each
kind from the same films, spoilt on purpose, so that it knows bad pictures from good ones and not one hospital's films
from another's. Each kind has a limit of its own. `leapfrog_training.quality` fits the parameters, which the package
holds as `quality.npz`, and measures for each kind how many bad pictures pass and how many good ones do not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from leapfrog.exam import Quality
from leapfrog.language.sentence import sentence
from leapfrog.reader.assess.check_in_front.description import Description, describe
from leapfrog.reader.assess.check_in_front.quality import BLANK_DEVIATION

Floats = NDArray[np.float32]

FORMAT = 2  # of `quality.npz`; format 1 names none and is `quality.QualityCheck`
FEATURE_CLIP = 6.0  # standard deviations; one extreme feature must not hide the others


class Defect(StrEnum):
    """What may be wrong with a picture. PHOTOGRAPH is also a film that lies aslant."""

    FAINT = "faint"
    BLURRED = "blurred"
    PART = "part"
    BRIGHT = "bright"
    DARK = "dark"
    LETTERED = "lettered"
    PHOTOGRAPH = "photograph"
    INVERTED = "inverted"
    UPSIDE_DOWN = "upside down"
    TURNED_RIGHT = "turned right"
    TURNED_LEFT = "turned left"
    STRANGE = "strange"


# No sentence orders an exposure: some of the pictures that are stopped here are good ones.
SENTENCES = {
    Defect.FAINT: sentence("The picture has hardly any contrast: look at it yourself."),
    Defect.BLURRED: sentence("The picture is very blurred, or was enlarged from very few pixels: look at it yourself."),
    Defect.PART: sentence("Only a part of what this model reads seems to be in the picture: look at it yourself."),
    Defect.BRIGHT: sentence("The picture is much too bright: look at it yourself."),
    Defect.DARK: sentence("The picture is much too dark: look at it yourself."),
    Defect.LETTERED: sentence("There seems to be writing or a pattern over the picture: look at it yourself."),
    # A film that is turned by some 20 degrees looks to the check as if it had been photographed aslant.
    Defect.PHOTOGRAPH: sentence(
        "The picture seems to be turned, or to be a photograph of a film or of a screen: look at it yourself."
    ),
    Defect.INVERTED: sentence("Dark and bright seem to be swapped (MONOCHROME1 and 2): look at it yourself."),
    Defect.UPSIDE_DOWN: sentence("The picture seems to be upside down: look at it yourself."),
    Defect.TURNED_RIGHT: sentence("The picture seems to be turned to the right, on its side: look at it yourself."),
    Defect.TURNED_LEFT: sentence("The picture seems to be turned to the left, on its side: look at it yourself."),
    Defect.STRANGE: sentence("The picture does not look like those that this model was made for: look at it yourself."),
}
UNDONE: Mapping[Defect, tuple[Callable[[NDArray[np.uint8]], NDArray[np.uint8]], ...]] = {
    Defect.INVERTED: (lambda gray: 255 - gray,),
    Defect.UPSIDE_DOWN: (partial(np.rot90, k=2), np.flipud),
    Defect.TURNED_RIGHT: (partial(np.rot90, k=1),),
    Defect.TURNED_LEFT: (partial(np.rot90, k=3),),
}
ALMOST = 1.0  # log odds above a limit: what a picture may miss by when it only serves to name its defect
BLANK = sentence("The picture is blank or nearly so: look at it yourself.")


@dataclass(frozen=True)
class DefectCheck:
    """The fitted check of one model package, for D kinds of defect. T and G are the numbers of components, F = T + G +
    measures, H is the size of the hidden layer.

    `*_mean` (N,) and `*_components` (T or G, N) span the good pictures' thumbnails and gradients; `feature_mean` and
    `feature_scale` (F,) standardise the features; `hidden_weights` (F, H), `hidden_bias` (H,), `weights` (H, 1 + D) and
    `bias` (1 + D,) are the network. Its first answer stands for a good picture, the others for `kinds` (D,), each with
    its own `limits` (D,) for the log odds against a good picture.
    """

    input_shape: NDArray[np.int32]
    thumbnail_block: NDArray[np.int32]
    gradient_block: NDArray[np.int32]
    thumbnail_mean: Floats
    thumbnail_components: Floats
    gradient_mean: Floats
    gradient_components: Floats
    feature_mean: Floats
    feature_scale: Floats
    hidden_weights: Floats
    hidden_bias: Floats
    weights: Floats
    bias: Floats
    kinds: NDArray[np.str_]
    limits: Floats

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The check from the arrays of `quality.npz`. Raises KeyError if one is missing, ValueError for an unknown
        defect, or parts that do not fit together.
        """
        for kind in arrays["kinds"]:
            Defect(str(kind))
        check = cls(**{field.name: arrays[field.name] for field in fields(cls)})
        blank = np.zeros(tuple(map(int, check.input_shape)), dtype=np.uint8)
        if check.over_limits(check.described(blank, blank)).shape != check.kinds.shape:
            raise ValueError("its parts do not fit together")
        return check

    def check(self, picture: NDArray[np.uint8], shown: NDArray[np.uint8] | None = None) -> Quality:
        """Check the model's input `picture`, which has the model's own height and width. `shown` has the same part as
        it is displayed, in all its pixels.

        `score` is how far the most likely defect's log odds are above its limit, so that `limit` is 0. If the picture
        does not pass, `detail` names that defect. Raises ValueError for a picture of another shape.
        """
        if picture.shape != tuple(self.input_shape):
            raise ValueError(f"the quality check is for pictures of {tuple(self.input_shape)}, not {picture.shape}")
        if float(picture.std()) < BLANK_DEVIATION:
            return Quality(acceptable=False, limit=0, detail=BLANK)
        shown = picture if shown is None else shown
        over = self.over_limits(self.described(picture, shown))
        worst = int(over.argmax())
        score, defect = float(over[worst]), Defect(str(self.kinds[worst]))
        if score <= 0:
            return Quality(acceptable=True, score=round(score, 3), limit=0)
        if defect in UNDONE and not any(self._passes(undo(picture), undo(shown)) for undo in UNDONE[defect]):
            defect = Defect.STRANGE  # turned or inverted, it would be no picture for this model either
        return Quality(acceptable=False, score=round(score, 3), limit=0, detail=SENTENCES[defect])

    def _passes(self, picture: NDArray[np.uint8], shown: NDArray[np.uint8]) -> bool:
        if picture.shape != tuple(self.input_shape):
            return True  # turned, it has another shape than the model's input: nothing can be said
        return bool(
            self.over_limits(self.described(np.ascontiguousarray(picture), np.ascontiguousarray(shown))).max() <= ALMOST
        )

    def described(self, picture: NDArray[np.uint8], shown: NDArray[np.uint8]) -> Description:
        """The description of a picture that this check judges."""
        return describe(picture, shown, int(self.thumbnail_block), int(self.gradient_block))

    def over_limits(self, description: Description) -> Floats:
        """By how much each kind's log odds are above its limit, shape (D,)."""
        features = self.features(description.thumbnail[None], description.gradients[None], description.measures[None])
        over: Floats = self.log_odds(features)[0] - self.limits
        return over

    def unstandardised(self, thumbnails: Floats, gradients: Floats, measures: Floats) -> Floats:
        """Descriptions of B pictures as features (B, F): the position in each span, and the measures."""
        position = (thumbnails - self.thumbnail_mean) @ self.thumbnail_components.T
        edges = (gradients - self.gradient_mean) @ self.gradient_components.T
        return np.concatenate([position, edges, measures], axis=1, dtype=np.float32)

    def features(self, thumbnails: Floats, gradients: Floats, measures: Floats) -> Floats:
        """Descriptions of B pictures as standardised features (B, F), clipped."""
        features = self.unstandardised(thumbnails, gradients, measures)
        standardised = (features - self.feature_mean) / self.feature_scale
        return standardised.clip(-FEATURE_CLIP, FEATURE_CLIP).astype(np.float32)

    def log_odds(self, features: Floats) -> Floats:
        """The log odds of each kind of defect against a good picture, shape (B, D)."""
        answers = np.maximum(features @ self.hidden_weights + self.hidden_bias, 0) @ self.weights + self.bias
        return np.asarray(answers[:, 1:] - answers[:, :1], dtype=np.float32)
