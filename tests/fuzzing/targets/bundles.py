"""Bundles of settings and models: whole files as they come, and lists that the district signed."""

import hashlib
import io
import zipfile

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fuzzing import scratch
from fuzzing.target import Target, require
from leapfrog.bundle_state import SETTINGS_NAME
from leapfrog.bundles.bundle_file import (
    LABEL,
    LIST_NAME,
    SIGNATURE_NAME,
    SIGNED_AS,
    BundledFile,
    BundleList,
    number_in_label,
    opened_bundle,
)
from leapfrog.district_key import DistrictKey
from leapfrog.errors import BundleError

IDENTITY = "AGE-SECRET-KEY-1PJ6DU0C8Q2R4QA7ZSW2SYMWJCVVH8GF6G2H5S4W8H4LEUH6A7ENSZ8M0WP"
DISTRICT = DistrictKey(pyrage.x25519.Identity.from_str(IDENTITY), Ed25519PrivateKey.from_private_bytes(b"d" * 32))
SETTINGS = b'[report]\npage_size = "A5"\n'
LISTED = BundleList(
    number=7,
    made_at="2026-11-29T10:00:00+03:00",
    files={SETTINGS_NAME: BundledFile(byte_count=len(SETTINGS), sha256=hashlib.sha256(SETTINGS).hexdigest())},
)


def check(content: bytes) -> None:
    """The first byte says whether the others are a whole file, or a list that is signed and put into one."""
    is_list, content = (content or b"\0")[0] & 1, content[1:]
    number_in_label(content)
    path = scratch.written("bundle.zip", _archive(content) if is_list else content)
    try:
        with opened_bundle(path, DISTRICT.public) as bundle:
            require(is_list or bundle.listed == LISTED, "A bundle is believed that nobody signed.")
            bundle.check()
            require(bundle.listed.byte_count <= len(SETTINGS), "A file is whole that is not there.")
    except BundleError as problem:
        require(str(problem).isprintable(), "A sentence about a bundle steers the terminal.")


def _archive(listed: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(LABEL.format(number=LISTED.number)), b"")
        archive.writestr(zipfile.ZipInfo(LIST_NAME), listed)
        archive.writestr(zipfile.ZipInfo(SIGNATURE_NAME), DISTRICT.sign(SIGNED_AS + listed))
        archive.writestr(zipfile.ZipInfo(SETTINGS_NAME), SETTINGS)
    return made.getvalue()


def seeds() -> dict[str, bytes]:
    """True ones, and some with a fault."""
    listed = LISTED.model_dump_json().encode()
    whole = _archive(listed)
    return {
        "a bundle": b"\0" + whole,
        "a bundle that is cut": b"\0" + whole[:-30],
        "a bundle with another file": b"\0" + whole.replace(b"settings.toml", b"../ttings.tom"),
        "a list": b"\1" + listed,
        "a list of another format": b"\1" + listed.replace(b'"format":1', b'"format":2'),
        "a list of a program": b"\1" + listed.replace(b"settings.toml", b"run.sh"),
        "a list that is nested": b"\1" + b'{"files":' * 1000,
        "nothing": b"\0",
    }


TARGET = Target(
    name="bundles",
    invariant=(
        "Whatever comes as a bundle is called what it is, in a sentence that steers no terminal; and no file of one is"
        " believed but what the district signed."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.bundles", "leapfrog.packages.plain_archive"),
)
