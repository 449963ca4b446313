"""The state of the box in one value, for `leapfrog status` and the worklist."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from leapfrog import __version__
from leapfrog.control.engine_report import EdgeTpuReport, EngineReport
from leapfrog.exam import Frozen
from leapfrog.outbox.link import NOT_CONFIGURED, OutboxState
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.settings import Settings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from leapfrog.wording.text import count
from leapfrog.worklist.worklist import WorklistStatus

NOT_RUNNING = "not running"


class RefusedDelivery(Frozen):
    """A delivery that the district server refused; `id` is for `leapfrog retry` and `dismiss`."""

    id: str
    kind: str
    reason: str


class LackingReport(Frozen):
    """A report that cannot be sent to the district in full: why some of its DICOM objects could not be made."""

    study_key: str
    reasons: tuple[str, ...]


class BoxStatus(Frozen):
    """`leapfrog status --json`. `attention` holds sentences about what a person should act on."""

    version: str
    station: str
    listening: bool
    address: str
    ae_title: str
    device: str
    edge_tpus: tuple[EdgeTpuReport, ...]
    instances: dict[str, int]
    deliveries: dict[str, int]
    refused: tuple[RefusedDelivery, ...]
    lacking_reports: tuple[LackingReport, ...]
    lacking_reports_total: int
    outbox: OutboxState
    oldest_owed_seconds: float | None
    last_confirmed_at: str | None
    free_bytes: int
    min_free_bytes: int
    ignored_files: int
    forwarded_under_new_uid: int
    state_dir: str
    reports_dir: str
    attention: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Live:
    """What only the running daemon knows."""

    listening: Callable[[], bool]
    engine: Callable[[], EngineReport]
    ignored_files: Callable[[], int]
    outbox: Callable[[], OutboxState]
    model_problems: Callable[[], tuple[str, ...]]


class StatusSource:
    """Collects the status from the journal and, when the daemon runs, from its parts."""

    def __init__(
        self, *, settings: Settings, journal: Journal, deliveries: Deliveries, spool: Spool, live: Live | None = None
    ) -> None:
        """`live` is None for a command that looks at the state directory while no daemon is running."""
        self._settings = settings
        self._journal = journal
        self._instances = Instances(journal)
        self._studies = Studies(journal)
        self._deliveries = deliveries
        self._spool = spool
        self._live = live

    def status(self) -> BoxStatus:
        """The state now. It takes no longer with a large journal."""
        settings = self._settings
        live = self._live
        engine = live.engine() if live else EngineReport(device=NOT_RUNNING)
        status = BoxStatus(
            version=__version__,
            station=settings.station.name,
            listening=live.listening() if live else False,
            address=f"{settings.dicom.host}:{settings.dicom.port}",
            ae_title=settings.dicom.ae_title,
            device=engine.device,
            edge_tpus=engine.edge_tpus,
            instances=self._journal.counts("instances"),
            deliveries=self._journal.counts("deliveries"),
            refused=tuple(
                RefusedDelivery(id=delivery.id, kind=delivery.kind, reason=delivery.last_error)
                for delivery in self._deliveries.listed("refused")
            ),
            lacking_reports=tuple(
                LackingReport(study_key=key, reasons=reasons)
                for key, reasons in self._studies.lacking_objects().items()
            ),
            lacking_reports_total=self._studies.count_lacking_objects(),
            outbox=live.outbox() if live else self._outbox_without_daemon(),
            oldest_owed_seconds=self._deliveries.oldest_owed_seconds(),
            last_confirmed_at=self._deliveries.last_confirmed_at(),
            free_bytes=self._spool.free_bytes(),
            min_free_bytes=settings.retention.min_free_bytes,
            ignored_files=live.ignored_files() if live else 0,
            forwarded_under_new_uid=self._instances.forwarded_under_new_uid(),
            state_dir=str(settings.state_dir),
            reports_dir=str(settings.reports_dir),
        )
        problems = live.model_problems() if live else packages_in_use(settings).problems()
        return status.model_copy(update={"attention": (*_attention(status), *engine.attention, *problems)})

    def for_worklist(self) -> WorklistStatus:
        """The part of the status that the worklist shows."""
        status = self.status()
        return WorklistStatus(
            station=status.station,
            listening=status.listening,
            device=status.device,
            district_configured=status.outbox.configured,
            owed=status.deliveries["waiting"] + status.deliveries["refused"],
            oldest_owed_seconds=status.oldest_owed_seconds,
            free_bytes=status.free_bytes,
            updated_at=datetime.now().astimezone(),
            attention=status.attention,
        )

    def _outbox_without_daemon(self) -> OutboxState:
        configured = bool(self._settings.district.url)
        return OutboxState(
            configured=configured,
            link="down" if configured else "none",
            explanation="nothing is sent while no daemon is running" if configured else NOT_CONFIGURED,
            last_error="",
            next_attempt_in_seconds=None,
            last_confirmed_at=self._deliveries.last_confirmed_at(),
        )


def _attention(status: BoxStatus) -> tuple[str, ...]:
    sentences = []
    if not status.listening:
        sentences.append(
            "No daemon is running, so no images are received."
            " Start it with `systemctl start leapfrog` or `leapfrog run`."
        )
    if status.free_bytes < status.min_free_bytes:
        sentences.append(
            "The disk is nearly full, so new images are refused. Free space on the disk of the state directory."
        )
    if total := status.instances["set_aside"]:
        sentences.append(
            f"{count(total, 'file')} could not be read. `leapfrog instances --state set_aside` says why;"
            " `leapfrog retry ID` reads a file again."
        )
    if total := status.deliveries["refused"]:
        sentences.append(
            f"The district server refused {count(total, 'object')}. `leapfrog status` says why;"
            " `leapfrog retry ID` sends an object again, `leapfrog dismiss ID` gives it up."
        )
    if total := status.lacking_reports_total:
        reasons = dict.fromkeys(reason for report in status.lacking_reports for reason in report.reasons)
        sentences.append(f"{count(total, 'report')} cannot be sent to the district in full. {' '.join(reasons)}")
    if status.outbox.link == "locked":
        sentences.append(
            "The district server rejects the login of this box. If you correct it on the server or in its password"
            " or token file, run `leapfrog sync`; if you correct it in the settings, restart Leapfrog."
        )
    if total := status.forwarded_under_new_uid:
        sentences.append(
            f"{count(total, 'image')} arrived with the identifier (SOP Instance UID) of another image. Nothing is"
            " lost: each is kept, and sent on with a new identifier."
        )
    return tuple(sentences)
