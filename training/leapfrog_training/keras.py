"""TensorFlow with Keras 2, the pair that quantization-aware training needs: the one place that imports them.

tensorflow-model-optimization 0.8 works on Keras 2 (the package tf-keras) only; TensorFlow 2.21 takes that one when
TF_USE_LEGACY_KERAS is set before its first import. Importing this module costs seconds: commands do it when they need
it.
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
    """TensorFlow's converter of `model`, as it infers one picture at a time, to a TFLite file."""
    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")
    function = tf.function(partial(model, training=False)).get_concrete_function(image)
    return tf.lite.TFLiteConverter.from_concrete_functions([function], model)


def use_threads(threads: int) -> None:
    """Keep TensorFlow to this many threads; only before its first operation."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
