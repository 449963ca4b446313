"""Fits the low-rank model of chest films that the demonstration's phantoms are sampled from.

It keeps only what many films have in common: their mean, blurred, and a few principal components, in 8 bits, with the
spread of each component and the mean position of films with and without findings. No film's own position is stored.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from leapfrog.phantoms.chest import ChestModel
from leapfrog_training.files import npz_bytes

SIDE = 128  # pixels of the model's square
COMPONENTS = 32
MEAN_BLUR = 1.5  # pixels; removes markers and text from the mean
LARGEST_LEVEL = 127
OPAQUE_LABELS = frozenset(("Edema", "Effusion"))


def fit_chest_model(films: Sequence[NDArray[np.uint8]], labels: Sequence[frozenset[str]]) -> ChestModel:
    """Fit to `films` of any size, 8-bit gray, each with its `labels`; films without labels are the clear ones.

    Raises ValueError if there are too few clear or opaque films to blend.
    """
    clear = np.array([not of_film for of_film in labels])
    opaque = np.array([bool(of_film & OPAQUE_LABELS) for of_film in labels])
    if min(clear.sum(), opaque.sum()) < COMPONENTS:
        raise ValueError(f"at least {COMPONENTS} clear and {COMPONENTS} opaque films are needed")
    squares = np.stack([_square(film) for film in films])
    mean = squares.mean(axis=0)
    _, spans, components = np.linalg.svd((squares - mean).reshape(len(squares), -1), full_matrices=False)
    components = components[:COMPONENTS]
    positions = (squares - mean).reshape(len(squares), -1) @ components.T
    steps = np.abs(components).max(axis=1) / LARGEST_LEVEL
    blurred = Image.fromarray(mean.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(MEAN_BLUR))
    return ChestModel(
        mean=np.asarray(blurred, dtype=np.uint8),
        components=np.round(components / steps[:, None]).astype(np.int8).reshape(-1, SIDE, SIDE),
        steps=steps.astype(np.float32),
        spread=(spans[:COMPONENTS] / np.sqrt(len(squares))).astype(np.float32),
        clear_position=positions[clear].mean(axis=0).astype(np.float32),
        opaque_position=positions[opaque].mean(axis=0).astype(np.float32),
    )


def chest_model_bytes(model: ChestModel) -> bytes:
    """The model as the content of an .npz that `ChestModel.load` reads."""
    return npz_bytes({field.name: getattr(model, field.name) for field in fields(model)})


def _square(film: NDArray[np.uint8]) -> NDArray[np.float64]:
    shrunk = Image.fromarray(film).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(shrunk.filter(ImageFilter.GaussianBlur(0.7)), dtype=np.float64)
