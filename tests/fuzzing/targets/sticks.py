"""What lies on a stick that is carried between a box and its district: parts of exports, and receipts."""

import hashlib
import io
import json
from contextlib import suppress
from typing import BinaryIO

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fuzzing.target import Target, require
from leapfrog.district_key import DistrictKey
from leapfrog.errors import NotAReceipt, ParcelRefused
from leapfrog.signed_json import canonical, parsed
from leapfrog.stick.parcel import LENGTH_BYTES, MAGIC, Manifest, ParcelObject, read_parcel
from leapfrog.stick.receipt import SIGNED_AS, Confirmed, Receipt, Refused, read_receipt, signed_receipt

IDENTITY = "AGE-SECRET-KEY-1PJ6DU0C8Q2R4QA7ZSW2SYMWJCVVH8GF6G2H5S4W8H4LEUH6A7ENSZ8M0WP"
DISTRICT = DistrictKey(pyrage.x25519.Identity.from_str(IDENTITY), Ed25519PrivateKey.from_private_bytes(b"d" * 32))
STATION = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
STATION_KEY = STATION.public_key().public_bytes_raw().hex()
RECEIPT = Receipt(
    export_id="0123456789abcdef" * 2,
    part=1,
    station_key=STATION_KEY,
    district=DISTRICT.public.verify_key.hex(),
    confirmed=(Confirmed(delivery_id="0011223344556677", sha256="cd" * 32),),
    refused=(Refused(delivery_id="8899aabbccddeeff", reason="it holds another image"),),
    made_at="2026-11-29T10:00:00+03:00",
)
OBJECT = b"an object"
MANIFEST = Manifest(
    export_id="0123456789abcdef" * 2,
    part=1,
    station_key=STATION_KEY,
    district="",
    made_at="2026-11-29T10:00:00+03:00",
    objects=[
        ParcelObject(
            delivery_id="0011223344556677",
            kind="original",
            sop_class_uid="1.2",
            sop_instance_uid="1.2.3",
            byte_count=len(OBJECT),
            sha256=hashlib.sha256(OBJECT).hexdigest(),
            urgent=False,
        )
    ],
)
TEXT = MANIFEST.model_dump_json().encode()
BEHIND = b"\0\0\0"  # the manifest, in what is to be signed


def check(content: bytes) -> None:
    """The first byte says which kind of file the others are, and whether somebody signs it."""
    kind, content = (content or b"\0")[0] % 5, content[1:]
    if kind == 0:
        _receipt(content)
    elif kind == 1:
        _signed_receipt(content)
    elif kind == 2:
        _part(_encrypted(content))
    elif kind == 3:
        text, _, objects = content.partition(BEHIND)
        _part(_encrypted(_signed(text) + objects))
    else:
        _part(content)


def _receipt(content: bytes) -> None:
    with suppress(NotAReceipt):
        require(read_receipt(content, DISTRICT.public) == RECEIPT, "A receipt is believed that nobody signed.")


def _signed_receipt(content: bytes) -> None:
    """One that the district signed, whatever it says."""
    try:
        said = parsed(content)
        document = {"receipt": said, "signature": DISTRICT.sign(SIGNED_AS + canonical(said)).hex()}
    except ValueError:
        return
    with suppress(NotAReceipt):
        receipt = read_receipt(json.dumps(document).encode(), DISTRICT.public)
        require(receipt.model_dump(mode="json") == said, "A receipt says something else than was signed.")


def _encrypted(content: bytes) -> bytes:
    encrypted: bytes = pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(DISTRICT.public.recipient)])
    return encrypted


def _signed(text: bytes) -> bytes:
    return MAGIC + len(text).to_bytes(LENGTH_BYTES, "big") + text + STATION.sign(MAGIC + text)


def _part(content: bytes) -> None:
    accepted: list[Manifest] = []

    def accept(manifest: Manifest) -> frozenset[str]:
        require(manifest.station_key == STATION_KEY, "A manifest is believed that its box did not sign.")
        accepted.append(manifest)
        return frozenset(entry.delivery_id for entry in manifest.objects)

    def take(entry: ParcelObject, file: BinaryIO) -> None:
        require(entry in accepted[0].objects, "An object is handed on that no manifest names.")
        came = file.read()
        same = (len(came), hashlib.sha256(came).hexdigest()) == (entry.byte_count, entry.sha256)
        require(same, "An object is handed on that is not what the manifest says.")

    with suppress(ParcelRefused):
        read_parcel(io.BytesIO(content), DISTRICT.identity, accept, take)


def seeds() -> dict[str, bytes]:
    """True ones, and some with a fault."""
    receipt = signed_receipt(RECEIPT, DISTRICT.sign)
    said = canonical(RECEIPT.model_dump(mode="json"))
    nested = b'{"a":' * 3000
    return {
        "a receipt": b"\0" + receipt,
        "a receipt that was cut": b"\0" + receipt[:200],
        "a receipt that is nested": b"\0" + nested,
        "a receipt to be signed": b"\1" + said,
        "a receipt of another format": b"\1" + said.replace(b'"format":1', b'"format":2'),
        "a name that is there twice": b"\1" + said.replace(b'"format":1', b'"part":1'),
        "a part": b"\2" + _signed(TEXT) + OBJECT,
        "a part that is cut": b"\2" + _signed(TEXT)[:-1],
        "a part with a manifest without end": b"\2" + MAGIC + b"\xff" * LENGTH_BYTES,
        "a part to be signed": b"\3" + TEXT + BEHIND + OBJECT,
        "a part with more than it says": b"\3" + TEXT + BEHIND + OBJECT * 2,
        "a part with another object": b"\3" + TEXT + BEHIND + OBJECT.upper(),
        "a part whose object is larger than all disks": b"\3"
        + TEXT.replace(b'"byte_count":9', b'"byte_count":68719476736'),
        "a manifest that is nested": b"\3" + b'{"box_state":' + nested,
        "an age file": b"\4" + _encrypted(_signed(TEXT) + OBJECT),
        "an age file without a body": b"\4age-encryption.org/v1\n-> X25519 AAAA\n--- AAAA\n",
    }


TARGET = Target(
    name="sticks",
    invariant=(
        "Whatever lies on a stick is called what it is; no receipt is believed but what the district signed, and no"
        " manifest but what its box signed; and no object is handed on whose content is not what the manifest names."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.stick", "leapfrog.signed_json"),
    longest_bytes=4096,
)
