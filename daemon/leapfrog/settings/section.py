"""What the tables of the settings file share: that they cannot change, and the kinds of values that several have."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

AeTitle = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[ !-\[\]-~]*[!-\[\]-~][ !-\[\]-~]*$")]
HIGHEST_PORT = 65535
Port = Annotated[int, Field(ge=1, le=HIGHEST_PORT)]
# A petabyte: far beyond what makes sense, far below what the journal holds.
MOST_BYTES = 10**15
# In an address that was copied whole, such as http://192.168.1.40/ or user@machine.
NO_HOST = re.compile(r"[\s/@?#]")


def host_name(name: str) -> str:
    """A host name that can be looked up at all; other ones make the look-up itself fail in odd ways."""
    if NO_HOST.search(name) or name.count(":") == 1:  # an IPv6 address has more
        raise ValueError(
            "it is only the name or address of a machine, such as 192.168.1.40, without anything around it"
        )
    try:
        name.encode("idna")
    except UnicodeError:
        raise ValueError("it is not a host name or an address") from None
    return name


# An address of the web: perhaps a user, then a host or an IPv6 address, perhaps a port, then the path.
WEB_ADDRESS = re.compile(
    r"https?://(?:[^/\s@]*@)?(?:\[[0-9A-Fa-f:.%]+\]|(?P<host>[^/\s:?#@\[\]]+))(?::(?P<port>\d{1,5}))?(?P<path>[/?#]\S*)?"
)


def require_web_address(url: str, what_it_is: str) -> None:
    """Raise ValueError unless `url` can be an address of the web; then people are told `what_it_is` to be."""
    match = WEB_ADDRESS.fullmatch(url)
    if match is None:
        raise ValueError(f"it must be {what_it_is}")
    host_name(match["host"] or "")
    if match["port"] and not 1 <= int(match["port"]) <= HIGHEST_PORT:
        raise ValueError(f"its port must be between 1 and {HIGHEST_PORT}")


class Section(BaseModel):
    """A table of the settings file. It cannot be changed after reading, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _check_no_nul(cls, value: object) -> object:
        """No file name, host name or the like can contain it, and the system's calls fail on it one by one."""
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str | Path) and "\0" in str(text):
                raise ValueError("it contains the character NUL (\\u0000)")
        return value
