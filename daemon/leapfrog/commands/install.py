"""`leapfrog install`: writes the files that the system needs: unit, user, folders, device rules and settings."""

import shlex
import sys
import sysconfig
from importlib import resources
from pathlib import Path

from leapfrog.durable import write_durably
from leapfrog.errors import StorageError
from leapfrog.settings import SYSTEM_FILE

UNIT = "systemd/leapfrog.service"
SETTINGS = "config/leapfrog.toml"
# Each file that ships, and where it goes below the root: the place where systemd or a person looks for it.
LAYOUT = {
    UNIT: "etc/systemd/system/leapfrog.service",
    "systemd/sysusers.d/leapfrog.conf": "etc/sysusers.d/leapfrog.conf",
    "systemd/tmpfiles.d/leapfrog.conf": "etc/tmpfiles.d/leapfrog.conf",
    "systemd/udev/60-leapfrog-edge-tpu.rules": "etc/udev/rules.d/60-leapfrog-edge-tpu.rules",
    SETTINGS: str(SYSTEM_FILE.relative_to("/")),
}
UNIT_PROGRAM = "/opt/leapfrog/bin/leapfrog"  # the path in the unit as it ships; the README installs there
# How to install there, as the README says it. Leapfrog is on no package index: anybody could register a name there.
FOR_THE_SYSTEM = (
    "python3 -m venv /opt/leapfrog",
    "/opt/leapfrog/bin/pip install --require-hashes -r config/requirements.lock",
    "/opt/leapfrog/bin/pip install --no-deps --no-build-isolation .",
    f"{UNIT_PROGRAM} install",
)
HIDDEN_FROM_SERVICES = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # ProtectHome= and PrivateTmp=


def install(root: Path) -> list[Path]:
    """Write the files below `root` and return those that were new or different; a second run writes nothing.

    The unit starts the Leapfrog that runs this code. A settings file that somebody changed is never touched: the one
    that ships is written beside it as `leapfrog.toml.new`. Raises StorageError when a file cannot be written.
    """
    written = []
    for source, destination in LAYOUT.items():
        content = _content(source)
        target = root / destination
        if source == SETTINGS and target.exists() and target.read_bytes() != content:
            target = target.with_name(f"{target.name}.new")
        if _write(target, content):
            written.append(target)
    return written


def next_steps(root: Path) -> str:
    """What to do after `install(root)`, as text for a person."""
    settings_file = root / LAYOUT[SETTINGS]
    steps = [f"Adapt {settings_file} to your clinic. The file explains every setting."]
    pending = settings_file.with_name(f"{settings_file.name}.new")
    if pending.exists() and settings_file.read_bytes() != pending.read_bytes():
        steps.append(f"Your settings were kept. This version's file is beside them: compare {pending.name}.")
    if root.resolve() == Path("/"):
        steps += [
            "Create the user, the folders and the device rules: systemd-sysusers &&"
            " systemd-tmpfiles --create leapfrog.conf && udevadm control --reload && udevadm trigger",
            f"Check the settings: {_shell_command()} config check",
            "Start it, now and whenever the box starts: systemctl daemon-reload && systemctl enable --now leapfrog",
            f"See whether it works: systemctl status leapfrog, and {_shell_command()} status",
        ]
    else:
        steps += [
            f"Let it start with the system below {root}: systemctl --root={root} enable leapfrog",
            f"The user, folders and device rules are created when that system starts. It needs {_shell_command()}.",
        ]
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, start=1)]
    return "\n".join(["Next:", *numbered, *_warnings()])


def _warnings() -> list[str]:
    program = _command()[0]
    if not program.startswith(tuple(f"{hidden}/" for hidden in HIDDEN_FROM_SERVICES)):
        return []
    return [
        f"Warning: this Leapfrog is at {program}, which the service's own user cannot read. Install it for the system,"
        f" from the folder that you checked Leapfrog out to: {' && '.join(FOR_THE_SYSTEM)}"
    ]


def _content(source: str) -> bytes:
    content = _data_folder().joinpath(source).read_bytes()
    if source == UNIT:
        return content.replace(UNIT_PROGRAM.encode(), " ".join(map(_quoted_for_systemd, _command())).encode())
    return content


def _data_folder() -> Path:
    """A wheel has these files inside the package; an editable installation has them at the root of the checkout."""
    package = Path(str(resources.files("leapfrog")))
    in_wheel = package / "package_data"
    return in_wheel if in_wheel.is_dir() else package.parent.parent


def _shell_command() -> str:
    """What a person types to run this Leapfrog."""
    return shlex.join(_command())


def _command() -> tuple[str, ...]:
    """The `leapfrog` of the running environment. Its links are kept: the path is how a virtual environment is found."""
    script = Path(sysconfig.get_path("scripts")) / "leapfrog"
    return (str(script),) if script.exists() else (sys.executable, "-m", "leapfrog")


def _quoted_for_systemd(word: str) -> str:
    """`word` quoted for ExecStart= (systemd.service(5), "Command lines")."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if escaped == word and " " not in word else f'"{escaped}"'


def _write(target: Path, content: bytes) -> bool:
    try:
        if target.is_file() and target.read_bytes() == content:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(target, content, mode=0o644)
        target.chmod(0o644)  # whatever the umask: the daemon's own user must be able to read them
    except OSError as problem:
        raise StorageError(
            f"{target} cannot be written: {problem.strerror}. Run this as root, or name another folder with --root."
        ) from problem
    return True
