"""Settings of destinations, as a settings file has them."""

from leapfrog.settings import DestinationSettings


def a_destination(name: str, **settings: object) -> DestinationSettings:
    """A [[destination]] that gets everything of every exam, unless `settings` say otherwise."""
    return DestinationSettings.model_validate({"name": name, "url": "http://server.example/dicom-web", **settings})


def a_district(**settings: object) -> DestinationSettings:
    """What [district] is."""
    return a_destination("district", **settings)
