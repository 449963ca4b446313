"""`leapfrog install --from SITE.toml`: what one box of many needs, in one file, over another that all of them share.

SITE.toml has the settings in which this box differs, and perhaps a table [install] that says what else it gets. The
file for all boxes is `common.toml` beside it, or the one that `install.common` names. Both may have [install].
"""

import grp
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import AfterValidator, Field, ValidationError

from leapfrog.commands.install import (
    SETTINGS,
    Extras,
    SettingsFile,
    install,
    next_steps,
    settings_were_kept,
    shipped_file,
    tmpfiles,
    write_file,
)
from leapfrog.commands.models.source import opened_source
from leapfrog.commands.models.store import install_package
from leapfrog.errors import LeapfrogError, SettingsError, StorageError, UsageError
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.settings import Section, Settings, of_layers
from leapfrog.settings.layers import Layer, document_of, merged, origin
from leapfrog.settings.mistakes import sentences

COMMON_NAME = "common.toml"
SECTION = "install"
FILES_BELOW = Path("/etc/leapfrog")
SERVICE = SERVICE_GROUP = "leapfrog"
UDEV = Path("/run/udev/control")
LONGEST_SAID = 500  # of what a step of the system said when it failed
LARGEST_FILE_BYTES = 1024 * 1024  # of a certificate or a key
FILE_MODE, SECRET_MODE, UNREADABLE_MODE = 0o644, 0o640, 0o600
# Gives secrets to the service's group at each start of a system that had no such group yet when they were put there.
SECRETS = Path("etc/tmpfiles.d/leapfrog-site.conf")
SECRETS_HEADING = "# Written by `leapfrog install --from`: the service may read these. Its group is made just before.\n"
NOT_READABLE_YET = (
    "The service cannot read {target} yet: the next start of that system gives it to the service. Without one, run this"
    " once more when the service's user is there."
)

HEADING = """# Written by `leapfrog install --from {site}`{over}. Behind each value stands which file it comes
# from: change it there and run that again. A change by hand is kept, and the new file is then written beside this one.
#
"""
SEAL = "# sha256 of the lines above, by which a change by hand is seen: "
SEALED = re.compile(rb"(?P<above>.*\n)" + SEAL.encode() + rb"(?P<digest>[0-9a-f]{64})\n", re.DOTALL)
TABLE = re.compile(r"\[(?P<name>[a-z]+)\]")
LIST_OF_TABLES = re.compile(r"#?\[\[")
KEY = re.compile(r"#?(?P<key>[a-z_]+) = ")


def _below_etc(path: Path) -> Path:
    if not path.is_relative_to(FILES_BELOW) or ".." in path.parts or path == FILES_BELOW:
        raise ValueError(f"files are put below {FILES_BELOW} only")
    return path


class SiteFile(Section):
    """[[install.file]]: a file of this box, such as its certificate. A `secret` one is for root and the service."""

    source: Path = Field(alias="from")
    to: Annotated[Path, AfterValidator(_below_etc)]
    secret: bool = False


class InstallSection(Section):
    """[install]: what else the box gets. Paths are relative to the file that names them."""

    common: Path | None = None
    web: bool = False
    screen: bool = False
    models: tuple[Path, ...] = ()
    file: tuple[SiteFile, ...] = ()


@dataclass(frozen=True)
class Site:
    """Everything about one box, checked. `layers` are the settings files, the box's own last."""

    settings: Settings
    layers: tuple[Layer, ...]
    extras: Extras
    models: tuple[Path, ...]
    files: tuple[SiteFile, ...]

    def settings_file(self) -> bytes:
        """Its `leapfrog.toml`: the one that ships, with all its explanations, and with the values of this box."""
        return annotated(shipped_file(SETTINGS), self.layers)


def read_site(path: Path, common: Path | None = None) -> Site:
    """The box that `path` describes. Raises SettingsError with a sentence for each mistake, and in which file it is."""
    own, own_install = _split(Layer.of_file(path, what="The site's file"), path)
    if common is None:
        beside = path.parent / (own_install.common or COMMON_NAME)
        common = beside if own_install.common is not None or beside.exists() else None
    layers, installs = [own], [(own_install, path.parent)]
    if common is not None:
        shared, shared_install = _split(Layer.of_file(common, what="The common file"), common)
        if shared_install.common is not None:
            raise SettingsError(f"{common}: install.common is for the file of one box.")
        layers, installs = [shared, own], [(shared_install, common.parent), *installs]
    mistakes: list[str] = []
    try:
        settings = of_layers([_shipped_layer(), *layers])
    except SettingsError as problem:
        mistakes.append(str(problem))
    models = [folder / one for install, folder in installs for one in install.models]
    files = [
        one.model_copy(update={"source": folder / one.source}) for install, folder in installs for one in install.file
    ]
    mistakes += [f"install.models names {one}, which does not exist." for one in models if not one.exists()]
    mistakes += [reason for one in files if (reason := _why_unreadable(one.source))]
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    extras = Extras(web=any(one.web for one, _ in installs), screen=any(one.screen for one, _ in installs))
    last = {one.to: one for one in files}  # the box's own in the place of that for all
    return Site(settings, tuple(layers), extras, tuple(models), tuple(last.values()))


def _split(layer: Layer, path: Path) -> tuple[Layer, InstallSection]:
    document = dict(layer.document)
    try:
        section = InstallSection.model_validate(document.pop(SECTION, {}))
    except ValidationError as problem:
        told = sentences(problem, InstallSection, {"file": SiteFile})
        raise SettingsError("\n".join([f"The table [install] in {path} has mistakes:", *told])) from problem
    return Layer(path.name, document), section


def _why_unreadable(path: Path) -> str:
    try:
        with path.open("rb") as file:
            too_large = len(file.read(LARGEST_FILE_BYTES + 1)) > LARGEST_FILE_BYTES
    except OSError as problem:
        return f"install.file names {path}, which cannot be read: {problem.strerror}."
    return f"install.file names {path}, which is larger than any certificate or key." if too_large else ""


# ---------------------------------------------------------------- the settings file


def _shipped_layer() -> Layer:
    return Layer("the file that ships", document_of(shipped_file(SETTINGS), "The settings file that ships"))


def annotated(shipped: bytes, layers: Sequence[Layer]) -> bytes:
    """The text of a settings file with the values of `layers`, each with where it comes from, among the explanations of
    the file that ships. Raises SettingsError when a value cannot be written.
    """
    values = merged(layers)
    lines = list(_with_values(shipped.decode().splitlines(), values, layers))
    over = f" over {layers[0].name}" if len(layers) > 1 else ""
    text = HEADING.format(site=layers[-1].name, over=over) + "\n".join(lines) + "\n"
    wanted = merged([_shipped_layer(), *layers])
    if document_of(text.encode(), "What was made of these files") != wanted:
        raise SettingsError(
            f"The settings in {layers[-1].name} cannot be written out: it has values of a strange kind."
        )
    return text.encode() + f"{SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n".encode()


def _with_values(lines: Sequence[str], values: Mapping[str, Any], layers: Sequence[Layer]) -> Iterator[str]:
    left = {(section, key) for section, table in values.items() if isinstance(table, Mapping) for key in table}
    left -= {(section, key) for section, key in left if _is_list_of_tables(values[section][key])}
    section, in_list = "", False
    for line in lines:
        if table := TABLE.match(line):
            section, in_list = table["name"], False
        elif LIST_OF_TABLES.match(line):
            in_list = True
        elif not line:
            in_list = False
        key = KEY.match(line)
        place = (section, key["key"]) if key and not in_list else ("", "")
        if place in left:
            left.discard(place)
            yield _line(place[1], values[section][place[1]], origin(layers, *place))
        else:
            yield line
    yield from _lists(values, layers)


def _lists(values: Mapping[str, Any], layers: Sequence[Layer]) -> Iterator[str]:
    found = [(section, "", value) for section, value in values.items() if _is_list_of_tables(value)]
    found += [
        (section, key, value)
        for section, table in values.items()
        if isinstance(table, Mapping)
        for key, value in table.items()
        if _is_list_of_tables(value)
    ]
    for section, key, tables in found:
        name = f"{section}.{key}" if key else section
        for table in tables:
            yield from ("", f"[[{name}]]  # from {origin(layers, section, key)}")
            yield from (f"{inner} = {_inline(value)}" for inner, value in table.items())


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _line(key: str, value: object, comes_from: str) -> str:
    return f"{key} = {_inline(value)}  # from {comes_from}"


def _inline(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_inline(str(key))} = {_inline(one)}" for key, one in value.items()) + "}"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def is_as_written(content: bytes) -> bool:
    """Whether this is a settings file that `annotated` made, and nobody has changed it since."""
    match = SEALED.fullmatch(content)
    return match is not None and hashlib.sha256(match["above"]).hexdigest().encode() == match["digest"]


# ---------------------------------------------------------------- files and models


def put_files(site: Site, root: Path) -> tuple[list[Path], list[str]]:
    """Put the files of the box in their places below `root`. Returns those that were new or different, and what is left
    to be done. Raises StorageError.
    """
    written, notes = [], []
    group = _service_group(root)
    for one in site.files:
        target = root / one.to.relative_to("/")
        mode = FILE_MODE if not one.secret else SECRET_MODE if group is not None else UNREADABLE_MODE
        try:
            if write_file(target, one.source.read_bytes(), mode):
                written.append(target)
            if one.secret and group is not None and os.geteuid() == 0:
                os.chown(target, -1, group)
        except OSError as problem:
            raise StorageError(f"{target} cannot be written: {problem.strerror}. Run this as root.") from problem
        if one.secret and group is None:
            notes.append(NOT_READABLE_YET.format(target=target))
    secrets = [one.to for one in site.files if one.secret]
    if secrets and write_file(root / SECRETS, _rights_of(secrets)):
        written.append(root / SECRETS)
    return written, notes


def _rights_of(secrets: Sequence[Path]) -> bytes:
    """The rights of these files, as lines of tmpfiles.d(5)."""
    quoted = (str(path).replace("%", "%%") for path in secrets)
    lines = (f'z "{path}" {SECRET_MODE:04o} root {SERVICE_GROUP}\n' for path in quoted)
    return (SECRETS_HEADING + "".join(lines)).encode()


def _service_group(root: Path) -> int | None:
    """The number of the service's group in the system below `root`; None when it has none yet."""
    if root.resolve() == Path("/"):
        try:
            return grp.getgrnam(SERVICE_GROUP).gr_gid
        except KeyError:
            return None
    try:
        lines = (root / "etc/group").read_text(errors="replace").splitlines()
    except OSError:
        return None
    found = (line.split(":") for line in lines if line.startswith(f"{SERVICE_GROUP}:"))
    return next((int(fields[2]) for fields in found if len(fields) > 2 and fields[2].isdecimal()), None)


def put_models(site: Site, root: Path) -> list[str]:
    """Install the model packages of the box below `root`, each unless that very version is in use. Returns a sentence
    for each that was installed. Raises LeapfrogError, naming the package.
    """
    state_dir = root / site.settings.state_dir.relative_to("/")
    station = site.settings.station.model_copy(update={"state_dir": state_dir})
    settings = site.settings.model_copy(update={"station": station})
    done = []
    for source in site.models:
        with opened_source(source) as opened:
            manifest = opened.manifest
        in_use = packages_in_use(settings).named(manifest.name)
        if in_use is not None and in_use.manifest == manifest:
            continue
        done.append(install_package(source, settings).sentences()[0])
    return done


# ---------------------------------------------------------------- one command


@dataclass(frozen=True)
class SetUp:
    """What `set_up` did."""

    written: tuple[Path, ...]
    models: tuple[str, ...]
    notes: tuple[str, ...]
    settings_kept: bool  # a person changed them by hand: those of the site's file lie beside them
    steps: str  # what is left to do


def set_up(path: Path, common: Path | None, root: Path, extras: Extras, *, start: bool) -> SetUp:
    """Install Leapfrog below `root` for the box that `path` describes; with `start`, also its user and folders, and
    start it. Once more changes nothing, or what has changed in the files. Nothing is written while they have mistakes.

    Raises SettingsError, UsageError when this system cannot be started, LeapfrogError when a step fails.
    """
    if start and (root.resolve() != Path("/") or os.geteuid() != 0):
        raise UsageError("--start starts this system: use it as root, and without --root.")
    site = read_site(path, common)
    extras = Extras(web=extras.web or site.extras.web, screen=extras.screen or site.extras.screen)
    content = site.settings_file()
    written = install(root, extras, SettingsFile(content, is_as_written))
    if start:
        _run("systemd-sysusers")
        _run("systemd-tmpfiles", "--create", *tmpfiles(extras))
    files, notes = put_files(site, root)
    models = put_models(site, root)
    if start:
        if UDEV.exists():  # else it reads its rules when it starts
            _run("udevadm", "control", "--reload")
            _run("udevadm", "trigger")
        _run("systemctl", "daemon-reload")
        _run("systemctl", "enable", SERVICE)
        _run("systemctl", "restart" if written or files or models else "start", SERVICE)
    steps = "" if start else next_steps(root, extras, adapt=False)
    return SetUp((*written, *files), tuple(models), tuple(notes), settings_were_kept(root), steps)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as problem:
        raise LeapfrogError(f"{command[0]} cannot be run: {problem.strerror}. This needs a system with systemd.") from (
            problem
        )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[:LONGEST_SAID]
        raise LeapfrogError(f"`{' '.join(command)}` failed: {said or f'exit status {done.returncode}'}")
