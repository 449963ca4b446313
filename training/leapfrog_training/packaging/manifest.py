"""What the manifests of all packages have in common."""

from typing import Any

from leapfrog.packages.manifest import MODEL_NAME, InputField, Manifest, ModelInput
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.run.folder import PackageName

NOT_YET_HASHED = "0" * 64  # until the package is written


def demonstration(
    package: PackageName, version: str, model: KioskModel, field: InputField = "whole", **described: Any
) -> Manifest:
    """`model.toml` of a demonstration package for gray pictures of the model's input size, of which it is shown
    `field`; `described` has the rest.
    """
    _, height, width, _ = model.input.shape
    return Manifest(
        name=package,
        version=version,
        demonstration=True,
        input=ModelInput(height=height, width=width, channels=1, scaling="symmetric", field=field),
        files={MODEL_NAME: NOT_YET_HASHED},
        **described,
    )
