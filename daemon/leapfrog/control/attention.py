"""What needs attention and no part of the daemon reports: what waits in the journal, what is seen from outside."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from leapfrog.control.inspection.clock import clock_problem
from leapfrog.control.inspection.disk_history import DiskHistory
from leapfrog.control.inspection.disks import (
    REPORTS_DISK,
    STATE_DISK,
    DiskState,
    disk_problem,
    look_at_disk,
    reports_disk,
    try_writing,
)
from leapfrog.control.inspection.folders import folder_problem
from leapfrog.control.inspection.patience import Look
from leapfrog.control.inspection.port import port_problem
from leapfrog.intake.receiver.tls import tls_problems
from leapfrog.language.sentence import plural, sentence
from leapfrog.outbox.carried import carrying_problems
from leapfrog.outbox.told import with_article
from leapfrog.outbox.trouble import ON_HOLD_FOR_STAFF, ON_HOLD_FOR_STAFF_OF
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.problem import Problem
from leapfrog.settings import DestinationSettings, Settings
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.commitments import Commitment, Commitments
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.journal import Journal
from leapfrog.state.publications import Publications
from leapfrog.state.station.local_thresholds import local_thresholds
from leapfrog.state.studies import numbers_among
from leapfrog.wording.text import MOST_NAMED_EXAMS, count, exams_in_brackets
from leapfrog.worklist.reports_disk import inspect

INSPECTION_SECONDS = 6.0  # for the disk of the reports, the start of the publishing program included

OWED = "state IN ('waiting', 'refused')"
LISTED_IDS = 5  # in one line
LISTED_MODALITIES = 3

UNREADABLE_FOR_STAFF = plural(
    "{count} image cannot be read: the exams are marked below. Look at the pictures at the machine that made them, or"
    " send them again.",
    "{count} images cannot be read: the exams are marked below. Look at the pictures at the machine that made them, or"
    " send them again.",
)
DAMAGED_FOR_STAFF = sentence(
    "Some stored images are damaged. Keep them on the machine that made them, and tell the technician."
)
LACKING_FOR_STAFF = sentence(
    "Some reports cannot be sent to the district in full. They are complete here. Tell the technician."
)
SAME_NUMBER_FOR_STAFF = sentence("A machine gave two images the same number. Nothing is lost. Tell the technician.")

NO_DAEMON = Problem(
    what="No daemon is running, so no images are received.",
    remedy="Start it with `systemctl start leapfrog` or `leapfrog run`.",
)


class JournalView:
    """What waits for a person, by the journal. Takes the same time for any number of rows."""

    def __init__(self, journal: Journal, destinations: Sequence[DestinationSettings]) -> None:
        """Reads `journal` with each question. `destinations` are those that the settings have."""
        self._journal = journal
        self._destinations = tuple(destinations)
        self._configured = frozenset(one.name for one in destinations)
        self._carried = frozenset(one.name for one in destinations if one.kind == "stick")
        self._commitments = Commitments(journal)
        self._deliveries = Deliveries(journal)

    def problems(self, *, live: bool) -> tuple[Problem, ...]:
        """Everything that waits, with the time of the oldest. While a daemon is `live`, its outbox says what is on
        hold, of destinations that a link reaches.
        """
        owed = self._deliveries.destinations_owed()
        gone = {name: total for name, total in owed.items() if name not in self._configured}
        return (
            *self._found(),
            *(self._gone(name, total) for name, total in gone.items()),
            *self._on_hold((owed.keys() & self._carried) if live else (owed.keys() - gone.keys())),
            *(
                problem
                for destination in self._destinations
                for problem in carrying_problems(destination, self._deliveries, datetime.now().astimezone())
            ),
        )

    def _gone(self, name: str, total: int) -> Problem:
        objects = count(total, "object")
        what = "The settings have no district.url" if name == DISTRICT else f"The settings have no destination {name}"
        waits = "waits for it and is not sent" if total == 1 else "wait for it and are not sent"
        return Problem(
            what=f"{what} any more. {objects} {waits}; the exams are kept.",
            since=self._oldest("created_at", f"deliveries WHERE destination = ? AND {OWED}", name),
            remedy="Put it back and restart Leapfrog, or, if nothing more is to be sent to it, run"
            f" `leapfrog dismiss --destination {name}`.",
        )

    def _on_hold(self, names: Collection[str]) -> Iterator[Problem]:
        for name in sorted(names):
            total = self._deliveries.totals_of(name)["refused"]
            if not total:
                continue
            rows = f"deliveries WHERE destination = ? AND state = 'refused' AND {OWED}"
            told = ON_HOLD_FOR_STAFF if name == DISTRICT else ON_HOLD_FOR_STAFF_OF.format(destination=name)
            server = "the district server" if name == DISTRICT else with_article(name)
            yield Problem(
                what=f"{count(total, 'object')} cannot be delivered to {server}{self._exams('study_key', rows, name)}.",
                since=self._oldest("created_at", rows, name),
                remedy="`leapfrog deliveries --state refused` says why; `leapfrog retry ID` sends an object again,"
                " `leapfrog dismiss ID` gives it up.",
                for_staff=told,
            )

    def _found(self) -> Iterator[Problem]:
        if total := self._journal.counts("instances")["set_aside"]:
            exams = self._exams("study_key", "instances WHERE state = 'set_aside'")
            yield Problem(
                what=f"{count(total, 'file')} could not be read{exams}.",
                since=self._oldest("received_at", "instances WHERE state = 'set_aside'"),
                remedy="`leapfrog instances --state set_aside` says why; `leapfrog retry ID` reads a file again.",
                for_staff=UNREADABLE_FOR_STAFF.format(count=total),
            )
        for kind, found in (("missing", "are missing from the spool"), ("damaged", "in the spool are damaged")):
            rows = f"instances WHERE file_problem <> '' AND file_problem = '{kind}'"
            if total := self._journal.count(rows):
                yield Problem(
                    what=f"{count(total, 'stored image')} {_singular(found, total)}{self._exams('study_key', rows)}.",
                    since=self._oldest("file_problem_since", rows),
                    remedy="Send them again from the machine that made them: that repairs them. `leapfrog instances"
                    " --file-problems` lists them. Then have the disk checked.",
                    for_staff=DAMAGED_FOR_STAFF,
                    cannot_wait=True,
                )
        newest = self._journal.row("SELECT received_at FROM instances ORDER BY sequence DESC LIMIT 1")
        if problem := clock_problem(datetime.now().astimezone(), newest["received_at"] if newest else None):
            yield problem
        yield from self._worth_knowing()

    def _worth_knowing(self) -> Iterator[Problem]:
        if total := self._journal.count("studies WHERE not_made <> '[]'"):
            rows = self._journal.rows(
                "SELECT DISTINCT not_made FROM (SELECT not_made FROM studies WHERE not_made <> '[]'"
                " ORDER BY sequence DESC LIMIT 100) LIMIT 3"
            )
            exams = self._exams("key", "studies WHERE not_made <> '[]'")
            reasons = dict.fromkeys(reason for row in rows for reason in _sentences(row["not_made"]))
            yield Problem(
                what=f"{count(total, 'report')} cannot be sent to the district in full{exams}. {' '.join(reasons)}",
                since=self._oldest("received_at", "studies WHERE not_made <> '[]'"),
                for_staff=LACKING_FOR_STAFF,
            )
        if total := self._journal.count("instances WHERE forward_as IS NOT NULL"):
            yield Problem(
                what=f"{count(total, 'image')} arrived with the identifier (SOP Instance UID) of another image. Nothing"
                " is lost: each is kept, and sent on with a new identifier.",
                since=self._oldest("received_at", "instances WHERE forward_as IS NOT NULL"),
                for_staff=SAME_NUMBER_FOR_STAFF,
            )

        yield from _never_told(self._commitments.given_up())

    def _exams(self, study_key: str, rows: str, *values: str) -> str:
        """The exams of the newest of these rows, in brackets; `study_key` is the column that names them."""
        return exams_in_brackets(numbers_among(self._journal, study_key, rows, MOST_NAMED_EXAMS + 1, values))

    def _oldest(self, column: str, rows: str, *values: str) -> str:
        row = self._journal.row(f"SELECT {column} FROM {rows} ORDER BY sequence LIMIT 1", values)
        return str(row[0] or "") if row else ""


def _never_told(given_up: list[Commitment]) -> Iterator[Problem]:
    """A line for a few modalities, and one for all others: anybody in the network may ask under any AE title."""
    by_modality = [list(ones) for _, ones in groupby(given_up, key=lambda one: one.ae_title)]
    yield from (_modality_never_told(ones) for ones in by_modality[:LISTED_MODALITIES])
    if others := by_modality[LISTED_MODALITIES:]:
        yield Problem(
            what=f"So it is with {count(len(others), 'other AE title')}.",
            since=min(ones[0].requested_at for ones in others),
            remedy="They are forgotten after a month. If they are not your machines, let only yours connect:"
            " allowed_addresses under [dicom] in the settings file.",
            in_worklist=False,
        )


def _modality_never_told(given_up: list[Commitment]) -> Problem:
    ids = " ".join(one.id for one in given_up[:LISTED_IDS])
    asked = count(len(given_up), "request")
    return Problem(
        what=f"{given_up[0].ae_title} could not be told whether its images are stored (storage commitment, {asked}). It"
        " is not tried any more. This does not change what becomes of the images here.",
        since=given_up[0].requested_at,
        names=(given_up[0].ae_title,),
        remedy="Check [[dicom.modality]] in the settings file and that machine; `leapfrog retry ID` tells it after all,"
        f" `leapfrog dismiss ID` forgets it: {ids}.",
        in_worklist=False,
    )


def _sentences(not_made: str) -> list[str]:
    return [str(sentence) for sentence in json.loads(not_made)]


def _singular(found: str, total: int) -> str:
    return found.replace("are ", "is ", 1) if total == 1 else found


@dataclass(frozen=True)
class Outside:
    """What a command sees of a box that no daemon runs on."""

    disks: tuple[DiskState, ...]
    problems: tuple[Problem, ...]


def seen_without_daemon(settings: Settings, journal: Journal | None) -> Outside:
    """Look at disks, folders and port. Takes a few seconds at most, even when a disk or share does not answer.

    The first problem is NO_DAEMON. Without a `journal`, nothing is known of how fast the disks fill.
    """
    history = DiskHistory(journal) if journal else None
    state = _with_days_left(_own_disk(STATE_DISK, settings.state_dir, settings), settings, history)
    reports = _with_days_left(_reports_disk(settings, journal), settings, history)
    disks = (state, reports)
    packages = packages_in_use(settings)
    found = [
        NO_DAEMON,
        *(disk_problem(disk, settings) for disk in disks),
        *(folder_problem(folder) for folder in settings.inbox_dirs if folder != settings.default_inbox),
        port_problem(settings.dicom.host, settings.dicom.port),
        *tls_problems(settings.dicom),
        *(Problem(what=problem) for problem in packages.problems()),
        *local_thresholds(settings.state_dir, lambda: packages).problems,
    ]
    return Outside(disks, tuple(problem for problem in found if problem is not None))


def _with_days_left(disk: DiskState, settings: Settings, history: DiskHistory | None) -> DiskState:
    if disk.error or history is None:
        return disk
    least = settings.retention.min_free_bytes if disk.name == STATE_DISK else 0
    days = history.days_left(disk.path, disk.free_bytes, least, datetime.now().timestamp())
    return disk.model_copy(update={"days_left": days})


def _reports_disk(settings: Settings, journal: Journal | None) -> DiskState:
    path = settings.reports_dir
    if path.is_relative_to(settings.state_dir):
        return _own_disk(REPORTS_DISK, path, settings)
    known = Publications(journal).folder() if journal else None
    apart = known is not None and known.path == str(path) and known.apart
    return reports_disk(inspect(path, settings.state_dir, apart=apart, seconds=INSPECTION_SECONDS), path)


def _own_disk(name: str, path: Path, settings: Settings) -> DiskState:
    def look() -> DiskState:
        made_at_start = path.is_relative_to(settings.state_dir) and not path.exists()
        seen = look_at_disk(name, settings.state_dir if made_at_start else path)
        if not seen.read_only:
            try_writing(Path(seen.path))
        return seen

    try:
        return Look(look).result()
    except OSError as problem:
        return DiskState(name=name, path=str(path), error=problem.strerror or type(problem).__name__)
