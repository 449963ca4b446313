"""A small network: the box, a modality and an attacker, each in a network namespace with addresses of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

BOX, MODALITY = "10.77.1.1", "10.77.1.2"
BOX_FOR_ATTACKER = "10.77.2.1"
ATTACKER_PREFIX = "10.77.2."
ATTACKER = f"{ATTACKER_PREFIX}66"
ATTACKERS = (ATTACKER, *(f"{ATTACKER_PREFIX}{number}" for number in range(100, 110)))


def why_not() -> str:
    """Why there can be no such network here; '' when there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need ip (iproute2)"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return f"this machine has no network namespaces: {probe.stderr.strip()}" if probe.returncode else ""


@dataclass(frozen=True)
class Network:
    """The names of the namespaces."""

    box: str
    modality: str
    attacker: str

    @staticmethod
    def within(namespace: str, command: Sequence[str]) -> list[str]:
        """The command line of `command` in a namespace."""
        return ["ip", "netns", "exec", namespace, *command]


@contextmanager
def network() -> Iterator[Network]:
    """One that lasts as long as the context. Raises CalledProcessError when it cannot be made."""
    made = Network(*(f"lf-{os.getpid()}-{role}" for role in ("box", "modality", "attacker")))
    try:
        for namespace in (made.box, made.modality, made.attacker):
            _ip("netns", "add", namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
        _join(made.box, "modality", BOX, made.modality, [MODALITY])
        _join(made.box, "attacker", BOX_FOR_ATTACKER, made.attacker, ATTACKERS)
        yield made
    finally:
        for namespace in (made.box, made.modality, made.attacker):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


def _join(box: str, link: str, box_address: str, other: str, addresses: Sequence[str]) -> None:
    """A cable between the box and another namespace."""
    _ip("-n", box, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", other)
    for namespace, device, own in ((box, link, [box_address]), (other, "eth0", addresses)):
        for address in own:
            _ip("-n", namespace, "address", "add", f"{address}/24", "dev", device)
        _ip("-n", namespace, "link", "set", device, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
