"""Makes full int8 files of a trained network: by quantization-aware training, and by quantization after training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.files import write_whole
from leapfrog_training.fitting.augmentation import Augmentation
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.int8_simulation import quantization_aware
from leapfrog_training.fitting.loop import Loss, Schedule, endless_inputs, fit, seed_everything
from leapfrog_training.fitting.pictures import Pictures, scaled
from leapfrog_training.fitting.resume import forget
from leapfrog_training.keras import lite_converter, quant_ops, tf, tf_keras
from leapfrog_training.run.folder import Job

WARM_UP_PASSES = 20
WARM_UP_DECAY = 0.8
TRAINING_DECAY = 0.99
REPRESENTATIVE_PICTURES = 64


def fit_quantization_aware(
    model: Any,
    examples: Examples,
    loss: Loss,
    augmentation: Augmentation,
    schedule: Schedule,
    seed: int,
    folder: Path | None = None,
) -> Any:
    """Train a copy of the trained `model` for a few epochs in simulated int8, and return the copy.

    `folder` is as in `fit`; no other training may share it.
    """
    aware = quantization_aware(model)
    warm_up_ranges(aware, endless_inputs(examples, schedule.batch, seed))
    with range_decay(TRAINING_DECAY):
        fit(aware, examples, loss, augmentation, schedule, seed, folder=folder)
    return aware


@contextmanager
def range_decay(decay: float) -> Iterator[None]:
    """Functions traced inside this context follow the activations' ranges with this decay, not with tfmot's fixed .999.

    Ranges start at [-6, 6]. With .999, a short training ends long before they are right, which spoils the scores and
    the heat map (measured: correlation of the int8 map with the float one .69 instead of .86).
    """
    original = quant_ops.MovingAvgQuantize

    def follow(*arguments: Any, **options: Any) -> Any:
        return original(*arguments, **{**options, "ema_decay": decay})

    quant_ops.MovingAvgQuantize = follow
    try:
        yield
    finally:
        quant_ops.MovingAvgQuantize = original


def warm_up_ranges(model: Any, batches: Iterator[NDArray[np.float32]]) -> None:
    """Let the activations' ranges settle on `batches` of inputs. Only the ranges and batch norm's statistics change."""
    with range_decay(WARM_UP_DECAY):
        forward = tf.function(partial(model, training=True))
        for _ in range(WARM_UP_PASSES):
            forward(tf.constant(next(batches)))


def convert_int8(model: Any, representative: NDArray[np.float32]) -> bytes:
    """The network as a TFLite file, int8 from input to output, for batches of 1, with a sigmoid on its first output.

    `model`, whose first output is logits, is float (then `representative`, shape (pictures, height, width, 1), decides
    the ranges) or quantization-aware (then `representative` is only used for ranges that the training left open).
    """
    converter = lite_converter(_with_sigmoid(model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = partial(_one_by_one, representative)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def convert_float(model: Any) -> bytes:
    """The network as a float32 TFLite file, to compare sizes and scores."""
    return bytes(lite_converter(_with_sigmoid(model)).convert())


def make_int8(job: Job, seed: int, train: Callable[[], Any], pictures: Pictures) -> None:
    """Make the int8 network of a job from the quantization-aware one that `train` returns, unless it exists."""
    if not job.int8.exists():
        seed_everything(seed)
        write_whole(job.int8, convert_int8(train(), representative_inputs(pictures)))
    forget(job.quantized)


def convert_comparisons(job: Job, load: Callable[[], Any], pictures: Pictures) -> None:
    """To compare with the int8 network, write the network that `load` returns in float32, and quantized after training
    with some of `pictures`, unless these files exist.
    """
    if job.ptq.exists():
        return
    model = load()
    write_whole(job.float32, convert_float(model))
    write_whole(job.ptq, convert_int8(model, representative_inputs(pictures)))


def representative_inputs(pictures: Pictures) -> NDArray[np.float32]:
    """A sample of `pictures`, scaled, plus pictures of full range, so that the input's scale covers [-1, 1]."""
    chosen = scaled(pictures[np.linspace(0, len(pictures) - 1, REPRESENTATIVE_PICTURES).astype(int)])
    black, white = np.full_like(chosen[:1], -1.0), np.full_like(chosen[:1], 1.0)
    ramp = np.broadcast_to(np.linspace(-1, 1, chosen.shape[2], dtype=np.float32)[None, None, :, None], black.shape)
    return np.concatenate([chosen, np.where(np.arange(black.shape[1])[None, :, None, None] % 2, ramp, white), ramp])


def _with_sigmoid(model: Any) -> Any:
    outputs = model.outputs
    return tf_keras.Model(
        model.inputs, [tf_keras.layers.Activation("sigmoid", dtype="float32")(outputs[0]), *outputs[1:]]
    )


def _one_by_one(inputs: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    for picture in inputs:
        yield [picture[np.newaxis]]
