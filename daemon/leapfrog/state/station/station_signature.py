"""What this box signs with its station key, and whether it signed what it is shown.

A signature is one line: the Ed25519 signature and the public key of whoever signed, both in hexadecimal.
"""

from pathlib import Path
from typing import Literal

from leapfrog.packages.signature import SignaturePolicy
from leapfrog.state.station.station_key import existing_station_key, station_key

# "signed": by this box. "altered": the content is not what was signed. "no key": the station key is missing. "another
# key": whole, but signed by another box, or by this one before it got a new key.
SignedHere = Literal["signed", "altered", "no key", "another key"]


def signature_line(state_dir: Path, content: bytes) -> bytes:
    """Sign `content` with the key of this box, which is made if it has none yet. Raises StorageError."""
    key = station_key(state_dir)
    return f"{key.sign(content).hex()} {key.public_key.hex()}\n".encode()


def signed_here(state_dir: Path, content: bytes, line: bytes) -> SignedHere:
    """Whether this box signed `content` with `line`. Raises StorageError when its key cannot be read."""
    key = existing_station_key(state_dir)
    match SignaturePolicy(trusted_keys=(key.public_key.hex(),) if key else ()).state(content, _bytes(line)):
        case "trusted":
            return "signed"
        case "unknown key":
            return "another key" if key else "no key"
        case _:
            return "altered"


def _bytes(line: bytes) -> bytes:
    try:
        return bytes.fromhex(line.decode("ascii"))
    except ValueError:
        return b""
