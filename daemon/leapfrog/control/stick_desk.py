"""What `leapfrog export` and `leapfrog import` ask of the box: what is owed, in which form, and what receipts confirm.

The commands read and write the stick; the journal is changed here alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from leapfrog.control.arguments import (
    DeliveryIdsAsked,
    NewPartAsked,
    PageAsked,
    PartAsked,
    PartsAsked,
    ReceiptAsked,
    StickAsked,
    handler,
)
from leapfrog.control.control_socket import Handler
from leapfrog.district_key import DistrictPublicKey
from leapfrog.errors import NotAReceipt, UsageError
from leapfrog.settings import DestinationSettings, Settings
from leapfrog.settings.destinations import SENDABLE
from leapfrog.state.journal import Journal
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.delivery_queue import RANKS, ranks_of
from leapfrog.state.sending.encodings import Encodings
from leapfrog.state.sending.exported import Addressee, Became, Exported, NewPart, Part, Turn
from leapfrog.state.sending.taken_syntaxes import TakenSyntaxes
from leapfrog.state.station.station_key import public_keys
from leapfrog.stick.receipt import Receipt, read_receipt
from leapfrog.wording.text import one_line

REFUSED = "The district did not take it: {reason}"
NO_REASON = "it did not say why"
OF_ANOTHER_BOX = "This receipt is for another box. Leave it on the stick, and bring that there."
NEVER_WRITTEN = (
    "This receipt is for something that this box did not write, or does not know any more, such as after its journal"
    " was made anew. What is owed stays owed, and goes on the next stick."
)


class StickDesk:
    """The commands that have to do with sticks."""

    def __init__(self, journal: Journal, settings: Callable[[], Settings], wake: Callable[[], None]) -> None:
        """`wake` is called when something was confirmed or refused."""
        self._journal = journal
        self._settings = settings
        self._exported = Exported(journal)
        self._encodings = Encodings(journal)
        self._wake = wake

    def handlers(self) -> dict[str, Handler]:
        """Each command by its name on the control socket."""
        return {
            "look_at_stick": handler(StickAsked, self.look),
            "page_for_stick": handler(PageAsked, self.page),
            "still_waiting": handler(DeliveryIdsAsked, self.still_waiting),
            "note_exported": handler(NewPartAsked, self.note),
            "note_parts": handler(PartsAsked, self.note_parts),
            "take_receipt": handler(ReceiptAsked, self.take_receipt),
        }

    # ------------------------------------------------------------ export

    def look(self, destination: str | None, kinds: Sequence[str], parts: Sequence[PartAsked]) -> dict[str, Any]:
        """For whom a stick is written, and what this box knows of the `parts` that are on it. How much is to be written
        if these are whole. Raises UsageError when it is not clear for whom, or for an unknown kind.
        """
        to = self._destination(destination)
        known = self._exported.known(to.name, _parts(parts))
        here = [(one.export_id, one.part) for one in known]
        total, byte_count = self._exported.total(to.name, _ranks(kinds), here)
        return {
            "destination": to.name,
            "public_key": to.public_key,
            "parts": [asdict(one) for one in known],
            "total": total,
            "byte_count": byte_count,
        }

    def _destination(self, name: str | None) -> DestinationSettings:
        with_key = {one.name: one for one in self._settings().destinations if one.public_key}
        if name is not None and name in with_key:
            return with_key[name]
        if name is not None:
            there = name in [one.name for one in self._settings().destinations]
            raise UsageError(
                f"The destination {name} has no public_key in the settings, so nothing can be encrypted to it."
                if there
                else f"The settings have no destination {name}."
            )
        if not with_key:
            raise UsageError(
                "The settings have no public key of a district, so nothing can be encrypted to it. Have `leapfrog"
                " receive --public-key` run at the district, and put the line that it prints into the settings as"
                " district.public_key; then restart Leapfrog."
            )
        if len(with_key) > 1:
            raise UsageError(f"Say for whom with --destination: {', '.join(with_key)}.")
        return next(iter(with_key.values()))

    def page(
        self,
        destination: str | None,
        kinds: Sequence[str],
        parts: Sequence[PartAsked],
        rank: int,
        on_another: bool,
        after: int | None,
        most: int,
    ) -> dict[str, Any]:
        """Some of what is to be written next: each object as its row has it, and the smaller copy in whose form it
        goes, if there is one. `after` says from where to go on; it is None after the last.
        """
        to = self._destination(destination)
        if rank not in _ranks(kinds):
            return {"objects": [], "after": None}
        addressee = Addressee(to.name, to.public_key)
        page = self._exported.page(addressee, Turn(rank, on_another), _parts(parts), after, most)
        accepted = TakenSyntaxes(self._journal, self._settings().destinations).by(to.name)
        return {
            "objects": [self._object(delivery, accepted) for delivery in page.deliveries],
            "after": page.after,
        }

    def _object(self, delivery: DeliveryRecord, accepted: frozenset[str]) -> dict[str, Any]:
        encoding = self._encodings.best_for(delivery, accepted)
        return {"delivery": asdict(delivery), "encoding": encoding and asdict(encoding)}

    def still_waiting(self, ids: list[str]) -> list[str]:
        """Those of these deliveries that wait."""
        return self._exported.still_waiting(ids)

    def note(
        self,
        destination: str,
        public_key: str,
        station_key: str,
        export_id: str,
        part: int,
        byte_count: int,
        file_sha256: str,
        contents: dict[str, str],
    ) -> None:
        """Note a part that is about to get its name on a stick."""
        new = NewPart(export_id, part, public_key, station_key, byte_count, file_sha256, tuple(contents.items()))
        self._exported.add(self._destination(destination).name, new)

    def note_parts(self, parts: Sequence[PartAsked], are_there: bool) -> None:
        """Note that parts are on a stick, or on none any more."""
        (self._exported.are_there if are_there else self._exported.are_gone)(_parts(parts))

    # ------------------------------------------------------------ import

    def take_receipt(self, receipt: str) -> dict[str, Any]:
        """Confirm and refuse what a district says in `receipt`. Returns for which destination and part it is, how many
        objects became what, and how many of the part still wait. Or `problem`, why it says nothing: it is not
        `genuine`, since no district of the settings signed it, or it is for another box or for nothing that this box
        wrote.
        """
        try:
            public_key, found = self._read(receipt.encode())
        except NotAReceipt as problem:
            return {"genuine": False, "problem": str(problem)}
        part = (found.export_id, found.part)
        if bytes.fromhex(found.station_key) not in public_keys(self._settings().state_dir):
            return {"genuine": True, "problem": OF_ANOTHER_BOX}
        to = self._exported.addressee_of(part)
        if to is None or to.public_key != public_key:
            return {"genuine": True, "problem": NEVER_WRITTEN}
        became: dict[Became, int] = self._exported.take(
            part,
            [(one.delivery_id, one.sha256) for one in found.confirmed],
            [(one.delivery_id, _told(one.reason)) for one in found.refused],
        )
        self._wake()
        known = self._exported.known(to.destination, [part])
        return {
            "genuine": True,
            "problem": "",
            "destination": to.destination,
            "export_id": found.export_id,
            "part": found.part,
            "became": became,
            "waiting": sum(one.waiting for one in known),
        }

    def _read(self, content: bytes) -> tuple[str, Receipt]:
        """The receipt, and the public key of the district that signed it: one of the settings. Destinations may share
        one, and get other names.
        """
        keys = dict.fromkeys(one.public_key for one in self._settings().destinations if one.public_key)
        problem = NotAReceipt(
            "The settings have no public key of a district, so that no receipt can be checked: put it into the settings"
            " as district.public_key, and restart Leapfrog."
        )
        for key in keys:
            try:
                return key, read_receipt(content, DistrictPublicKey.parse(key))
            except NotAReceipt as not_of_it:
                problem = not_of_it
        raise problem


def _ranks(kinds: Sequence[str]) -> frozenset[int]:
    """The ranks of the objects of these kinds, of all without any. Raises UsageError for an unknown kind."""
    if unknown := sorted(set(kinds) - set(SENDABLE)):
        raise UsageError(f"There is no kind {unknown[0]!r}. Use some of: {', '.join(SENDABLE)}.")
    return frozenset(rank for kind in kinds for rank in ranks_of(kind)) if kinds else frozenset(RANKS)


def _parts(parts: Sequence[PartAsked]) -> list[Part]:
    return [(one.export_id, one.part) for one in parts]


def _told(reason: str) -> str:
    return REFUSED.format(reason=one_line(reason) or NO_REASON)
