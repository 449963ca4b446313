"""Collects what this box says of itself, and signs it."""

import re
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from leapfrog.control.bundle_report import bundle_report
from leapfrog.control.own_state.certificates import certificates
from leapfrog.control.own_state.numbering import Numbering
from leapfrog.control.own_state.told_problems import moment_of, told_problems
from leapfrog.control.status import BoxStatus, StatusSource
from leapfrog.errors import CannotBeSigned
from leapfrog.fleet.box_state import (
    LARGEST_COUNT,
    BoxState,
    BundleInUse,
    Clock,
    Device,
    Disk,
    Model,
    Owed,
)
from leapfrog.fleet.signed_state import sign_state
from leapfrog.packages.catalogue import Catalogue
from leapfrog.state.action_log import counts, newest_hash
from leapfrog.state.journal import Journal
from leapfrog.state.sending.owed_bytes import owed_to_each
from leapfrog.state.station.station_key import StationKey
from leapfrog.state.upkeep.retention import clock_is_synchronised
from leapfrog.state.weeks import Weeks
from leapfrog.wording.text import clean

MOST_LISTED = 50  # disks, certificates, models, destinations
NO_WORD = re.compile(r"[^A-Za-z0-9._-]+")


class OwnState:
    """Any thread may call it."""

    def __init__(
        self,
        *,
        journal: Journal,
        source: StatusSource,
        models: Callable[[], Catalogue],
        station_key: Callable[[], StationKey | None],
    ) -> None:
        """`models` are the packages in use; `station_key` gives None where there is no key."""
        self._journal = journal
        self._source = source
        self._models = models
        self._station_key = station_key
        self._weeks = Weeks(journal)
        self._started = time.monotonic()
        self._numbering = Numbering(source.settings.state_dir, synchronised=clock_is_synchronised)
        self._lock = threading.Lock()

    def signed(self) -> bytes:
        """The state now, as a file for the district (`fleet/signed_state.py`). Each has a larger sequence number.

        Raises CannotBeSigned when this box has no key, StorageError when it cannot be read.
        """
        key = self._station_key()
        if key is None:
            raise CannotBeSigned(
                "This box has no station key, so it cannot sign what it says of itself. `leapfrog status` says what to"
                " do."
            )
        with self._lock:
            return sign_state(self.collected(self._numbering.next()), key.public_key, key.sign)

    def collected(self, sequence: int = 0) -> BoxState:
        """The state now. It takes a few milliseconds, also with a hundred thousand exams."""
        status = self._source.status(0)
        now = datetime.now().astimezone().replace(microsecond=0)
        today = now.date()
        return BoxState(
            box=_name(status.station),
            made_at=now,
            sequence=sequence,
            version=_name(status.version),
            uptime_seconds=int(time.monotonic() - self._started),
            owed=self._owed(status),
            instances=status.instances,
            device=_device(status),
            disks=tuple(
                Disk(what=disk.name, free_bytes=disk.free_bytes, total_bytes=disk.total_bytes)
                for disk in status.disks
                if not disk.error
            ),
            clock=Clock(synchronised=clock_is_synchronised(), now=now),
            certificates=certificates(self._source.settings)[:MOST_LISTED],
            models=tuple(
                Model(
                    name=_name(package.name),
                    version=_name(package.manifest.version),
                    demonstration=package.manifest.demonstration,
                )
                for package in self._models().packages[:MOST_LISTED]
            ),
            exams_per_day=self._weeks.days(today),
            weeks=self._weeks.weeks(today),
            attention=told_problems(status.attention, self._source.settings),
            actions=_actions(self._source.settings.state_dir),
            newest_action=newest_hash(self._source.settings.state_dir),
            bundle=_bundle(self._source.settings.state_dir),
        )

    def _owed(self, status: BoxStatus) -> dict[str, Owed]:
        oldest = {one.name: one.oldest_owed_seconds for one in status.outbox.destinations}
        owed = owed_to_each(self._journal)
        names = dict.fromkeys((*oldest, *owed))
        return {
            name: Owed(count=total, bytes=byte_count, oldest_seconds=_seconds(oldest.get(name)))
            for name in list(names)[:MOST_LISTED]
            for total, byte_count in (owed.get(name, (0, 0)),)
        }


def _device(status: BoxStatus) -> Device:
    since = datetime.fromtimestamp(int(status.device_since)).astimezone() if status.device_since else None
    return Device(what=clean(status.device, 100), since=since)


def _actions(state_dir: Path) -> dict[str, int]:
    counted = counts(state_dir).items()
    return {NO_WORD.sub("-", action)[:64]: total for action, total in list(counted)[:MOST_LISTED]}


def _bundle(state_dir: Path) -> BundleInUse | None:
    report = bundle_report(state_dir)
    return None if report.number is None else BundleInUse(number=report.number, since=moment_of(report.since))


def _name(text: str) -> str:
    return clean(text, 64) or "?"


def _seconds(seconds: float | None) -> int | None:
    return None if seconds is None else min(LARGEST_COUNT, max(0, int(seconds)))
