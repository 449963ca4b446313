"""The state of the box in one value, for `leapfrog status` and the worklist."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from leapfrog import __version__
from leapfrog.control.action_log_watch import ActionLogWatch
from leapfrog.control.attention import JournalView, seen_without_daemon
from leapfrog.control.bundle_report import BundleReport, bundle_report
from leapfrog.control.engine_report import EdgeTpuReport, EngineReport
from leapfrog.control.inspection.confinement import confinement_problems
from leapfrog.control.inspection.disks import DiskState
from leapfrog.exam import Frozen
from leapfrog.language.sentence import sentence
from leapfrog.outbox.carried import carried_state, sticks_of
from leapfrog.outbox.link import GONE, NOT_CONFIGURED, NOT_SENDING, DestinationState, LinkState, OutboxState
from leapfrog.outbox.own_state.sender import StateSending
from leapfrog.printing.print_worker import printing_state, unprinted
from leapfrog.printing.state import PrintingState
from leapfrog.problem import Problem
from leapfrog.settings import DestinationSettings, Settings
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.commitments import Commitments
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.facts import Facts
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.sending.owed_bytes import OwedBytes, owed_bytes
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from leapfrog.worklist.box_line import BoxForStaff

NOT_RUNNING = "not running"
SLOWER_FOR_STAFF = sentence(
    "Exams may be read more slowly than usual; they are read all the same. Tell the technician."
)
BROKEN_REMEDY = (
    "Images are taken and kept all the same; after some tries each is set aside. The log says more; look at"
    " engine.python and engine.device in the settings, and run `leapfrog doctor`. Then `leapfrog retry` has them read."
)
LISTED = 20  # of each list in the status, unless more are asked for


class RefusedDelivery(Frozen):
    """A delivery that its destination refused, or a sheet that could not be printed; `id` is for `leapfrog retry` and
    `dismiss`.
    """

    id: str
    exam_number: str
    kind: str
    destination: str
    reason: str


class LackingReport(Frozen):
    """A report that cannot be sent to the district in full: why some of its DICOM objects could not be made."""

    study_key: str
    exam_number: str
    reasons: tuple[str, ...]


class BoxStatus(Frozen):
    """`leapfrog status --json`. `deliveries` counts what is owed to all destinations and what is printed, `printing`
    the latter alone; `outbox` has the same of each destination. `waiting`: what is to be sent, by destination and kind.
    `attention` is what a person should act on; `more` says of each list that was cut how many more there are.
    `device_since`: since when models run on that, in seconds since 1970, 0 where nobody knows. `own_state`: whether the
    district has what this box says of itself; None where the settings name no place for it.
    """

    version: str
    station: str
    listening: bool
    address: str
    ae_title: str
    device: str
    device_since: float
    edge_tpus: tuple[EdgeTpuReport, ...]
    instances: dict[str, int]
    deliveries: dict[str, int]
    commitments: dict[str, int]
    refused: tuple[RefusedDelivery, ...]
    lacking_reports: tuple[LackingReport, ...]
    lacking_reports_total: int
    more: dict[str, int]
    outbox: OutboxState
    waiting: tuple[OwedBytes, ...]
    printing: PrintingState
    oldest_owed_seconds: float | None
    last_confirmed_at: str | None
    free_bytes: int
    min_free_bytes: int
    disks: tuple[DiskState, ...]
    ignored_files: int
    forwarded_under_new_uid: int
    bundle: BundleReport
    state_dir: str
    reports_dir: str
    attention: tuple[Problem, ...] = ()
    own_state: StateSending | None = None


@dataclass(frozen=True, kw_only=True)
class Live:
    """What only the running daemon knows. `problems` is what its parts say is wrong now."""

    listening: Callable[[], bool]
    engine: Callable[[], EngineReport]
    ignored_files: Callable[[], int]
    outbox: Callable[[], OutboxState]
    printing: Callable[[], PrintingState]
    disks: Callable[[], tuple[DiskState, ...]]
    problems: Callable[[], tuple[Problem, ...]]
    own_state: Callable[[], StateSending | None]


class StatusSource:
    """Collects the status from the journal and, when the daemon runs, from its parts."""

    def __init__(
        self, *, settings: Settings, journal: Journal, deliveries: Deliveries, spool: Spool, live: Live | None = None
    ) -> None:
        """`live` is None for a command that looks at the state directory while no daemon is running."""
        self._settings = settings
        self._journal = journal
        self._instances = Instances(journal)
        self._commitments = Commitments(journal)
        self._studies = Studies(journal)
        self._deliveries = deliveries
        self._spool = spool
        self._live = live
        self._view = JournalView(journal, settings.destinations)
        self._action_log = ActionLogWatch(settings.state_dir, Facts(journal))

    @property
    def settings(self) -> Settings:
        """The settings of the box."""
        return self._settings

    def status(self, limit: int = LISTED) -> BoxStatus:
        """The state now, with at most `limit` entries in each list. It takes no longer with a large journal."""
        settings = self._settings
        live = self._live
        engine = live.engine() if live else EngineReport(device=NOT_RUNNING)
        instances, deliveries = self._journal.counts("instances"), self._journal.counts("deliveries")
        prints = self._journal.counts("prints")
        lacking = self._studies.lacking_objects(limit)
        lacking_total = self._studies.count_lacking_objects()
        outside = None if live else seen_without_daemon(settings, self._journal)
        return BoxStatus(
            version=__version__,
            station=settings.station.name,
            listening=live.listening() if live else False,
            address=f"{settings.dicom.host}:{settings.dicom.port}",
            ae_title=settings.dicom.ae_title,
            device=engine.device,
            device_since=engine.since,
            edge_tpus=engine.edge_tpus,
            instances=instances,
            deliveries={state: total + prints[state] for state, total in deliveries.items()},
            commitments=self._commitments.counts(),
            refused=tuple(
                RefusedDelivery(
                    id=delivery.id,
                    exam_number=delivery.exam_number,
                    kind=delivery.kind,
                    destination=delivery.destination,
                    reason=delivery.last_error,
                )
                for delivery in self._deliveries.listed("refused", limit)
            ),
            lacking_reports=tuple(
                LackingReport(study_key=key, exam_number=self._studies.exam_number(key), reasons=reasons)
                for key, reasons in lacking.items()
            ),
            lacking_reports_total=lacking_total,
            more=_more(limit, refused=deliveries["refused"] + prints["refused"], lacking_reports=lacking_total),
            outbox=self._outbox(),
            waiting=tuple(owed_bytes(self._journal)),
            printing=live.printing() if live else printing_state(settings.print, self._journal, NOT_RUNNING),
            oldest_owed_seconds=self._deliveries.oldest_owed_seconds(),
            last_confirmed_at=self._deliveries.last_confirmed_at(),
            free_bytes=self._spool.free_bytes(),
            min_free_bytes=settings.retention.min_free_bytes,
            disks=live.disks() if live else outside.disks if outside else (),
            ignored_files=live.ignored_files() if live else 0,
            forwarded_under_new_uid=self._instances.forwarded_under_new_uid(),
            bundle=bundle_report(settings.state_dir),
            state_dir=str(settings.state_dir),
            reports_dir=str(settings.reports_dir),
            attention=(
                *(outside.problems if outside else ()),
                *(live.problems() if live else ()),
                *(() if live else unprinted(self._journal)),
                *self._view.problems(live=live is not None and live.outbox().configured),
                *((Problem(what=engine.broken, remedy=BROKEN_REMEDY, cannot_wait=True),) if engine.broken else ()),
                *(Problem(what=one, for_staff=SLOWER_FOR_STAFF) for one in engine.attention),
                *confinement_problems(),
                *(problem.model_copy(update={"in_worklist": False}) for problem in self._action_log.problems()),
            ),
            own_state=live.own_state() if live else None,
        )

    def for_worklist(self) -> BoxForStaff:
        """The part of the status that the worklist shows: nothing of what only a technician can mend at leisure."""
        status = self.status()
        failing = [one for one in status.outbox.destinations if one.failing_since]
        return BoxForStaff(
            station=status.station,
            listening=status.listening,
            unread=status.instances["received"],
            district_configured=status.outbox.configured,
            owed=sum(status.deliveries[state] - status.printing.counts[state] for state in ("waiting", "refused")),
            district_silent_since=status.outbox.failing_since,
            destinations=tuple(one.name for one in status.outbox.destinations),
            silent=min(failing, key=lambda one: one.failing_since).name if failing else DISTRICT,
            free_bytes=status.free_bytes,
            updated_at=datetime.now().astimezone(),
            attention=tuple(problem for problem in status.attention if problem.in_worklist),
        )

    def _outbox(self) -> OutboxState:
        """With the destinations that the settings have no more, but to which something is owed."""
        outbox = self._live.outbox() if self._live else self._outbox_without_daemon()
        known = {state.name for state in outbox.destinations}
        gone = (name for name in self._deliveries.destinations_owed() if name not in known)
        return replace(
            outbox, destinations=(*outbox.destinations, *(self._destination(name, "none", GONE) for name in gone))
        )

    def _outbox_without_daemon(self) -> OutboxState:
        destinations = self._settings.destinations
        return OutboxState(
            configured=bool(destinations),
            link=_link_without_daemon(destinations),
            explanation=NOT_SENDING if destinations else NOT_CONFIGURED,
            last_error="",
            next_attempt_in_seconds=None,
            last_confirmed_at=self._deliveries.last_confirmed_at(),
            destinations=tuple(self._destination_without_daemon(one) for one in destinations),
        )

    def _destination_without_daemon(self, settings: DestinationSettings) -> DestinationState:
        if settings.kind == "stick":
            return carried_state(settings, self._deliveries)
        state = self._destination(settings.name, "down", NOT_SENDING)
        return replace(state, sticks=sticks_of(settings, self._deliveries))

    def _destination(self, name: str, link: LinkState, explanation: str) -> DestinationState:
        return DestinationState(
            name=name,
            link=link,
            explanation=explanation,
            last_error="",
            next_attempt_in_seconds=None,
            last_confirmed_at=self._deliveries.last_confirmed_at(name),
            deliveries=self._deliveries.totals_of(name),
            oldest_owed_seconds=self._deliveries.oldest_owed_seconds_to(name),
        )


def _link_without_daemon(destinations: Sequence[DestinationSettings]) -> LinkState:
    if not destinations:
        return "none"
    return "stick" if all(one.kind == "stick" for one in destinations) else "down"


def _more(limit: int, **totals: int) -> dict[str, int]:
    """Of each list, how many more there are than were listed; nothing for a list that is whole."""
    return {name: total - limit for name, total in totals.items() if total > limit}
