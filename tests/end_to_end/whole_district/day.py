"""The whole story: two clinics send, one over a link and one by stick, while one of everything is killed; then all is
looked at.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from end_to_end.whole_district.audit import Audit, audit, listed
from end_to_end.whole_district.clinic import Clinic
from end_to_end.whole_district.courier import Courier
from end_to_end.whole_district.exams import Dose, Exam, make_exams, make_late
from end_to_end.whole_district.fleet_page import FleetPage, look_at_fleet
from end_to_end.whole_district.introductions import introduce_linked, introduce_remote
from end_to_end.whole_district.kills import Kill
from support.disk_image import DiskImage
from support.district import READERS_PORT, District, why_no_district
from support.radiologist import pdf_pages
from support.waiting import wait_until

ANSWER = Path(__file__).resolve().parents[3] / "config" / "district" / "answer"
AUTHORITY = "/etc/leapfrog-district/tls/authority.pem"
LINKED, REMOTE = ("kitui", "KITUI"), ("mwingi", "MWINGI")
LONG_SECONDS = 120.0
RADIOLOGIST = "Odhiambo^Grace"
ANSWERED = "The radiologist has answered"
# In this order, each when so much of what the linked box owes has arrived.
SERVER_KILLS = (
    (0.1, "nginx", ("nginx",)),
    (0.3, "Orthanc 1", ("leapfrog-orthanc@1.service",)),
    (0.5, "PostgreSQL", ("postgresql@*-district.service",)),
)
KIOSK_KILL = 0.7
LEAST_OBJECTS = 4  # of an exam: the image, a structured report, a PDF, a picture
MOST_TRIPS = 6
SYNC_SECONDS = 2.0
READING = "SELECT 1 FROM instances WHERE state = 'received' AND attempt_open = 1"
SENDING = "SELECT 1 FROM deliveries WHERE state = 'waiting' AND kind <> 'print'"

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
        if self.audit is None or self.fleet is None:
            return [*found, "it did not come to its end"]
        return [*found, *(f"{name}: {count}" for name, count in self.audit.wrong.items()), *self.fleet.wrong]


def why_not(directory: Path) -> str:
    """Why this cannot be done here, with files in `directory`; '' when it can."""
    if reason := why_no_district():
        return reason
    if shutil.which("storescu") is None:
        return "not installed: storescu (dcmtk)"
    return "" if DiskImage.possible(directory) else "this machine mounts no disk image, and a stick is one"


def live(directory: Path, dose: Dose, shared_data: Path | None, say: Say) -> Outcome:
    """Live through it in an empty folder. Raises AssertionError where something does not happen that has to."""
    with ExitStack() as stack:
        day = _Day(directory, dose, shared_data, say)
        with day.timed("set-up"):
            machine = directory / "machine"
            machine.mkdir()
            district = stack.enter_context(District(machine, on_disk=True))
            day.set_up(district, stack)
        with day.timed("sent, and killed in the midst"):
            day.send()
        with day.timed("by stick, until nothing is owed"):
            day.carry()
        with day.timed("the answer comes back"):
            answer = day.answer()
        with day.timed("all is looked at"):
            day.look(answer)
        return day.outcome


class _Day:
    def __init__(self, directory: Path, dose: Dose, shared_data: Path | None, say: Say) -> None:
        self.outcome = Outcome()
        self._directory = directory
        self._dose = dose
        self._say = say
        self._exams = [make_exams(directory / f"exams-{seed}", dose, shared_data, seed) for seed in (1, 2)]

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        self._say(what)
        began = time.monotonic()
        yield
        self.outcome.seconds[what] = time.monotonic() - began

    def set_up(self, district: District, stack: ExitStack) -> None:
        """Servers, and two boxes that know them and are known there."""
        district.install_leapfrog()
        said = district.set_up()
        assert "PROBLEM" not in said, said
        (self._password,) = re.findall(r"Radiologists read as 'reader' with the password (\S+)", said)
        self._district = district
        self._linked = Clinic(*LINKED, self._directory / LINKED[0], district.way_into_network())
        self._remote = Clinic(*REMOTE, self._directory / REMOTE[0])
        self._courier = stack.enter_context(Courier(self._directory, district, self._remote))
        introduce_linked(district, self._linked)
        introduce_remote(district, self._remote)
        for clinic in self._clinics:
            stack.enter_context(clinic.kiosk)

    @property
    def _clinics(self) -> tuple[Clinic, Clinic]:
        return self._linked, self._remote

    def send(self) -> None:
        """Both clinics send their exams. The servers and both boxes are killed meanwhile, and start again."""
        for clinic, exams in zip(self._clinics, self._exams, strict=True):
            clinic.send(exams)
        self._remote.kill_in_the_midst(READING)
        self._note("the box without a link", "an image was being read")
        objects = LEAST_OBJECTS * len(self._exams[0])
        for share, what, units in SERVER_KILLS:
            self._kill_when_confirmed(share * objects, what, units)
        self._wait_until_confirmed(KIOSK_KILL * objects)
        self._linked.kill_in_the_midst(SENDING)
        self._note("the linked box", self._sending())
        self._linked.kiosk.wait_until_read(len(self._exams[0]), deadline_seconds=LONG_SECONDS)
        wait_until(self._nothing_owed, "the linked box has sent everything", deadline_seconds=LONG_SECONDS)
        self._send_late(self._linked, self._exams[0], 1)

    def _send_late(self, clinic: Clinic, exams: list[Exam], seed: int) -> None:
        """More films of exams whose results are at the district already, or on their way."""
        late = make_late(self._directory / f"late-{seed}", exams, self._dose, seed)
        clinic.send(late)
        clinic.kiosk.wait_until_read(len(clinic.exams), deadline_seconds=LONG_SECONDS)

    def _kill_when_confirmed(self, count: float, what: str, units: Sequence[str]) -> None:
        self._wait_until_confirmed(count)
        midst = self._sending()
        self._district.do("systemctl", "kill", "-s", "KILL", *units)
        assert self._linked.progress().owed, f"{what} was killed while something was owed"
        self._note(what, midst)

    def _wait_until_confirmed(self, count: float) -> None:
        wait_until(
            lambda: self._linked.progress().confirmed >= count,
            f"{count:.0f} objects of the linked box are confirmed",
            deadline_seconds=LONG_SECONDS,
        )

    def _sending(self) -> str:
        progress = self._linked.progress()
        return f"{progress.confirmed} of {progress.confirmed + progress.owed} objects confirmed"

    def _note(self, what: str, midst: str) -> None:
        self._say(f"killed: {what} ({midst})")
        self.outcome.kills.append(Kill(what, midst))

    def _nothing_owed(self) -> bool:
        self._linked.kiosk.ask("sync")
        progress = self._linked.progress()
        return progress.confirmed > 0 == progress.owed

    def carry(self) -> None:
        """The stick goes there and back, with accidents at first, until the box without a link owes nothing."""
        remote, (_, exams) = self._remote, self._exams
        remote.kiosk.wait_until_read(len(exams), deadline_seconds=LONG_SECONDS)
        remote.kiosk.wait_until_quiet(deadline_seconds=LONG_SECONDS)
        self._courier.trip_with_accidents(lambda: self._send_late(remote, exams, 2))
        self.outcome.kills += self._courier.kills
        while remote.progress().owed and self._courier.trips < MOST_TRIPS:
            remote.kiosk.wait_until_quiet(deadline_seconds=LONG_SECONDS)
            self._courier.trip()
        self._courier.bring()  # so that the district hears that nothing is owed
        self.outcome.trips = self._courier.trips

    def answer(self) -> str:
        """A radiologist reads the linked clinic's urgent exam, and writes. Returns what was put into the study."""
        wait_until(self._nothing_owed, "the linked box has sent everything", deadline_seconds=LONG_SECONDS)
        (exam, *_) = [exam for exam in self._linked.exams if exam.urgent]
        before = listed(self._district, 1)
        self._district.path("/tmp/answer.pdf").write_bytes(pdf_pages("Pneumothorax on the left. Refer at once."))
        self._district.do(
            str(ANSWER), "--study", exam.study_instance_uid, "--by", RADIOLOGIST,
            "--to", f"https://127.0.0.1:{READERS_PORT}", "--ca", AUTHORITY, "--user", f"reader:{self._password}",
            "/tmp/answer.pdf",
        )  # fmt: skip
        (uid,) = listed(self._district, 1).keys() - before.keys()
        wait_until(
            self._is_answered, "the box shows the answer", deadline_seconds=LONG_SECONDS, poll_seconds=SYNC_SECONDS
        )
        return uid

    def _is_answered(self) -> bool:
        self._linked.kiosk.ask("sync")  # again: a round of questions may have begun before the answer was there
        pages = [path.read_text() for path in self._linked.kiosk.reports_dir.glob("*/*/report.html")]
        return sum(ANSWERED in page for page in pages) == 1

    def look(self, answer: str) -> None:
        """At what both boxes owe, what the district holds, and what its page of all boxes says."""
        for clinic in self._clinics:
            clinic.kiosk.wait_until_quiet(deadline_seconds=LONG_SECONDS)
        wait_until(self._nothing_owed, "the linked box has sent everything", deadline_seconds=LONG_SECONDS)
        self.outcome.owed = {clinic.name: clinic.progress().owed for clinic in self._clinics}
        self.outcome.audit = audit(self._district, self._clinics, [answer])
        self.outcome.fleet = look_at_fleet(
            self._district, *self._clinics, self._courier.last_export, f"reader:{self._password}"
        )
        wait_until(
            lambda: self._district.run("district-check", "--digests").returncode == 0, "the district is well again"
        )
