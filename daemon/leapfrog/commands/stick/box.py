"""What the box knows of what is owed, and what it notes, asked of the daemon or, without one, of the journal."""

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from leapfrog.control.asking import run_command
from leapfrog.district_key import DistrictPublicKey
from leapfrog.errors import LeapfrogError
from leapfrog.settings import Settings
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.encodings import Encoding
from leapfrog.state.sending.exported import TURNS, ExportedPart, Turn
from leapfrog.state.station.station_key import StationKey
from leapfrog.stick.layout import PartName

MOST_ON_A_PAGE = 300
PATIENCE_SECONDS = 300.0  # the daemon may have a slow disk, and much to do


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Owed:
    """An object that is to be written, and the smaller copy in whose form it goes, if there is one."""

    delivery: DeliveryRecord
    encoding: Encoding | None

    @property
    def byte_count(self) -> int:
        """About how many bytes it has."""
        return (self.encoding or self.delivery).byte_count


@dataclass(frozen=True)
class Look:
    """For whom a stick is written, what this box knows of the parts on it, and what else is to be written."""

    destination: str
    public_key: str
    parts: tuple[ExportedPart, ...]
    total: int
    byte_count: int


@dataclass(frozen=True)
class Head:
    """What each part begins with, and who signs it: the box's key, and for whom. `box_state` goes along in the first
    part.
    """

    key: StationKey
    destination: str
    district: DistrictPublicKey
    export_id: str
    box_state: dict[str, JsonValue] | None = None

    @property
    def station_key(self) -> str:
        """The public half of the box's key, in hexadecimal."""
        return self.key.public_key.hex()


class Box:
    """One box. Every method raises LeapfrogError when it does not answer, or says no."""

    def __init__(self, settings: Settings, destination: str | None, kinds: Sequence[str]) -> None:
        """What is owed to `destination`, or to the only one that has a key (None); objects of these `kinds`, or all."""
        self._settings = settings
        self._asked: dict[str, Any] = {"destination": destination, "kinds": list(kinds)}
        self.here: list[PartName] = []  # on the stick that is written

    def state(self) -> dict[str, JsonValue] | None:
        """What the box says of itself, signed; None when it cannot say it now, which keeps no exam on the box."""
        try:
            file = self._ask("box_state")["file"]
        except LeapfrogError as problem:
            _log.warning("The box's own state does not go along: %s", problem)
            return None
        state: dict[str, JsonValue] = json.loads(file)
        return state

    def look(self, parts: Collection[PartName] | None = None) -> Look:
        """What there is to do, if these parts are on the stick; those that are `here`, if none are given."""
        found = self._ask("look_at_stick", **self._asked, parts=_named(self.here if parts is None else parts))
        return Look(**found | {"parts": tuple(ExportedPart(**one) for one in found["parts"])})

    def owed(self, *, new_only: bool) -> Iterator[Owed]:
        """What is to be written, in the order in which it goes, without what is `here`; with `new_only`, without what
        is on another stick.
        """
        for turn in TURNS:
            if not (new_only and turn.on_another):
                yield from self._of_turn(turn)

    def _of_turn(self, turn: Turn) -> Iterator[Owed]:
        after: int | None = None
        while True:
            page = self._ask(
                "page_for_stick",
                **self._asked,
                parts=_named(self.here),
                rank=turn.rank,
                on_another=turn.on_another,
                after=after,
                most=MOST_ON_A_PAGE,
            )
            for one in page["objects"]:
                encoding = Encoding(**one["encoding"]) if one["encoding"] else None
                yield Owed(DeliveryRecord(**one["delivery"]), encoding)
            after = page["after"]
            if after is None:
                return

    def still_waiting(self, delivery_ids: Collection[str]) -> set[str]:
        """Those of these deliveries that wait."""
        return set(self._ask("still_waiting", ids=list(delivery_ids)))

    def note(self, head: Head, part: PartName, byte_count: int, file_sha256: str, contents: Mapping[str, str]) -> None:
        """Have a part noted, durably, that is about to get its name: of each delivery in it, the SHA-256."""
        self._ask(
            "note_exported",
            destination=head.destination,
            public_key=str(head.district),
            station_key=head.station_key,
            export_id=part.export_id,
            part=part.part,
            byte_count=byte_count,
            file_sha256=file_sha256,
            contents=dict(contents),
        )

    def note_parts(self, parts: Collection[PartName], *, are_there: bool) -> None:
        """Have it noted that these parts are on a stick, or on none any more."""
        if parts:
            self._ask("note_parts", parts=_named(parts), are_there=are_there)

    def _ask(self, command: str, **arguments: Any) -> Any:
        return run_command(self._settings, command, timeout_seconds=PATIENCE_SECONDS, **arguments)


def _named(parts: Collection[PartName]) -> list[dict[str, object]]:
    return [{"export_id": part.export_id, "part": part.part} for part in parts]
