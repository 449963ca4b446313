"""Leapfrog: reads X-ray and ultrasound images on the spot where there is no radiologist and little internet."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> str:
    """The version, read when it is asked for: a command that asks the daemon does not need it."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import version

    return version("leapfrog-kiosk")
