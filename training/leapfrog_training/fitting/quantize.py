"""From a trained network to full int8 files: by quantization-aware training, and by quantization after training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.architectures.upsampling import NearestUpsampling, PassRangeThrough
from leapfrog_training.files import write_whole
from leapfrog_training.fitting.augmentation import Augmentation
from leapfrog_training.fitting.loop import Examples, Loss, Schedule, endless_inputs, fit, seed_everything
from leapfrog_training.fitting.pictures import Pictures, scaled
from leapfrog_training.fitting.resume import forget
from leapfrog_training.keras import lite_converter, quant_ops, tf, tf_keras, tfmot
from leapfrog_training.run.folder import Job

WARM_UP_PASSES = 20
WARM_UP_DECAY = 0.8
TRAINING_DECAY = 0.99
REPRESENTATIVE_PICTURES = 64


def quantization_aware(model: Any) -> Any:
    """A copy of `model` whose weights and activations pass through simulated int8."""
    annotated = tf_keras.models.clone_model(model, clone_function=_annotate)
    annotated.set_weights(model.get_weights())
    keras = tfmot.quantization.keras
    with keras.quantize_scope({"NearestUpsampling": NearestUpsampling, "PassRangeThrough": PassRangeThrough}):
        return keras.quantize_apply(annotated)


def fit_quantization_aware(
    model: Any,
    examples: Examples,
    loss: Loss,
    augmentation: Augmentation,
    schedule: Schedule,
    seed: int,
    folder: Path | None = None,
) -> Any:
    """Train a copy of the trained `model` for a short while in simulated int8; gives the copy.

    `folder`, which no other training may share, is as in `fit`.
    """
    aware = quantization_aware(model)
    warm_up_ranges(aware, endless_inputs(examples, schedule.batch, seed))
    with range_decay(TRAINING_DECAY):
        fit(aware, examples, loss, augmentation, schedule, seed, folder=folder)
    return aware


@contextmanager
def range_decay(decay: float) -> Iterator[None]:
    """Within, what is traced follows the activations' ranges with this decay instead of tfmot's fixed .999.

    Ranges start at [-6, 6]; at .999 a short training ends long before they are right, which spoils the scores and the
    heat map (measured: correlation of the int8 map with the float one .69 instead of .86).
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
    """Let the activations' ranges settle on `batches` of inputs; no weight but those and batch norm's changes."""
    with range_decay(WARM_UP_DECAY):
        forward = tf.function(partial(model, training=True))
        for _ in range(WARM_UP_PASSES):
            forward(tf.constant(next(batches)))


def convert_int8(model: Any, representative: NDArray[np.float32]) -> bytes:
    """The network as a TFLite file that is int8 from input to output, for batch 1, its first output through a sigmoid.

    `model` gives logits first, and is float (quantized after training by `representative`, shape (pictures, height,
    width, 1)) or quantization-aware (`representative` is then only needed for what it left open).
    """
    converter = lite_converter(_with_sigmoid(model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = partial(_one_by_one, representative)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def convert_float(model: Any) -> bytes:
    """The network as a float32 TFLite file, for the comparison of sizes and scores."""
    return bytes(lite_converter(_with_sigmoid(model)).convert())


def make_int8(job: Job, seed: int, train: Callable[[], Any], pictures: Pictures) -> None:
    """Leave the int8 network of a job, made of the quantization-aware one that `train` gives, unless it is there."""
    if not job.int8.exists():
        seed_everything(seed)
        write_whole(job.int8, convert_int8(train(), representative_inputs(pictures)))
    forget(job.quantized)


def convert_comparisons(job: Job, load: Callable[[], Any], pictures: Pictures) -> None:
    """Leave the network that `load` gives in float32, and quantized after training by some of `pictures`, to compare
    the int8 one with, unless they are there.
    """
    if job.ptq.exists():
        return
    model = load()
    write_whole(job.float32, convert_float(model))
    write_whole(job.ptq, convert_int8(model, representative_inputs(pictures)))


def representative_inputs(pictures: Pictures) -> NDArray[np.float32]:
    """A spread of `pictures`, scaled, with full-range ones, so that the input's scale covers [-1, 1]."""
    chosen = scaled(pictures[np.linspace(0, len(pictures) - 1, REPRESENTATIVE_PICTURES).astype(int)])
    black, white = np.full_like(chosen[:1], -1.0), np.full_like(chosen[:1], 1.0)
    ramp = np.broadcast_to(np.linspace(-1, 1, chosen.shape[2], dtype=np.float32)[None, None, :, None], black.shape)
    return np.concatenate([chosen, np.where(np.arange(black.shape[1])[None, :, None, None] % 2, ramp, white), ramp])


def _annotate(layer: Any) -> Any:
    if isinstance(layer, tf_keras.layers.InputLayer):
        return layer
    config = PassRangeThrough() if isinstance(layer, NearestUpsampling) else None
    copy = layer.__class__.from_config(layer.get_config())
    return tfmot.quantization.keras.quantize_annotate_layer(copy, quantize_config=config)


def _with_sigmoid(model: Any) -> Any:
    outputs = model.outputs
    return tf_keras.Model(model.inputs, [tf_keras.layers.Activation("sigmoid")(outputs[0]), *outputs[1:]])


def _one_by_one(inputs: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    for picture in inputs:
        yield [picture[np.newaxis]]
