"""Network namespaces: machines of their own, as far as the network goes."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000


def why_no_namespaces() -> str:
    """Why there can be none here; '' when there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need ip (iproute2)"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return f"this machine has no network namespaces: {probe.stderr.strip()}" if probe.returncode else ""


def within(namespace: str, command: Sequence[str]) -> list[str]:
    """The command line of `command` in a namespace."""
    return ["ip", "netns", "exec", namespace, *command]


def ip(*arguments: str) -> None:
    """Run ip. Raises CalledProcessError when it fails."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextmanager
def namespaces(*roles: str) -> Iterator[tuple[str, ...]]:
    """One for each role, with a loopback that is up, by their names in the same order. They last as long as the
    context. Raises CalledProcessError when they cannot be made.
    """
    names = tuple(f"lf-{os.getpid()}-{role}" for role in roles)
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@contextmanager
def entered(namespace: str) -> Iterator[None]:
    """This thread, and those that it starts meanwhile, are in `namespace` as long as the context lasts."""
    before, inside = Path("/proc/thread-self/ns/net"), Path("/run/netns") / namespace
    with before.open("rb") as home, inside.open("rb") as away:
        _enter(away.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
        problem = ctypes.get_errno()
        raise OSError(problem, os.strerror(problem))
