"""A small network: the box, a modality and an attacker, each in a network namespace with addresses of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from support.namespaces import ip, namespaces, within

BOX, MODALITY = "10.77.1.1", "10.77.1.2"
BOX_FOR_ATTACKER = "10.77.2.1"
ATTACKER_PREFIX = "10.77.2."
ATTACKER = f"{ATTACKER_PREFIX}66"
ATTACKERS = (ATTACKER, *(f"{ATTACKER_PREFIX}{number}" for number in range(100, 110)))


@dataclass(frozen=True)
class Network:
    """The names of the namespaces."""

    box: str
    modality: str
    attacker: str

    @staticmethod
    def within(namespace: str, command: Sequence[str]) -> list[str]:
        """The command line of `command` in a namespace."""
        return within(namespace, command)


@contextmanager
def network() -> Iterator[Network]:
    """One that lasts as long as the context. Raises CalledProcessError when it cannot be made."""
    with namespaces("box", "modality", "attacker") as names:
        made = Network(*names)
        _join(made.box, "modality", BOX, made.modality, [MODALITY])
        _join(made.box, "attacker", BOX_FOR_ATTACKER, made.attacker, ATTACKERS)
        yield made


def _join(box: str, link: str, box_address: str, other: str, addresses: Sequence[str]) -> None:
    """A cable between the box and another namespace."""
    ip("-n", box, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", other)
    for namespace, device, own in ((box, link, [box_address]), (other, "eth0", addresses)):
        for address in own:
            ip("-n", namespace, "address", "add", f"{address}/24", "dev", device)
        ip("-n", namespace, "link", "set", device, "up")
