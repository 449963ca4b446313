"""Which block [[dicom.modality]] belongs to who asked: anybody may use any AE title, so the address must fit too.
Otherwise any stranger could have the box call somebody else's machine without end.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from leapfrog.peer_address import Address, peer_address
from leapfrog.settings import ModalitySettings

LOOK_UP_AGAIN_SECONDS = 600.0  # a name may get another address


def addresses_of(host: str) -> frozenset[Address]:
    """The addresses that a name has now; none when nobody knows it. May take seconds."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(address for entry in found if (address := _parsed(str(entry[4][0]))) is not None)


class AddressBook:
    """Any thread may call it."""

    def __init__(
        self,
        modalities: Sequence[ModalitySettings],
        addresses_of: Callable[[str], frozenset[Address]] = addresses_of,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """No name is looked up before somebody asks who calls himself as the block says."""
        self._modalities = {modality.ae_title.strip(): modality for modality in modalities}
        self._addresses_of = addresses_of
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, frozenset[Address]]] = {}  # by name: when it was looked up, and what it is

    def named(self, ae_title: str) -> ModalitySettings | None:
        """The block with this AE title, whoever it was that called himself so."""
        return self._modalities.get(ae_title)

    def find(self, ae_title: str, address: str) -> ModalitySettings | None:
        """The block of who asked from `address`, as far as names were looked up. Takes no time."""
        modality = self._modalities.get(ae_title)
        if modality is None:
            return None
        literal = _parsed(modality.host)
        with self._lock:
            known = frozenset({literal}) if literal else self._known.get(modality.host, (0.0, frozenset()))[1]
        return modality if _parsed(address) in known else None

    def look_up(self, asked: Iterable[tuple[str, str]]) -> bool:
        """Look up the names that these, by AE title and address, need and that were not looked up lately. May take
        seconds. Returns whether any was.
        """
        hosts = {
            modality.host
            for ae_title, address in asked
            if (modality := self._modalities.get(ae_title)) is not None
            and _parsed(modality.host) is None
            and self.find(ae_title, address) is None
        }
        due = [host for host in hosts if self._is_due(host)]
        for host in due:
            found = self._addresses_of(host)
            with self._lock:
                self._known[host] = (self._monotonic(), found)
        return bool(due)

    def _is_due(self, host: str) -> bool:
        with self._lock:
            known = self._known.get(host)
        return known is None or self._monotonic() - known[0] >= LOOK_UP_AGAIN_SECONDS


def _parsed(text: str) -> Address | None:
    try:
        return peer_address(text)
    except ValueError:  # a name
        return None
