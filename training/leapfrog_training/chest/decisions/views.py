"""Tells PA from AP films, by a linear model on features of a network.

A set that does not say which view its films are gets them from a model fitted to ChestX-ray14's, on features of the
network with ImageNet weights; the shipped network gets an output of its own, fitted to its own features.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.architectures import mobilenet_v2
from leapfrog_training.chest.decisions.told_views import keep_told_views, views_were_told
from leapfrog_training.chest.films import AdultFilm, of_view
from leapfrog_training.chest.linear_head import linear_head
from leapfrog_training.films.network import SIDE
from leapfrog_training.fitting.pictures import Pictures, predictions
from leapfrog_training.run.folder import Run


def tell_views(run: Run, films: Sequence[AdultFilm], pictures: Pictures, imagenet: Path) -> None:
    """Tell the views of those `films` that have none, from those that are for training and have one, and write them to
    the run's folder.
    """
    if views_were_told(run):
        return
    model = mobilenet_v2.build(1, SIDE)
    mobilenet_v2.load_imagenet(model, imagenet)
    (features,) = predictions(mobilenet_v2.feature_model(model), pictures)
    known = np.array([bool(film.view) and film.split == "train" for film in films])
    weights, bias = view_head(features[known], of_view(films, "AP")[known])
    is_ap = features @ weights + bias > 0
    told = {film.path.name: "AP" if ap else "PA" for film, ap in zip(films, is_ap, strict=True) if not film.view}
    keep_told_views(run, told)


def view_head(features: NDArray[np.float32], is_ap: NDArray[np.bool_]) -> tuple[Any, float]:
    """Weights (1280,) and bias of a linear model for AP against PA; both views count the same."""
    of_each = np.where(is_ap, 0.5 / max(is_ap.mean(), 1e-6), 0.5 / max(1 - is_ap.mean(), 1e-6))
    weights, bias = linear_head(
        features, is_ap[:, np.newaxis].astype(np.float32), of_each[:, np.newaxis].astype(np.float32)
    )
    return weights[:, 0], float(bias[0])
