"""Lays out what the system needs to run Leapfrog: units, user, folders, device rules and the settings file."""

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
# What lies where below the root: a source beside this package, and the place where systemd or a person looks for it.
LAYOUT = {
    UNIT: "etc/systemd/system/leapfrog.service",
    "systemd/sysusers.d/leapfrog.conf": "etc/sysusers.d/leapfrog.conf",
    "systemd/tmpfiles.d/leapfrog.conf": "etc/tmpfiles.d/leapfrog.conf",
    "systemd/udev/60-leapfrog-edge-tpu.rules": "etc/udev/rules.d/60-leapfrog-edge-tpu.rules",
    SETTINGS: str(SYSTEM_FILE.relative_to("/")),
}
UNIT_PROGRAM = "/opt/leapfrog/bin/leapfrog"  # what the unit names as it ships, and where the README installs to
HIDDEN_FROM_SERVICES = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # ProtectHome= and PrivateTmp=


def install(root: Path) -> list[Path]:
    """Lay the files out below `root` and return those that were written; a second time there is nothing to write.

    The unit starts the Leapfrog that runs this. A settings file that differs from the one that ships is never touched:
    the one that ships is then written beside it as `leapfrog.toml.new`. Raises StorageError when a file cannot be
    written.
    """
    written = []
    for source, place in LAYOUT.items():
        content = _content(source)
        target = root / place
        if source == SETTINGS and target.exists() and target.read_bytes() != content:
            target = target.with_name(f"{target.name}.new")
        if _write(target, content):
            written.append(target)
    return written


def next_steps(root: Path) -> str:
    """What a person does after `install(root)`, in words."""
    settings_file = root / LAYOUT[SETTINGS]
    steps = [f"Read {settings_file} and adapt it to your clinic."]
    pending = settings_file.with_name(f"{settings_file.name}.new")
    if pending.exists() and settings_file.read_bytes() != pending.read_bytes():
        steps.append(f"Your settings were kept. {pending.name} beside them is the file of this version, to compare.")
    if root.resolve() == Path("/"):
        steps += [
            "Create the user, the folders and the device rules: systemd-sysusers &&"
            " systemd-tmpfiles --create leapfrog.conf && udevadm control --reload && udevadm trigger",
            f"Check the settings: {_program()} config check",
            "Start it, now and at every start of the box: systemctl daemon-reload && systemctl enable --now leapfrog",
            f"See how it is: systemctl status leapfrog, and {_program()} status",
        ]
    else:
        steps += [
            f"Have it started when the system below {root} starts: systemctl --root={root} enable leapfrog",
            f"Its user, folders and device rules are made at that start; it needs {_program()} in that system.",
        ]
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, start=1)]
    return "\n".join(["Next:", *numbered, *_warnings()])


def _warnings() -> list[str]:
    program = _words()[0]
    if not program.startswith(tuple(f"{hidden}/" for hidden in HIDDEN_FROM_SERVICES)):
        return []
    return [
        f"Warning: this Leapfrog lies at {program}, where its own user may not look. Install it for the system first:"
        " python3 -m venv /opt/leapfrog && /opt/leapfrog/bin/pip install leapfrog-kiosk &&"
        " /opt/leapfrog/bin/leapfrog install"
    ]


def _content(source: str) -> bytes:
    content = _data_folder().joinpath(source).read_bytes()
    if source == UNIT:
        return content.replace(UNIT_PROGRAM.encode(), " ".join(map(_quoted_for_systemd, _words())).encode())
    return content


def _data_folder() -> Path:
    """The wheel carries these files inside the package; a checkout that is installed editable has them at its root."""
    package = Path(str(resources.files("leapfrog")))
    carried = package / "package_data"
    return carried if carried.is_dir() else package.parent.parent


def _program() -> str:
    """How a person calls this Leapfrog."""
    return shlex.join(_words())


def _words() -> tuple[str, ...]:
    """The command of the environment that runs this. Not resolved: a virtual environment is found by its own path."""
    command = Path(sysconfig.get_path("scripts")) / "leapfrog"
    return (str(command),) if command.exists() else (sys.executable, "-m", "leapfrog")


def _quoted_for_systemd(word: str) -> str:
    """`word` as a word of ExecStart= (systemd.service(5), "Command lines")."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if escaped == word and " " not in word else f'"{escaped}"'


def _write(target: Path, content: bytes) -> bool:
    try:
        if target.is_file() and target.read_bytes() == content:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(target, content, mode=0o644)
        target.chmod(0o644)  # whatever the umask says: the daemon's own user reads these
    except OSError as problem:
        raise StorageError(
            f"{target} cannot be written: {problem.strerror}. Run this as root, or give another folder with --root."
        ) from problem
    return True
