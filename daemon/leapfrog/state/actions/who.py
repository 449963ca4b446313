"""Who does something on this box: the Unix user, and the person who logged in, as far as the kernel knows them."""

import os
import pwd
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

NOBODY_LOGGED_IN = 2**32 - 1  # /proc/PID/loginuid of what no login started (audit(8))
OVERFLOW_UID = 65534  # what a user namespace shows of a user whom it does not know (user_namespaces(7))
LONGEST_NAME = 64


class Login(BaseModel):
    """The person behind a Unix user such as root. `by`: whether the kernel says so, or only the command itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    by: Literal["kernel", "command"]


class Who(BaseModel):
    """`uid` and its name, by the kernel; `login`, if a person logged in."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uid: int
    user: str
    login: Login | None = None

    def in_words(self) -> str:
        """As `leapfrog actions` shows it."""
        name = self.user or str(self.uid)
        if self.login is None or self.login.name == name:
            return name
        claimed = "" if self.login.by == "kernel" else ", by the command's own word"
        return f"{name} ({self.login.name}{claimed})"


class Claim(BaseModel):
    """What a command says of who runs it: nothing that it says is proven."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    login: str = ""


def own_claim() -> Claim:
    """Who logged in and runs this process: by the kernel, else by what sudo(8) left in the environment."""
    uid = _login_uid("self")
    return Claim(login=_name_of(uid) if uid is not None else os.environ.get("SUDO_USER", "")[:LONGEST_NAME])


def own_self() -> Who:
    """Who runs this process."""
    uid = _login_uid("self")
    claimed = own_claim().login
    login = Login(name=claimed, by="command" if uid is None else "kernel") if claimed else None
    return Who(uid=os.getuid(), user=_name_of(os.getuid()), login=login)


def who_asks(process_id: int, uid: int, claim: Claim) -> Who:
    """Who a client of a socket is, by SO_PEERCRED (unix(7)), and by its own claim where the kernel shows nothing more
    of it: ProtectProc=invisible of the daemon's unit hides the processes of others.
    """
    login_uid = _login_uid(str(process_id))
    login = None
    if login_uid is not None:
        login = Login(name=_name_of(login_uid), by="kernel")
    elif claim.login:
        login = Login(name=claim.login[:LONGEST_NAME], by="command")
    return Who(uid=uid, user=_name_of(uid), login=login)


def _login_uid(process: str) -> int | None:
    """By the kernel's audit; None where nobody logged in, or the process cannot be seen."""
    with suppress(OSError, ValueError):
        uid = int(Path(f"/proc/{process}/loginuid").read_text(encoding="ascii"))
        return None if uid in (NOBODY_LOGGED_IN, OVERFLOW_UID) else uid
    return None


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name[:LONGEST_NAME]
    except KeyError:
        return str(uid)
