"""Who may open an association, and who gets one of the places when they are scarce."""

import threading
import time
from collections import Counter
from typing import Protocol

from leapfrog.intake.receiver.disturbances import Disturbance, Disturbances
from leapfrog.intake.receiver.refused_machines import Machine, RefusedMachines
from leapfrog.intake.receiver.upper_layer import Rejection
from leapfrog.peer_address import peer_address
from leapfrog.settings import DicomSettings

KEPT_SHARE = 5  # one place of five, and one at least, is kept for other addresses
# An association that has brought no image for so long may have to give its place to another machine. One that has
# brought none at all has a second: a modality begins to send at once.
IDLE_SECONDS = 5.0
DISTURBING_SECONDS = 1.0  # the same for a machine that disturbs; one that has brought no image at all gives way at once
KNOWN_SECONDS = 15.0  # the same for a machine that is known: it is hardly one of a flood from many addresses
MOST_KNOWN = 1000
WAIT_SECONDS = 2.0  # that a machine without a place waits for one before it is rejected
LOOK_SECONDS = 0.1

# PS3.8 Table 9-21: result, source, reason.
ADDRESS_NOT_ALLOWED = Rejection(1, 1, 1, "its address is not in dicom.allowed_addresses")
AE_TITLE_NOT_ALLOWED = Rejection(1, 1, 3, "its AE title is not in dicom.allowed_ae_titles")
TOO_MANY_ASSOCIATIONS = Rejection(2, 3, 2, "as many associations are open as dicom.max_associations allows")
MORE_THAN_ITS_SHARE = Rejection(2, 3, 2, "it has as many associations as one address may have")


class Holder(Protocol):
    """An association that holds a place, or asks for one."""

    address: str

    def useless_seconds(self) -> float:
        """How long it has brought no images."""

    def slow_seconds(self) -> float:
        """How far it is behind one that brings images fast enough to hold its place against others."""

    def cut(self) -> None:
        """End it."""


class Gate:
    """Applies the allow-lists and gives out the places. Any thread may call it.

    One address never gets all places, whatever comes from it: some are kept for others, also where several modalities
    share an address. When all are taken, a machine that has fewer than others gets the place of whoever has brought no
    image for longest, and a machine that has none also that of whoever brings images slowest, if it is slow or not the
    only one of its address. A machine that disturbs gets only what is free.

    A machine is known whose address has brought images since the box started, or is in `dicom.modality`, and that does
    not disturb. It comes first, gives way after others with as many places, and is waited for longer: an attacker may
    have addresses without end.
    """

    def __init__(
        self,
        settings: DicomSettings,
        refused: RefusedMachines,
        disturbances: Disturbances,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """All `max_associations` places of the settings are free."""
        self._wait_seconds = wait_seconds
        self._settings = settings
        self._refused = refused
        self._disturbances = disturbances
        self._lock = threading.Condition()
        self._holders: list[Holder] = []
        self._known_waiting = 0  # machines that wait for a place
        self._brought: dict[str, None] = {}  # addresses that brought images, the latest last
        self._named = {modality.host for modality in settings.modality}
        self._places = settings.max_associations
        self._share = max(1, self._places - max(1, self._places // KEPT_SHARE))

    def associations(self) -> int:
        """How many places are taken."""
        with self._lock:
            return len(self._holders)

    def enter(self, holder: Holder, calling_ae_title: str) -> Rejection | None:
        """Give a place to the association, or return why it is rejected."""
        machine = Machine(holder.address, calling_ae_title)
        networks = self._settings.allowed_addresses
        if networks and not any(peer_address(holder.address) in network for network in networks):
            self._refused.address_not_allowed(machine)
            return ADDRESS_NOT_ALLOWED
        titles = [title.strip() for title in self._settings.allowed_ae_titles]
        if titles and calling_ae_title not in titles:
            self._refused.ae_title_not_allowed(machine)
            return AE_TITLE_NOT_ALLOWED
        return self._take_place(holder, machine)

    def agreed(self, address: str, calling_ae_title: str, *, usable: bool) -> None:
        """Note that an admitted association is open, and whether anything can be sent or tested over it."""
        machine = Machine(address, calling_ae_title)
        if usable:
            self._refused.accepted(machine)
        else:
            self._refused.offers_nothing_we_take(machine)

    def leave(self, holder: Holder) -> None:
        """Note that an admitted association has ended."""
        with self._lock:
            if holder in self._holders:  # one that had to give its place has none
                self._holders.remove(holder)
                self._lock.notify_all()

    def image_stored(self, address: str) -> None:
        """Note that an image from `address` was stored."""
        with self._lock:
            self._brought.pop(address, None)
            self._brought[address] = None
            while len(self._brought) > MOST_KNOWN:
                self._brought.pop(next(iter(self._brought)))

    def _take_place(self, holder: Holder, machine: Machine) -> Rejection | None:
        with self._lock:
            is_known = self._is_known(holder.address)
            self._known_waiting += is_known
            try:
                return self._wait_for_place(holder, machine, is_known=is_known)
            finally:
                self._known_waiting -= is_known

    def _wait_for_place(self, holder: Holder, machine: Machine, *, is_known: bool) -> Rejection | None:
        until = time.monotonic() + self._wait_seconds
        has_waited = False
        while not self._is_placed(holder, is_known=is_known, has_waited=has_waited):
            own = self._places_of(holder.address)
            if own >= self._share:
                self._disturbances.note(holder.address, Disturbance.SHARE)
                return MORE_THAN_ITS_SHARE
            if own or has_waited or self._disturbances.disturbs(holder.address):
                self._refused.too_many(machine)
                return TOO_MANY_ASSOCIATIONS
            self._lock.wait(LOOK_SECONDS)
            has_waited = time.monotonic() >= until
        return None

    def _is_placed(self, holder: Holder, *, is_known: bool, has_waited: bool) -> bool:
        """Give it a place, if there is one or another has to give its own."""
        own, is_full = self._places_of(holder.address), len(self._holders) >= self._places
        if own >= self._share or (self._known_waiting and not is_known):
            return False
        if is_full:
            gives_way = self._gives_way(holder.address, own, has_waited=has_waited)
            if gives_way is None:
                return False
            self._holders.remove(gives_way)
            gives_way.cut()
        self._holders.append(holder)
        return True

    def _places_of(self, address: str) -> int:
        return sum(holder.address == address for holder in self._holders)

    def _gives_way(self, address: str, own: int, *, has_waited: bool) -> Holder | None:
        """Who has to give its place to the machine at `address`, which has `own` places."""
        if self._disturbances.disturbs(address):
            return None
        return self._idlest(own) or (None if own else self._slowest(has_waited=has_waited))

    def _idlest(self, own: int) -> Holder | None:
        """Of the addresses with the most places, the association that has brought no image for longest. Whoever has
        `own` places takes none from an address that would then have fewer.
        """
        places = Counter(holder.address for holder in self._holders)
        idle = [
            (places[holder.address], not self._is_known(holder.address), useless, holder)
            for holder in self._holders
            if (useless := holder.useless_seconds()) > self._patience_with(holder)
            and (not own or places[holder.address] > own + 1)
        ]
        return max(idle, key=lambda found: found[:3])[3] if idle else None

    def _slowest(self, *, has_waited: bool) -> Holder | None:
        """Of the addresses with the most places, the association that brings images slowest. The only one of a known
        machine stays, and so does any other's that is not slow; whoever has several gives one to a machine that
        `has_waited`.
        """
        places = Counter(holder.address for holder in self._holders)
        found = []
        for holder in self._holders:
            own, is_known, slow = places[holder.address], self._is_known(holder.address), holder.slow_seconds()
            is_slow = slow > self._patience_with(holder)
            if (own > 1 and (is_slow or has_waited)) or (is_slow and not is_known):
                found.append((own, not is_known, slow, holder))
        return max(found, key=lambda entry: entry[:3])[3] if found else None

    def _is_known(self, address: str) -> bool:
        return (address in self._brought or address in self._named) and not self._disturbances.disturbs(address)

    def _patience_with(self, holder: Holder) -> float:
        if self._disturbances.disturbs(holder.address):
            return DISTURBING_SECONDS
        return KNOWN_SECONDS if self._is_known(holder.address) else IDLE_SECONDS
