"""The server to which things go when nobody names one: the Orthancs that config/district/set-up made of this machine.

They are asked directly, past nginx: there it is the certificate that says which box it is, and what comes by stick has
none. An Orthanc answers this machine alone, and is told whose it is (`X-Leapfrog-Box`).
"""

import re
from collections.abc import Sequence
from pathlib import Path

from leapfrog.commands.district_places import ORTHANCS
from leapfrog.errors import UsageError
from leapfrog.settings.destinations import dicomweb_root

SERVER_LINE = re.compile(r"^\s*server\s+(127\.0\.0\.1:[0-9]{1,5})[\s;]", re.MULTILINE)


def servers_here(orthancs: Path = ORTHANCS) -> tuple[str, ...]:
    """The DICOMweb roots of the Orthancs of this machine. Raises UsageError when there are none."""
    try:
        found = SERVER_LINE.findall(orthancs.read_text(encoding="utf-8"))
    except OSError:
        found = []
    if not found:
        raise UsageError(
            "This machine has no district's server that config/district/set-up made. Say where the server is, with --to"
            " and the address of its DICOMweb service, such as http://127.0.0.1:8042/dicom-web."
        )
    return tuple(f"http://{address}/dicom-web" for address in found)


def roots_of(given: Sequence[str] | None) -> tuple[str, ...]:
    """The DICOMweb roots that somebody named, or those of this machine. Raises UsageError."""
    if not given:
        return servers_here()
    try:
        return tuple(dicomweb_root(url) for url in given)
    except ValueError as problem:
        raise UsageError(f"--to is not an address of a DICOMweb service: {problem}.") from problem
