"""Leapfrog: reads X-ray and ultrasound images on the spot where there is no radiologist and little internet."""

from importlib.metadata import version

__version__ = version("leapfrog-kiosk")
