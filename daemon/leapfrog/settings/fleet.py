"""What a district that looks after many boxes has of each."""

from typing import Annotated

from pydantic import AfterValidator

from leapfrog.settings.section import Section, require_web_address


def file_address(url: str) -> str:
    """`url`, if it can be the address of one file on a web server; "" for none. Raises ValueError otherwise."""
    if url:
        require_web_address(url, "the whole address of a file, such as https://district.example/boxes/NAME.json")
    return url


class FleetSettings(Section):
    """[fleet]: `url` is where this box leaves what it says of itself: its state, signed. It is reached with the
    certificates and passwords of [district].
    """

    url: Annotated[str, AfterValidator(file_address)] = ""
