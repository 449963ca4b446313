"""A district with boxes of nobody: their keys and their states in folders, as `leapfrog fleet` finds them."""

import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leapfrog.commands.fleet.command import FleetOutcome, show_fleet
from leapfrog.fleet.box_state import (
    Attention,
    BoxState,
    Certificate,
    Clock,
    DayCount,
    Device,
    Disk,
    Model,
    Owed,
    WeekCount,
)
from leapfrog.fleet.signed_state import sign_state
from leapfrog.state.station.station_key import StationKey


def key_of(name: str) -> Ed25519PrivateKey:
    """The key of a box: the same at each call."""
    return Ed25519PrivateKey.from_private_bytes(random.Random(name).randbytes(32))


def weeks_before(today: date, shares: Sequence[float], exams: int = 60, **more: int) -> tuple[WeekCount, ...]:
    """Full weeks up to `today`, each with that share of urgent exams."""
    monday = today - timedelta(days=today.weekday())
    return tuple(
        WeekCount(
            week=week_name(monday - timedelta(weeks=len(shares) - number)),
            exams=exams,
            urgent=round(exams * share),
            **{"not_assessed": exams // 20, "answered": exams // 2, "differing": exams // 20, **more},
        )
        for number, share in enumerate(shares)
    )


def week_name(day: date) -> str:
    """The ISO week of a day, such as 2026-W48."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def well(name: str, made_at: datetime, **said: Any) -> BoxState:
    """The state of a box that needs nobody, with what is said otherwise."""
    chance = random.Random(name)
    today = made_at.date()
    values: dict[str, Any] = {
        "box": name,
        "made_at": made_at,
        "sequence": int(made_at.timestamp()),
        "version": "1.4.0",
        "uptime_seconds": 800_000,
        "owed": {"district": Owed(count=chance.randrange(40), bytes=30_000_000, oldest_seconds=7_200)},
        "device": Device(what="edgetpu", since=made_at - timedelta(days=9)),
        "disks": (Disk(what="state", free_bytes=chance.randrange(100, 190) * 10**9, total_bytes=256 * 10**9),),
        "clock": Clock(synchronised=True, now=made_at),
        "certificates": (Certificate(what="district.client_certificate", ends_at=made_at + timedelta(days=700)),),
        "models": (Model(name="chest-findings", version="1.2.0"), Model(name="fetal-head", version="1.1.0")),
        "exams_per_day": tuple(
            DayCount(day=today - timedelta(days=13 - number), exams=chance.randrange(5, 18)) for number in range(14)
        ),
        "weeks": weeks_before(today, [chance.uniform(0.12, 0.18) for _ in range(25)]),
    }
    return BoxState(**{**values, **said})


@dataclass
class MadeUpFleet:
    """The folders of one district below `root`, at the moment `now`."""

    root: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self) -> None:
        """Make the folders."""
        for folder in (self.boxes, self.stations):
            folder.mkdir(parents=True)

    @property
    def boxes(self) -> Path:
        """Where the boxes leave their states."""
        return self.root / "boxes"

    @property
    def stations(self) -> Path:
        """The keys of the boxes."""
        return self.root / "stations"

    @property
    def out(self) -> Path:
        """Where the page comes to lie."""
        return self.root / "out"

    def know(self, name: str) -> None:
        """Let the district know the key of a box."""
        (self.stations / f"{name}.pem").write_text(StationKey(key_of(name)).public_pem)

    def send(self, name: str, *, by_stick: bool = False, known: bool = True, **said: Any) -> BoxState:
        """Have a box leave its state: one that needs nobody, but for what is said otherwise."""
        if known:
            self.know(name)
        made_at = said.pop("made_at", self.now - timedelta(seconds=3))
        state = well(name, made_at, **said)
        self.put(name, signed(name, state), by_stick=by_stick)
        return state

    def put(self, name: str, content: bytes, *, by_stick: bool = False) -> Path:
        """Lay something in the place of a box's state."""
        folder = self.boxes / "by-stick" if by_stick else self.boxes
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.json"
        file.write_bytes(content)
        return file

    def look(self, later: timedelta = timedelta(0)) -> FleetOutcome:
        """`leapfrog fleet`, now or later."""
        return show_fleet(self.boxes, self.out, self.stations, self.now + later)

    def heard_ago(self, name: str, ago: timedelta) -> None:
        """Let it have been so long ago that the newest state of a box came."""
        file = self.out / "seen.json"
        memory = json.loads(file.read_text())
        memory["boxes"][name]["arrived_at"] = (self.now - ago).isoformat()
        file.write_text(json.dumps(memory))

    def trouble(self) -> None:
        """Boxes of which most are in a need that their name says; and files that are nobody's."""
        now, today = self.now, self.now.date()
        self.send("well")
        self.send("well-too")
        self.send("silent", made_at=now - timedelta(days=3))
        self.send("forged")
        self.put("forged", signed("a stranger", well("forged", now)))
        self.send(
            "drifting", weeks=weeks_before(today, [0.15] * 21 + [0.35] * 4), box="Drifting <b>Level 4</b> \u202eH"
        )
        before = weeks_before(today - timedelta(weeks=4), [0.15] * 21)
        self.send("differing", weeks=(*before, *weeks_before(today, [0.15] * 4, differing=12)))
        self.send("full", disks=(Disk(what="<state>", free_bytes=2 * 10**9, total_bytes=256 * 10**9),))
        self.send("low", disks=(Disk(what="reports", free_bytes=20 * 10**9, total_bytes=256 * 10**9),))
        ends = (("ending", timedelta(days=3)), ("ending-soon", timedelta(days=20)))
        for name, left in ends:
            self.send(name, certificates=(Certificate(what="district.client_certificate", ends_at=now + left),))
        owed = {"district": Owed(count=812, bytes=9 * 10**9, oldest_seconds=5 * 86_400)}
        self.send("owing", owed=owed)
        owed = {"district": Owed(count=812, bytes=9 * 10**9, oldest_seconds=15 * 86_400)}
        self.send("owing-long", owed=owed)
        full = Attention(what="The disk is nearly full, so new images are refused.", since=now, cannot_wait=True)
        self.send("refusing", attention=(full,))
        self.send("fast", made_at=now + timedelta(hours=2), clock=Clock(synchronised=False, now=now))
        self.send("old-model", models=(Model(name="chest-findings", version="1.1.0"),))
        self.send(
            "asking", attention=(Attention(what="<script>alert(1)</script> The printer has no paper.", since=now),)
        )
        self.send("by-stick", by_stick=True, made_at=now - timedelta(days=4))
        self.send("gone")
        self.know("never")
        os.utime(self.stations / "never.pem", ((now - timedelta(days=5)).timestamp(),) * 2)
        self.look()
        (self.boxes / "gone.json").unlink()
        self.heard_ago("silent", timedelta(days=3))
        self.send('nobody"<img src=x>', known=False)
        os.mkfifo(self.boxes / "pipe.json")

    @property
    def page(self) -> str:
        """The page as it was written last."""
        return (self.out / "index.html").read_text()


def signed(name: str, state: BoxState) -> bytes:
    """The state as the box of that name signs it."""
    key = key_of(name)
    return sign_state(state, key.public_key().public_bytes_raw(), key.sign)
