"""A box's state as it travels: JSON with the state, the box's public key, and its signature over the state.

    {"state": {...}, "signature": "<128 hexadecimal digits>", "station_key": "<64 hexadecimal digits>"}

What is signed is the canonical JSON of the state: keys sorted, no blanks, ASCII alone, so that it is the same bytes on
both sides whatever lies between. A signature that holds says only that whoever has that key made the state. Whether it
is the key of the box that it should be, the district knows from its own list of stations.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from leapfrog.errors import NotABoxState
from leapfrog.fleet.box_state import FORMAT, BoxState
from leapfrog.signed_json import canonical, parsed

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNED_AS = b"LFSTATE1\n"  # in front of what is signed, so that no signature over anything else fits
BY_STICK = "by-stick"  # the folder, among the states that came by link, for those that a stick brought
LARGEST_BYTES = 256 << 10  # of a file; a usual one has about 5 KB

_ENVELOPE = TypeAdapter(dict[str, Any])


@dataclass(frozen=True)
class SignedState:
    """A state whose signature holds, and the public key (raw, 32 bytes) of whoever signed it."""

    state: BoxState
    station_key: bytes

    def is_later_than(self, other: "SignedState | None") -> bool:
        """Whether this may take the place of `other`, an earlier state in the same place: one of the same box that is
        older, or the same, may not. A box that got a new key begins anew.
        """
        if other is None or other.station_key != self.station_key:
            return True
        return self.state.sequence > other.state.sequence


def sign_state(state: BoxState, public_key: bytes, sign: "Callable[[bytes], bytes]") -> bytes:
    """The content of the file for `state`. `sign` gives the signature (64 bytes) by the key of `public_key`."""
    said = state.model_dump(mode="json")
    document = {"state": said, "signature": sign(_signed_content(said)).hex(), "station_key": public_key.hex()}
    return canonical(document) + b"\n"


def read_state(content: bytes) -> SignedState:
    """The state in a file of that content, if the signature is by the key that it names.

    Raises NotABoxState, which says what is wrong with it.
    """
    if len(content) > LARGEST_BYTES:
        raise NotABoxState(f"it has more than {LARGEST_BYTES >> 10} KB")
    try:
        document = parsed(content)
        said = _ENVELOPE.validate_python(document.get("state"))
        key, signature = _hexadecimal(document, "station_key", 32), _hexadecimal(document, "signature", 64)
        signed = _signed_content(said)
    except (ValueError, RecursionError):
        raise NotABoxState("it is not the state of a box: it is damaged, or something else") from None
    if not _holds(signed, signature, key):
        raise NotABoxState("its signature does not fit: it was changed after the box had signed it")
    if said.get("format") != FORMAT:
        raise NotABoxState("it was made by another version of Leapfrog: use the newer one here too")
    try:
        return SignedState(BoxState.model_validate_json(canonical(said)), key)
    except ValidationError as problem:
        where = ".".join(str(part) for part in problem.errors()[0]["loc"])
        raise NotABoxState(f"the box signed something that no box says: {where[:60]}") from None


def _signed_content(said: dict[str, Any]) -> bytes:
    return SIGNED_AS + canonical(said)


def _hexadecimal(document: dict[str, Any], name: str, byte_count: int) -> bytes:
    text = document.get(name)
    if not isinstance(text, str) or len(text) != 2 * byte_count:
        raise ValueError(f"{name} is not {byte_count} bytes")
    return bytes.fromhex(text)


def _holds(content: bytes, signature: bytes, public_key: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except InvalidSignature:
        return False
    return True
