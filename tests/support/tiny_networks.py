"""The networks of the packages, so small and so briefly trained that a test takes seconds. Needs TensorFlow."""

from dataclasses import dataclass

import pytest

from leapfrog.evaluation import scores
from leapfrog_training.architectures import mobile_unet, mobilenet_v2
from leapfrog_training.chest import recipe as chest_recipe
from leapfrog_training.chest.decisions import views
from leapfrog_training.child import recipe as child_recipe
from leapfrog_training.evaluate import latency
from leapfrog_training.films import network
from leapfrog_training.fitting import quantize
from leapfrog_training.fitting.loop import Schedule
from leapfrog_training.head import recipe as head_recipe
from leapfrog_training.nerve import examples as nerve_examples
from leapfrog_training.nerve import recipe as nerve_recipe


@dataclass(frozen=True)
class TinyNetworks:
    """The networks of the chest packages."""

    side: int


def make_film_networks_tiny(patch: pytest.MonkeyPatch, epochs: int = 1) -> TinyNetworks:
    """A network of one stage for both chest packages, trained on films of `side` pixels."""
    tiny = TinyNetworks(side=32)
    patch.setattr(mobilenet_v2, "FEATURES", 16)
    patch.setattr(mobilenet_v2, "STAGES", (mobilenet_v2.Stage(2, 8, 1, 2),))
    # There are no weights for a network this small.
    patch.setattr(mobilenet_v2, "load_imagenet", lambda model, path: None)
    for module in (network, views, chest_recipe, child_recipe):
        patch.setattr(module, "SIDE", tiny.side)
    for recipe in (chest_recipe, child_recipe):
        patch.setattr(recipe, "FILMS_MADE", 32 * epochs)
        patch.setattr(recipe, "FILMS_QUANTIZED", 16)
        patch.setattr(recipe, "SCHEDULE", Schedule(epochs=epochs, batch=16, learning_rate=1e-4, in_parts=True))
        patch.setattr(recipe, "QUANTIZED_SCHEDULE", Schedule(epochs=1, batch=16, learning_rate=1e-5))
    make_measuring_brief(patch)
    return tiny


def make_head_networks_tiny(patch: pytest.MonkeyPatch) -> None:
    """The network of fetal-head on small pictures."""
    for name, value in {"HEIGHT": 32, "WIDTH": 48, "MASK_HEIGHT": 16, "MASK_WIDTH": 24}.items():
        patch.setattr(mobile_unet, name, value)
    patch.setattr(head_recipe, "SCHEDULE", Schedule(epochs=30, batch=8, learning_rate=2e-3))
    patch.setattr(head_recipe, "QUANTIZED_SCHEDULE", Schedule(epochs=1, batch=8, learning_rate=1e-4))
    make_measuring_brief(patch)


def make_nerve_networks_tiny(patch: pytest.MonkeyPatch) -> None:
    """A shallow network of small pictures for nerve."""
    patch.setattr(mobile_unet, "SKIPS", ("block0_project_conv",))
    patch.setattr(mobile_unet, "BOTTOM", "block1_project_conv")
    for module in (nerve_examples, nerve_recipe):
        patch.setattr(module, "HEIGHT", 32)
        patch.setattr(module, "WIDTH", 48)
    patch.setattr(nerve_examples, "MASK_HEIGHT", 16)
    patch.setattr(nerve_examples, "MASK_WIDTH", 24)
    patch.setattr(nerve_examples, "WITH_NERVE", 16)
    patch.setattr(nerve_recipe, "SCHEDULE", Schedule(epochs=3, batch=4, learning_rate=2e-3))
    patch.setattr(nerve_recipe, "QUANTIZED_SCHEDULE", Schedule(epochs=1, batch=8, learning_rate=1e-5))
    make_measuring_brief(patch)


def make_measuring_brief(patch: pytest.MonkeyPatch) -> None:
    """Few pictures for the ranges of int8, few resamples for intervals, few runs for a latency."""
    patch.setattr(quantize, "REPRESENTATIVE_PICTURES", 4)
    patch.setattr(quantize, "WARM_UP_PASSES", 2)
    patch.setattr(scores, "RESAMPLES", 20)
    patch.setattr(latency, "RUNS", 3)
