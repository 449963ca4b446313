"""The networks of the paper, built, trained for a few steps on noise, and converted.

Their weights are not available, so no score is claimed: only their size and speed are compared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leapfrog_training.architectures import densenet, paper_unet
from leapfrog_training.comparison.rows import CLASSIFICATION, SEGMENTATION
from leapfrog_training.files import write_whole
from leapfrog_training.fitting.augmentation import STILL
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.loop import Schedule, fit, seed_everything
from leapfrog_training.fitting.quantize import convert_float, convert_int8, representative_inputs
from leapfrog_training.keras import tf, tf_keras

FINDINGS = 14
PICTURES = 8
SCHEDULE = Schedule(epochs=1, batch=4, learning_rate=1e-4)


@dataclass(frozen=True)
class Files:
    """A network's two files."""

    float32: Path
    int8: Path


@dataclass(frozen=True)
class Published:
    """A network of the paper, and how many times smaller the paper says that it became."""

    build: Callable[[], Any]
    ratio: float


NETWORKS: Mapping[str, Published] = {
    "DenseNet-121 (paper)": Published(lambda: densenet.build(FINDINGS), CLASSIFICATION),
    "U-Net 80 x 112 (paper)": Published(paper_unet.build, SEGMENTATION),
}


def build_baseline(name: str, folder: Path) -> Files:
    """Build the network `name`, train it for a few steps, and convert it into `folder`; existing files are kept."""
    files = Files(folder / f"{name}-float.tflite", folder / f"{name}-int8.tflite")
    if files.int8.exists():
        return files
    folder.mkdir(parents=True, exist_ok=True)
    tf_keras.backend.clear_session()
    seed_everything(0)
    model = NETWORKS[name].build()
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (PICTURES, *model.input_shape[1:]), dtype=np.uint8)
    first = model.outputs[0]
    targets = random.integers(0, 2, (PICTURES, *first.shape[1:])).astype(np.float32)
    fit(model, Examples(pictures, targets), _entropy, STILL, SCHEDULE, seed=0)
    write_whole(files.float32, convert_float(model))
    write_whole(files.int8, convert_int8(model, representative_inputs(pictures)))
    return files


def _entropy(targets: Any, logits: Any) -> Any:
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits))
