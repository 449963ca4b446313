"""The settings file and the manifest of a model package."""

import tomllib

import tomli_w

from fuzzing import scratch
from fuzzing.target import Target, require
from leapfrog.errors import PackageError, SettingsError
from leapfrog.packages.manifest import parse_manifest
from leapfrog.packages.package import SHIPPED_PACKAGES
from leapfrog.settings import load_settings

LONGEST_MESSAGE = 200_000


def check(content: bytes) -> None:
    """The first byte says whether the others are settings or a manifest."""
    is_manifest, content = (content or b"\0")[0] & 1, content[1:]
    if is_manifest:
        _check_manifest(content)
    else:
        _check_settings(content)


def _check_settings(content: bytes) -> None:
    file = scratch.written("leapfrog.toml", content)
    try:
        settings = load_settings(file)
    except SettingsError as problem:
        _check_message(str(problem))
        return
    settings.warnings()
    written = tomli_w.dumps(tomllib.loads(file.read_text(encoding="utf-8"))).encode()
    require(load_settings(scratch.written("again.toml", written)) == settings, "Settings change when they are written.")


def _check_manifest(content: bytes) -> None:
    try:
        parse_manifest(content, "made-up")
    except PackageError as problem:
        _check_message(str(problem))


def _check_message(message: str) -> None:
    require(message.endswith("."), "What a person is told is no sentence.")
    require(len(message) <= LONGEST_MESSAGE, "What a person is told is longer than anybody reads.")
    require("\x1b" not in message, "A message could steer a terminal.")


def seeds() -> dict[str, bytes]:
    """Settings of each section, the manifests that ship, and what is nested deeply."""
    settings = b"""[station]
name = "Clinic"
state_dir = "/var/lib/leapfrog"
[dicom]
port = 11112
allowed_addresses = ["192.0.2.0/24"]
[[folder.watch]]
path = "/srv/inbox"
[district]
url = "https://district.example/dicom-web"
windows = ["19:00-06:30"]
[retention]
keep_days = 90
"""
    found = {"settings": b"\0" + settings}
    for package in sorted(SHIPPED_PACKAGES.iterdir()):
        if (package / "model.toml").is_file():
            found[f"manifest of {package.name}"] = b"\1" + (package / "model.toml").read_bytes()
    for name, first in (("settings", b"\0"), ("manifest", b"\1")):
        found[f"deep array, {name}"] = first + b"name = " + b"[" * 2000
        found[f"dotted keys, {name}"] = first + b"a." * 2000 + b"a = 1"
        found[f"dotted keys below a key, {name}"] = first + b"station.name." + b"a." * 1500 + b"a = 1"
        found[f"dotted keys of a version, {name}"] = first + b"version." + b"a." * 1500 + b"a = 1"
        found[f"a number, {name}"] = first + b"name = " + b"9" * 5000
        found[f"an escape, {name}"] = first + b'"\\u001b[2J" = "\\u001b[2J"'
    return found


TARGET = Target(
    name="toml",
    invariant=(
        "Settings are read, or are a SettingsError, a manifest a PackageError, in sentences that steer no terminal and"
        " that a person can read; settings that are written and read again are the same."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.settings", "leapfrog.packages", "tomllib"),
    longest_bytes=8192,
)
