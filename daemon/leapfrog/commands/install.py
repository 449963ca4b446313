"""`leapfrog install`: writes the files that the system needs: unit, user, folders, device rules and settings."""

import shlex
import stat
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
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
SITE, ACCESS = "config/web/site.conf", "config/web/access.conf"
# For tablets: nginx in front of the reports.
WEB_LAYOUT = {
    SITE: "etc/nginx/sites-available/leapfrog",
    ACCESS: "etc/leapfrog/web/access.conf",
    "config/web/nginx.conf": "etc/systemd/system/nginx.service.d/leapfrog.conf",
    "config/web/sysusers.conf": "etc/sysusers.d/leapfrog-web.conf",
    "config/web/tmpfiles.conf": "etc/tmpfiles.d/leapfrog-web.conf",
}
# For the box's own screen.
SCREEN_LAYOUT = {
    "config/screen/leapfrog-screen.service": "etc/systemd/system/leapfrog-screen.service",
    "config/screen/sysusers.conf": "etc/sysusers.d/leapfrog-screen.conf",
    "config/screen/policy.json": "etc/chromium/policies/managed/leapfrog.json",
}
ADAPTED = {SETTINGS, SITE, ACCESS}  # to each clinic, in place: never overwritten once they were changed
UNIT_PROGRAM = "/opt/leapfrog/bin/leapfrog"  # the path in the unit as it ships; the README installs there
# How to install there, as the README says it. Leapfrog is on no package index: anybody could register a name there.
FOR_THE_SYSTEM = (
    "python3 -m venv /opt/leapfrog",
    "/opt/leapfrog/bin/pip install --require-hashes -r config/requirements.lock",
    "/opt/leapfrog/bin/pip install --no-deps --no-build-isolation .",
    f"{UNIT_PROGRAM} install",
)
HIDDEN_FROM_SERVICES = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # ProtectHome= and PrivateTmp=


@dataclass(frozen=True)
class SettingsFile:
    """A settings file that was made for this box. `may_replace`: whether a file with that content was, too, and nobody
    has changed it since.
    """

    content: bytes
    may_replace: Callable[[bytes], bool]


@dataclass(frozen=True)
class Extras:
    """What is installed besides the service: `web`, a web server for tablets; `screen`, the box's own screen."""

    web: bool = False
    screen: bool = False

    def layout(self) -> dict[str, str]:
        """The files, each with its place."""
        return {**LAYOUT, **(WEB_LAYOUT if self.web else {}), **(SCREEN_LAYOUT if self.screen else {})}


def install(root: Path, extras: Extras = Extras(), settings: SettingsFile | None = None) -> list[Path]:
    """Write the files below `root` and return those that were new or different; a second run writes nothing.

    The unit starts the Leapfrog that runs this code. A file of `ADAPTED` that somebody changed is never touched: the
    one that ships is written beside it, such as `leapfrog.toml.new`. `settings` are written instead of the file of them
    that ships. Raises StorageError when a file cannot be written.
    """
    written = []
    for source, destination in extras.layout().items():
        shipped = shipped_file(source)
        own = settings if source == SETTINGS else None
        content, target = own.content if own else shipped, root / destination
        if source in ADAPTED and target.exists() and (found := target.read_bytes()) != content:
            if own and (found == shipped or own.may_replace(found)):
                _beside(target).unlink(missing_ok=True)
            else:
                target = _beside(target)
        elif own:
            _beside(target).unlink(missing_ok=True)
        if write_file(target, content):
            written.append(target)
    return written


def settings_were_kept(root: Path) -> bool:
    """Whether a person's settings stand in the place of those that were to be written."""
    return _was_kept(root / LAYOUT[SETTINGS])


def next_steps(root: Path, extras: Extras = Extras(), *, adapt: bool = True) -> str:
    """What to do after `install(root, extras)`, as text for a person. `adapt`: the settings are still to be made."""
    steps = [f"Adapt {root / LAYOUT[SETTINGS]} to your clinic. The file explains every setting."] if adapt else []
    for source, destination in extras.layout().items():
        if source in ADAPTED and _was_kept(target := root / destination):
            yours = "Your settings were kept" if source == SETTINGS else f"Your {target} was kept"
            steps.append(f"{yours}. This version's file is beside it: compare {_beside(target).name}.")
    if root.resolve() == Path("/"):
        steps += [
            "Create the user, the folders and the device rules: systemd-sysusers &&"
            f" systemd-tmpfiles --create {' '.join(tmpfiles(extras))} && udevadm control --reload && udevadm trigger",
            f"Check the settings: {_shell_command()} config check",
            "Start it, now and whenever the box starts: systemctl daemon-reload && systemctl enable --now leapfrog",
            f"See whether it works: systemctl status leapfrog, and {_shell_command()} status",
            *(_web_steps() if extras.web else ()),
            *(_screen_steps() if extras.screen else ()),
        ]
    else:
        steps += [
            f"Let it start with the system below {root}: systemctl --root={root} enable leapfrog",
            f"The user, folders and device rules are created when that system starts. It needs {_shell_command()}.",
        ]
        if extras.web or extras.screen:
            steps.append("For what tablets and the screen need besides, see config/tablets.md in the checkout.")
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, start=1)]
    return "\n".join(["Next:", *numbered, *_warnings()])


def tmpfiles(extras: Extras) -> list[str]:
    """The names of the files of folders, for `systemd-tmpfiles --create`."""
    return [Path(place).name for place in extras.layout().values() if place.startswith("etc/tmpfiles.d/")]


def _web_steps() -> list[str]:
    """The commands are those of config/tablets.md, which says what they do."""
    folder = "/etc/leapfrog/web"
    return [
        "Tablets: install the web server, apt-get install nginx openssl. Make a certificate for this box's name:"
        f" openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj /CN=$(hostname)"
        f" -addext subjectAltName=DNS:$(hostname),DNS:$(hostname).local"
        f" -keyout {folder}/key.pem -out {folder}/certificate.pem",
        f'Choose a password for the name "staff": printf "staff:%s\\n" "$(openssl passwd -6)"'
        f" > {folder}/passwords && chown root:www-data {folder}/passwords && chmod 640 {folder}/passwords",
        f"Read {folder}/access.conf: it says who is let in. Then start it: ln -sf ../sites-available/leapfrog"
        " /etc/nginx/sites-enabled/leapfrog && rm -f /etc/nginx/sites-enabled/default && nginx -t"
        " && systemctl daemon-reload && systemctl restart nginx",
        "On a tablet, open https:// and this box's name or address. See config/tablets.md in the checkout.",
    ]


def _screen_steps() -> list[str]:
    return [
        "Screen: apt-get install cage chromium xwayland fonts-dejavu-core && systemctl daemon-reload"
        " && systemctl enable --now leapfrog-screen",
    ]


def _beside(target: Path) -> Path:
    return target.with_name(f"{target.name}.new")


def _was_kept(target: Path) -> bool:
    pending = _beside(target)
    return pending.exists() and target.exists() and target.read_bytes() != pending.read_bytes()


def _warnings() -> list[str]:
    program = _command()[0]
    if not program.startswith(tuple(f"{hidden}/" for hidden in HIDDEN_FROM_SERVICES)):
        return []
    return [
        f"Warning: this Leapfrog is at {program}, which the service's own user cannot read. Install it for the system,"
        f" from the folder that you checked Leapfrog out to: {' && '.join(FOR_THE_SYSTEM)}"
    ]


def shipped_file(source: str) -> bytes:
    """The content of a file that ships, by its key in `LAYOUT`."""
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


def write_file(target: Path, content: bytes, mode: int = 0o644) -> bool:
    """Write a file of the system. Returns whether it was new or different. Raises StorageError when it cannot be."""
    try:
        if target.is_file() and target.read_bytes() == content and stat.S_IMODE(target.stat().st_mode) == mode:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(target, content, mode=mode)
        target.chmod(mode)  # whatever the umask: the daemon's own user must be able to read them
    except OSError as problem:
        raise StorageError(
            f"{target} cannot be written: {problem.strerror}. Run this as root, or name another folder with --root."
        ) from problem
    return True
