"""TensorFlow with Keras 2, the pair that quantization-aware training needs: the one place that imports them.

tensorflow-model-optimization 0.8 only works with Keras 2 (the package tf-keras). TensorFlow 2.21 uses it if
TF_USE_LEGACY_KERAS is set before TensorFlow is first imported. Importing this module takes seconds, so commands do it
only when they need it.
"""

import os
from functools import partial
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from tensorflow_model_optimization.python.core.quantization.keras import quant_ops

__all__ = ["lite_converter", "quant_ops", "tf", "tf_keras", "tfmot", "use_threads"]


def lite_converter(model: Any) -> Any:
    """TensorFlow's converter from `model`, in inference mode with batches of one picture, to a TFLite file."""
    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")
    function = tf.function(partial(model, training=False)).get_concrete_function(image)
    return tf.lite.TFLiteConverter.from_concrete_functions([function], model)


def use_threads(threads: int) -> None:
    """Limit TensorFlow to this many threads. Has an effect only before its first operation.

    Operations run side by side too: a layer's two gradients do not depend on one another, and few operations on small
    pictures keep more than one thread busy (with two threads, 1.4 to 1.7 times as many films a second).
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
