"""The check in front of format 1: does a picture look like those that a model was made for? (`defects.py` has format 2,
which names what is wrong with it.)

A model gives an answer for any picture, even a photograph. So before it runs, the picture is described by a small
thumbnail (layout), by histograms of oriented gradients (edges; Dalal and Triggs, CVPR 2005, here with signed
directions, so that a negative differs from its positive) and by a few numbers on brightness and texture. Two scores
come from that description: how far it is from the training images, and on which side of a boundary between training
images and strangers (other modalities, turned and inverted films, noise, text ...), which a network with one small
hidden layer has learnt. `leapfrog_training.quality` fits the parameters, which the package holds as `quality.npz`.
"""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from leapfrog.exam import Quality
from leapfrog.language.sentence import Sentence, sentence

Floats = NDArray[np.float32]

DIRECTIONS = 8  # of the gradient histograms, over the full circle
CELL_PIXELS = 8  # side of a histogram's cell, in pixels of the shrunken picture
TEXTURE_SCALES = 3
TEXTURE_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
FEATURE_CLIP = 8.0  # standard deviations; one extreme feature must not hide the others
BLANK_DEVIATION = 2.0  # gray levels of 255; flatter pictures than this are called blank

STRANGE = sentence("The picture does not look like those that this model was made for.")
BLANK = sentence("The picture is blank or nearly so.")
INVERTED = sentence("Dark and bright seem to be swapped (MONOCHROME1 and 2): look at the picture yourself.")
TURNED = {  # by the number of quarter turns to the left that correct it
    2: sentence("The picture seems to be upside down: look at it yourself."),
    1: sentence("The picture seems to be turned to the right, on its side: look at it yourself."),
    3: sentence("The picture seems to be turned to the left, on its side: look at it yourself."),
}


@dataclass(frozen=True)
class Description:
    """The description of one picture; each part is a flat vector."""

    thumbnail: Floats
    gradients: Floats
    texture: Floats


def block_means(picture: Floats, block: int) -> Floats:
    """Means of `block` x `block` pixels, shape (H // block, W // block); a remainder at the edges is cut off."""
    height, width = picture.shape[0] // block, picture.shape[1] // block
    cut = picture[: height * block, : width * block]
    means: Floats = cut.reshape(height, block, width, block).mean(axis=(1, 3), dtype=np.float32)
    return means


def describe(gray: NDArray[np.uint8], thumbnail_block: int, gradient_block: int) -> Description:
    """Describe a model's input picture, shape (H, W). The blocks say by how much it is shrunk for each part."""
    picture = gray.astype(np.float32) / np.float32(255)
    thumbnail = block_means(picture, thumbnail_block)
    thumbnail = (thumbnail - thumbnail.mean()) / (thumbnail.std() + np.float32(0.02))
    return Description(thumbnail.ravel(), gradients(block_means(picture, gradient_block)), _texture(picture))


def gradients(picture: Floats) -> Floats:
    """Gradient histograms per cell, each cell normalised; the square root evens out bright and dark parts."""
    down, right = np.gradient(np.sqrt(picture))
    strength = np.hypot(down, right)
    direction = (np.arctan2(down, right) * np.float32(DIRECTIONS / (2 * np.pi))) % DIRECTIONS
    below = np.floor(direction).astype(np.intp) % DIRECTIONS
    share = direction - np.floor(direction)
    votes = np.zeros((DIRECTIONS, *picture.shape), dtype=np.float32)
    rows, columns = np.indices(picture.shape)
    votes[below, rows, columns] += strength * (1 - share)
    votes[(below + 1) % DIRECTIONS, rows, columns] += strength * share
    cells = np.stack([block_means(vote, CELL_PIXELS) for vote in votes])
    norm = np.sqrt((cells**2).sum(axis=0, keepdims=True))
    normalised: Floats = (cells / (norm + 0.3 * norm.mean() + 1e-3)).astype(np.float32)
    return normalised.ravel()


def _texture(picture: Floats) -> Floats:
    """Contrast, brightness, strength and spikiness of detail at three scales, quantiles, shares of black and white."""
    deviation = picture.std()
    values = [np.log(deviation + 0.01), np.log(picture.mean() + 0.02)]
    scaled = picture
    for _ in range(TEXTURE_SCALES):
        neighbours = scaled[:-2, 1:-1] + scaled[2:, 1:-1] + scaled[1:-1, :-2] + scaled[1:-1, 2:]
        detail = scaled[1:-1, 1:-1] - neighbours / 4
        values.append(np.log(detail.std() / (deviation + 0.02) + 1e-3))
        values.append(np.log((np.abs(detail).mean() + 1e-4) / (detail.std() + 1e-3)))
        scaled = block_means(scaled, 2)
    quantiles = np.quantile(picture, TEXTURE_QUANTILES)
    values.extend((quantiles - quantiles.mean()) / (deviation + 0.02))
    values.extend([(picture < 0.02).mean(), (picture > 0.98).mean()])
    return np.asarray(values, dtype=np.float32)


@dataclass(frozen=True)
class QualityCheck:
    """The fitted check of one model package. K and G are the numbers of components, F = K + 1 + G + 1 + texture, H is
    the size of the hidden layer.

    `*_mean` (N,) and `*_components` (K or G, N) span the training images' thumbnails and gradients; `feature_mean` and
    `feature_scale` (F,) standardise the features; `hidden_weights` (F, H), `hidden_bias` (H,), `weights` (H,) and
    `bias` are the boundary; `boundary_scale` and `distance_scale` (centre, spread) put both scores on one scale, which
    is also that of `limit`. `telling` says whether inverted and turned training images were among the fitted strangers,
    so that the check can tell staff that a picture seems to be inverted or turned.
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
    boundary_scale: Floats
    distance_scale: Floats
    limit: Floats
    telling: NDArray[np.bool_]

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The check from the arrays of `quality.npz`. Raises KeyError if one is missing, ValueError or IndexError if
        its parts do not fit together.
        """
        check = cls(**{field.name: arrays[field.name] for field in fields(cls)})
        if check.limit.size != 1 or not np.isfinite(check.score(np.zeros(tuple(check.input_shape), dtype=np.uint8))):
            raise ValueError("its parts do not fit together")
        return check

    def check(self, gray: NDArray[np.uint8], shown: NDArray[np.uint8] | None = None) -> Quality:
        """Check the model's input picture `gray`, which has the model's own height and width. What is `shown` is not
        looked at.

        `score` is in spreads above the typical training image; `limit` is the highest that passes. If the picture does
        not pass, `detail` tells staff what seems to be wrong. Raises ValueError for another shape.
        """
        if gray.shape != tuple(self.input_shape):
            raise ValueError(f"the quality check is for pictures of {tuple(self.input_shape)}, not {gray.shape}")
        limit = float(self.limit)
        if float(gray.std()) < BLANK_DEVIATION:
            return Quality(acceptable=False, limit=round(limit, 3), detail=BLANK)
        score = self.score(gray)
        acceptable = score <= limit
        detail = Sentence("") if acceptable else self._suspicion(gray)
        return Quality(acceptable=acceptable, score=round(score, 3), limit=round(limit, 3), detail=detail)

    def score(self, gray: NDArray[np.uint8]) -> float:
        """How unlike the training images the model's input picture is: the higher of the two scores."""
        description = describe(gray, int(self.thumbnail_block), int(self.gradient_block))
        standardised = self.standardise(
            self.features(description.thumbnail[None], description.gradients[None], description.texture[None])
        )
        return float(self.scores(standardised)[0])

    def features(self, thumbnails: Floats, gradients: Floats, textures: Floats) -> Floats:
        """Descriptions of B pictures as features, shape (B, F): position in each span, distance from it, texture."""
        parts = []
        for values, mean, components in (
            (thumbnails, self.thumbnail_mean, self.thumbnail_components),
            (gradients, self.gradient_mean, self.gradient_components),
        ):
            centred = values - mean
            position = centred @ components.T
            residual = (centred**2).sum(axis=1) - (position**2).sum(axis=1)
            parts += [position, np.log(np.maximum(residual, 0) + 1e-3)[:, None]]
        return np.concatenate([*parts, textures], axis=1).astype(np.float32)

    def standardise(self, features: Floats) -> Floats:
        """Features in standard deviations of the training images, clipped."""
        standardised = (features - self.feature_mean) / self.feature_scale
        return standardised.clip(-FEATURE_CLIP, FEATURE_CLIP).astype(np.float32)

    def boundary(self, standardised: Floats) -> Floats:
        """The boundary's score, shape (B,): the log odds of being a stranger."""
        hidden = np.maximum(standardised @ self.hidden_weights + self.hidden_bias, 0)
        return np.asarray(hidden @ self.weights + self.bias, dtype=np.float32)

    def scores(self, standardised: Floats) -> Floats:
        """The scores of B pictures, shape (B,), from their standardised features (B, F)."""
        boundary = (self.boundary(standardised) - self.boundary_scale[0]) / self.boundary_scale[1]
        far = (distance(standardised) - self.distance_scale[0]) / self.distance_scale[1]
        higher: Floats = np.maximum(boundary, far).astype(np.float32)
        return higher

    def _suspicion(self, gray: NDArray[np.uint8]) -> Sentence:
        if not self.telling:
            return STRANGE
        if self.score(255 - gray) <= float(self.limit):
            return INVERTED
        for quarter_turns, suspicion in TURNED.items():
            if self.score(_turned(gray, quarter_turns)) <= float(self.limit):
                return suspicion
        return STRANGE


def distance(standardised: Floats) -> Floats:
    """Root mean square of the standardised features, shape (B,): 1 is typical."""
    root_mean_square: Floats = np.sqrt((standardised**2).mean(axis=1))
    return root_mean_square


def _turned(gray: NDArray[np.uint8], quarter_turns: int) -> NDArray[np.uint8]:
    """`gray` turned to the left and stretched back to its original shape (nearest pixels)."""
    turned = np.rot90(gray, quarter_turns)
    rows = np.arange(gray.shape[0]) * turned.shape[0] // gray.shape[0]
    columns = np.arange(gray.shape[1]) * turned.shape[1] // gray.shape[1]
    return np.ascontiguousarray(turned[rows][:, columns])
