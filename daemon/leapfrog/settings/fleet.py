"""What a district that looks after many boxes has of each."""

from typing import Annotated

from pydantic import AfterValidator, Field

from leapfrog.settings.section import Section, require_web_address

LONGEST_TRIAL_MINUTES = 1440.0  # a day


def file_address(url: str) -> str:
    """`url`, if it can be the address of one file on a web server; "" for none. Raises ValueError otherwise."""
    if url:
        require_web_address(url, "the whole address of a file, such as https://district.example/boxes/NAME.json")
    return url


def bundle_address(url: str) -> str:
    """The same of a bundle."""
    if url:
        require_web_address(url, "the whole address of a file, such as https://district.example/bundles/current.zip")
    return url


class FleetSettings(Section):
    """[fleet]: `url` is where this box leaves what it says of itself: its state, signed. It is reached with the
    certificates and passwords of [district], and so is `bundle_url`, where the district leaves the newest bundle of
    settings and models. One that is tried for `bundle_trial_minutes` without trouble stays.
    """

    url: Annotated[str, AfterValidator(file_address)] = ""
    bundle_url: Annotated[str, AfterValidator(bundle_address)] = ""
    bundle_trial_minutes: float = Field(default=5.0, gt=0, le=LONGEST_TRIAL_MINUTES)
