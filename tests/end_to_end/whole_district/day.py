"""The whole story: two clinics send, one over a link and one by stick, while one of everything is killed; then all is looked
at.
"""

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import leapfrog
from end_to_end.whole_district.audit import Audit, audit
from end_to_end.whole_district.clinic import Clinic
from end_to_end.whole_district.exams import Dose, Exam, make_exams, make_late
from end_to_end.whole_district.fleet_page import FleetPage, look_at_fleet
from end_to_end.whole_district.kills import Kill, run_and_kill
from end_to_end.whole_district.stick import PLACE, Stick
from support.disk_image import DiskImage
from support.district import READERS_PORT, District, why_no_district
from support.radiologist import pdf_pages
from support.waiting import wait_until

ANSWER = Path(__file__).resolve().parents[3] / "config" / "district" / "answer"
AUTHORITY = "/etc/leapfrog-district/tls/authority.pem"
LINKED, REMOTE = ("kitui", "KITUI"), ("mwingi", "MWINGI")
LONG_SECONDS = 240.0
STICK_MEBIBYTES = 512
MOST_TRIPS = 6  # of a stick, there and back

Say = Callable[[str], object]


@dataclass
class Outcome:
    """What happened, how long each part of it took, and what came of it."""

    kills: list[Kill] = field(default_factory=list)
    trips: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)
    audit: Audit | None = None
    fleet: FleetPage | None = None

    @property
    def broken_promises(self) -> list[str]:
        """In words."""
        found = [f"{clinic} owes {count} objects" for clinic, count in self.owed.items() if count]
        found += [f"{name.replace('_', ' ')}: {count}" for name, count in self.audit.wrong.items()] if self.audit else ["nothing was looked at"]
        found += self.fleet.wrong if self.fleet else ["there is no page of the fleet"]
        return found


def why_not(directory: Path) -> str:
    """Why this cannot be done here, with files in `directory`; '' when it can."""
    if reason := why_no_district():
        return reason
    if shutil.which("storescu") is None:
        return "not installed: storescu (dcmtk)"
    return "" if DiskImage.possible(directory) else "this machine mounts no disk image: a stick is one"
