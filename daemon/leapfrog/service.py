"""The daemon: builds its parts, starts them, watches that they are alive, and stops them."""

import faulthandler
import logging
import os
import resource
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from leapfrog.control import systemd
from leapfrog.control.commands import Commands
from leapfrog.control.control_socket import ControlServer, StateLock
from leapfrog.control.disk_watch import DiskWatch
from leapfrog.control.engine_report import engine_report
from leapfrog.control.inspection.disk_history import DiskHistory
from leapfrog.control.notice import Notice
from leapfrog.control.noting import Noting
from leapfrog.control.own_state.telling import Telling
from leapfrog.control.status import Live, StatusSource
from leapfrog.devices.kernel import kernel_devices
from leapfrog.devices.pool import DevicePool
from leapfrog.devices.proof import PROOF_SECONDS
from leapfrog.errors import LeapfrogError, StorageError
from leapfrog.intake.admission import Admission
from leapfrog.intake.folder.watcher import FolderWatcher
from leapfrog.intake.receiver.dicom_receiver import DicomReceiver
from leapfrog.intake.receiver.peer_log import PeerLog
from leapfrog.lanes.dispatcher import Dispatcher
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.lane_state import STARTING
from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.lanes.recoding.comparison import Comparisons
from leapfrog.lanes.recoding.recoder import Recoder
from leapfrog.lanes.tuning import EngineTuning
from leapfrog.outbox.answers.inquiries import Inquiries
from leapfrog.outbox.commitments.desk import CommitmentDesk
from leapfrog.outbox.commitments.reporter import CommitmentReporter
from leapfrog.outbox.commitments.safekeeping import Safekeeping
from leapfrog.outbox.commitments.verifier import CommitmentVerifier
from leapfrog.outbox.destinations.dicom.promise_desk import PromiseDesk
from leapfrog.outbox.forms import Forms
from leapfrog.outbox.outbox import Outbox
from leapfrog.packages.in_use import ModelsInUse
from leapfrog.parts import PART_LIMIT_SECONDS, Parts, Watched, log_failure
from leapfrog.printing.print_worker import PrintWorker
from leapfrog.problem import Problem
from leapfrog.processes import heap
from leapfrog.rollout.at_start import settings_at_start
from leapfrog.rollout.keeper import BundleKeeper, Condition
from leapfrog.rollout.rehearsal import Rehearsal
from leapfrog.settings import Settings, SettingsInUse
from leapfrog.settings.layers import Layer
from leapfrog.state.answer_files import ANSWERS_NAME, AnswerFiles
from leapfrog.state.answers import Answers
from leapfrog.state.commitments import Commitments
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.exam_numbers import ExamNumbers
from leapfrog.state.facts import Facts
from leapfrog.state.forgetting.exam import ExamForgetting
from leapfrog.state.in_hand import IN_HAND_NAME, InHand
from leapfrog.state.instances import Instances
from leapfrog.state.journal import DAMAGE_REMEDY, DISK_REMEDY, Journal
from leapfrog.state.prints import Prints
from leapfrog.state.publications import Publications
from leapfrog.state.recipients import Recipients
from leapfrog.state.rendered import RENDERED_NAME, Rendered
from leapfrog.state.sending.encodings import Encodings
from leapfrog.state.sending.taken_syntaxes import TakenSyntaxes
from leapfrog.state.spool import SPOOL_NAME, Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.start.adoption import Adoption
from leapfrog.state.start.copies import settle_copies
from leapfrog.state.start.opening import Opening, close_in_order, open_journal
from leapfrog.state.start.owing import NewlyOwed, owe_what_is_wanted
from leapfrog.state.start.restored import require_complete_state
from leapfrog.state.station.key_at_start import KeyAtStart
from leapfrog.state.station.local_thresholds import ThresholdsAtStart
from leapfrog.state.studies import Studies
from leapfrog.state.upkeep.replaced_models import ReplacedModels
from leapfrog.state.upkeep.retention import Retention
from leapfrog.state.upkeep.scrub import Scrub
from leapfrog.worklist.publisher import Publisher
from leapfrog.worklist.rendered_report import rendered_report
from leapfrog.worklist.writer import WorklistWriter

if TYPE_CHECKING:
    from leapfrog.outbox.bundles.fetcher import BundleFetcher

TICK_SECONDS = 1.0
COMMAND_SECONDS = 3.0  # for which a command that found no daemon may have the state directory yet
PUBLISHED_AGAIN = 50  # reports, after a run that did not end in order
JOURNAL_DAMAGED = f"The journal is damaged. {DAMAGE_REMEDY}"
JOURNAL_REPLACED = f"The journal was removed or replaced while it was in use. {DAMAGE_REMEDY}"
DISK_FAILED = f"The disk of the state directory failed. {DISK_REMEDY}"
STOP_LIMIT_SECONDS = 75.0  # the parts need at most half of it; a process that only looks alive would be worse than none
INBOX_MODE, EVERYBODY = 0o770, 0o007
ENDS_BY_ITSELF = ("dicom-association", "control-client")  # threads whose failure concerns one peer

_log = logging.getLogger(__name__)


class Service:
    """One running box."""

    def __init__(self, settings: Settings, in_use: SettingsInUse | None = None) -> None:
        """Does nothing yet: `run` does. `in_use` says where the settings come from."""
        self._settings = settings
        self._in_use = in_use or SettingsInUse(settings, (Layer("the settings"),))
        self._is_to_start_again = self._was_told_to_stop = False
        self._wake = threading.Event()
        self._fatal: str | None = None
        self._stop_requested = False

    def run(self) -> int:
        """Run until SIGTERM or SIGINT (returns 0) or until a part cannot go on (returns 1, and systemd restarts it).

        Raises LeapfrogError when the box cannot start: the state directory or a port is in use, or the disk is full.
        """
        _raise_open_file_limit()
        with StateLock(self._settings.state_dir, COMMAND_SECONDS):
            for signal_number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(signal_number, self._on_signal)
            threading.excepthook = self._on_thread_failure
            require_complete_state(self._settings.state_dir)
            journal, opening = open_journal(self._settings.state_dir)
            try:
                return self._run_with(journal, opening)
            finally:
                close_in_order(journal, self._settings.state_dir)

    @property
    def starts_again(self) -> bool:
        """Whether the daemon is to be started once more after `run` has returned, since nobody stopped it meanwhile."""
        return self._is_to_start_again and not self._was_told_to_stop

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requested = self._was_told_to_stop = True
        self._wake.set()

    def _start_again(self) -> None:
        self._is_to_start_again = self._stop_requested = True
        self._wake.set()

    def _on_fatal(self, reason: str) -> None:
        self._fatal = self._fatal or reason  # the first is the cause, others may follow from it
        self._wake.set()

    def _run_with(self, journal: Journal, opening: Opening) -> int:
        settings = self._settings
        spool = Spool(settings.state_dir / SPOOL_NAME, settings.retention.min_free_bytes)
        _repair(settings, journal, spool, opening)
        in_hand = InHand(settings.state_dir / IN_HAND_NAME, journal)
        rendered = Rendered(settings.state_dir / RENDERED_NAME)
        numbers = ExamNumbers(journal, settings.state_dir, settled=opening.in_order)
        deliveries = Deliveries(journal)
        studies = Studies(journal)
        recipients = Recipients(settings.destinations)
        taken = TakenSyntaxes(journal, settings.destinations)
        recoder = Recoder(
            journal=journal,
            spool=spool,
            taken=taken,
            min_free_bytes=settings.retention.min_free_bytes,
            on_made=lambda: outbox.wake(),  # noqa: PLW0108 - both are built below
            ready=lambda: adoption.finished(),  # noqa: PLW0108
        )

        outbox = Outbox(
            settings.destinations,
            settings.district,
            deliveries,
            spool,
            self._on_fatal,
            forms=Forms(
                spool,
                Encodings(journal),
                taken,
                is_coming=recoder.is_coming,
                on_wanted=recoder.wake,
                same_image=Comparisons(spool.work, recoder.goes_on).same_image,
            ),
            ae_title=settings.dicom.ae_title,
            handed_over=lambda: promises.wake(),  # noqa: PLW0108 - it is built below
            on_edge=lambda: _all(telling.sender.wake, inquiries.wake, *(one.wake for one in fetchers))(),  # noqa: PLW0108
        )
        promises = PromiseDesk(
            settings.destinations, settings.dicom.ae_title, journal, outbox.wake, outbox.may_send, PeerLog(_log)
        )
        printing = PrintWorker(
            settings.print,
            journal,
            rendered,
            on_changed=lambda: worklist.wake(),  # noqa: PLW0108 - both are built below
            on_ended=lambda study_key: publisher.paper_changed(study_key),  # noqa: PLW0108
        )
        # At the start, which is also when the lanes look.
        models_in_use = ModelsInUse(settings)
        model_problems = [Problem(what=sentence) for sentence in models_in_use.catalogue().problems()]
        station_key = KeyAtStart(settings.state_dir, journal)
        publications = Publications(journal)
        if not opening.in_order:
            publications.publish_newest_again(PUBLISHED_AGAIN)
        thresholds = ThresholdsAtStart(settings.state_dir, models_in_use.catalogue)
        devices, lanes = _lanes(settings, spool.work)
        publisher = Publisher(
            reports_dir=settings.reports_dir,
            state_dir=settings.state_dir,
            rendered=rendered,
            publications=publications,
            on_published=lambda: worklist.wake(),  # noqa: PLW0108 - both are built below
            on_lost=lambda study_key: dispatcher.report_is_lost(study_key),  # noqa: PLW0108
            station_key=station_key.key,
            paper=Prints(journal).told_of_sheet,
        )
        dispatcher = Dispatcher(
            settings=settings,
            journal=journal,
            spool=spool,
            in_hand=in_hand,
            rendered=rendered,
            lanes=lanes,
            side_lane=Lane(settings.engine, settings.models, settings.state_dir, spool.work, beside=True),
            models_in_use=models_in_use.versions,
            on_deliveries=_all(outbox.wake, printing.wake, recoder.wake),
            on_report=publisher.wake,
            on_fatal=self._on_fatal,
            station_key=station_key.key,
        )
        wake_all = _all(dispatcher.wake, outbox.wake, recoder.wake)
        inquiries = Inquiries(
            settings,
            journal,
            rendered,
            dispatcher.report_is_to_mark,
            outbox.windows,
            outbox.throttle,
            outbox.precedence,
        )
        adoption = Adoption(
            journal=journal,
            spool=spool,
            numbers=numbers,
            recipients=recipients,
            rendered=lambda key: rendered_report(rendered.path(key)),
            opening=opening,
            on_adopted=_all(dispatcher.studies_came_back, wake_all),
        )
        admission = Admission(
            journal,
            spool,
            numbers,
            recipients.of_all_exams("original"),
            wake_all,
            maybe_sent=lambda: not adoption.finished(),
            assumed_character_set=settings.dicom.assumed_character_set,
        )

        commitments = CommitmentDesk(
            Commitments(journal),
            settings.dicom.modality,
            lambda: _all(verifier.wake, reporter.wake)(),  # noqa: PLW0108 - both are built below
            PeerLog(_log),
        )
        verifier = CommitmentVerifier(commitments, Safekeeping(journal, spool), ready=adoption.finished)
        reporter = CommitmentReporter(commitments, settings.dicom.ae_title)
        receiver = DicomReceiver(settings.dicom, admission, spool, commitments, promises)
        watcher = FolderWatcher(settings, admission, journal, spool, ready=adoption.finished)
        disks = DiskWatch(settings, DiskHistory(journal), publisher.seen)

        bundles = self._bundle_keeper(journal, outbox, receiver, lanes, dispatcher)
        fetchers = _bundle_fetchers(settings, outbox, bundles.wake)

        def live_problems() -> tuple[Problem, ...]:
            parts = (
                dispatcher,
                publisher,
                disks,
                adoption,
                scrub,
                watcher,
                outbox,
                printing,
                receiver,
                commitments,
                promises,
            )
            own = (*parts, inquiries, thresholds, station_key, telling.sender, bundles)
            fetching = (problem for one in fetchers for problem in one.problems())
            return (*(problem for part in own for problem in part.problems()), *fetching, *model_problems)

        live = Live(
            listening=receiver.listening,
            engine=lambda: engine_report(lanes, devices, edge_tpu_required=settings.engine.device == "edgetpu"),
            ignored_files=watcher.ignored_files,
            outbox=outbox.state,
            printing=printing.state,
            disks=disks.disks,
            problems=live_problems,
            own_state=lambda: telling.sender.state(),  # noqa: PLW0108 - it is built below
        )
        source = StatusSource(settings=settings, journal=journal, deliveries=deliveries, spool=spool, live=live)
        telling = Telling(
            journal=journal,
            source=source,
            outbox=outbox,
            models=models_in_use.catalogue,
            station_key=lambda: station_key.key,
        )
        worklist = WorklistWriter(
            rendered.directory, journal, source.for_worklist, publisher.list_changed, settings.station.language
        )
        retention = Retention(
            studies=studies,
            facts=Facts(journal),
            spool=spool,
            files=SpooledFiles(journal),
            answers=Answers(journal),
            answer_files=AnswerFiles(settings.state_dir / ANSWERS_NAME),
            keep_days=settings.retention.keep_days,
            ready=adoption.finished,
        )
        scrub = Scrub(files=SpooledFiles(journal), facts=Facts(journal), spool=spool)
        replaced = ReplacedModels(
            studies=studies,
            facts=Facts(journal),
            in_use=models_in_use.versions(),
            on_reopened=dispatcher.report_is_to_mark,
            ready=adoption.finished,
        )
        commands = Commands(
            journal=journal,
            deliveries=deliveries,
            source=source,
            wake=_all(wake_all, reporter.wake, printing.wake),
            sync=lambda name: _all(
                telling.sender.send_now,
                lambda: outbox.sync_now(name),
                lambda: inquiries.ask_now(name),
                *(one.ask_now for one in fetchers),
            )(),
            spool=spool,
            box_state=telling.signed,
            render_again=dispatcher.report_is_lost,
            sheet_wanted=dispatcher.sheet_is_wanted,
            on_forgotten=_all(publisher.wake, worklist.wake),
            exam_is_gone=numbers.exam_is_gone,
            knows_all_images=adoption.finished,
            look_at_bundles=bundles.wake,
        )
        control = ControlServer(settings.state_dir, commands.handlers(), Noting(settings).run)
        parts = [
            # First what somebody waits for: `status` answers while the box starts and stops, and images are received as
            # soon as it is known which files are old. What stops last publishes what the lanes finish.
            Watched("control", control),
            Watched("spool", adoption, 20 * PART_LIMIT_SECONDS),
            Watched("receiver", receiver, stops_first=True),
            Watched("publisher", publisher),
            Watched("worklist", worklist),
            Watched("lanes", dispatcher, PART_LIMIT_SECONDS + 2 * settings.engine.deadline_seconds),
            *([Watched("Edge TPUs", devices, PART_LIMIT_SECONDS + PROOF_SECONDS)] if devices else []),
            Watched("disks", disks),
            Watched("retention", retention, 10 * PART_LIMIT_SECONDS),
            Watched("scrub", scrub),
            Watched("replaced models", replaced),
            *telling.parts(),
            Watched("outbox", outbox),
            Watched("recoder", recoder),
            Watched("promises of archives", promises),
            *(Watched("answers", inquirer) for inquirer in inquiries.inquirers),
            Watched("printing", printing),
            Watched("commitment verifier", verifier),
            Watched("commitment reporter", reporter),
            Watched("folder watcher", watcher),
            Watched("bundles", bundles),
            *(Watched("bundle fetcher", one) for one in fetchers),
        ]
        return self._run_parts(
            Parts(parts),
            lambda: _state_failure(journal, spool),
            _all(outbox.look_at_clock, Notice(live_problems, worklist.wake, on_news=telling.news).look),
            on_alive=_all(systemd.watchdog, publisher.daemon_lives),
            on_ready=worklist.wake,
        )

    def _bundle_keeper(
        self, journal: Journal, outbox: Outbox, receiver: DicomReceiver, lanes: Sequence[Lane], dispatcher: Dispatcher
    ) -> BundleKeeper:
        instances = Instances(journal)

        def read_again(ids: Collection[str]) -> None:
            instances.read_again(ids)
            dispatcher.wake()

        condition = Condition(
            is_busy=lambda: bool(receiver.associations()) or outbox.precedence.is_urgent(),
            is_ready=lambda: receiver.listening() and all(lane.state.device != STARTING for lane in lanes),
            instances=lambda: journal.counts("instances"),
            set_aside=instances.set_aside,
            read_again=read_again,
            ends_in_order=lambda: self._fatal is None,
        )
        rehearsal = Rehearsal(self._settings, [lane.run for lane in lanes])
        return BundleKeeper(self._in_use, condition, rehearsal, self._start_again)

    def _run_parts(
        self,
        parts: Parts,
        state_failure: Callable[[], str],
        look: Callable[[], None],
        *,
        on_alive: Callable[[], None],
        on_ready: Callable[[], None],
    ) -> int:
        try:
            parts.start()
            systemd.ready()
            on_ready()  # the first worklist was written before the receiver listened, and says so
            _log.info("Leapfrog is ready.")
            self._watch(parts, state_failure, look, on_alive)
        finally:
            systemd.stopping()
            if self._fatal:
                _log.error("Leapfrog cannot go on and stops. %s", self._fatal)
            _end_anyway_after(STOP_LIMIT_SECONDS)
            failed = parts.stop()
        return 1 if self._fatal or failed else 0

    def _watch(
        self,
        parts: Parts,
        state_failure: Callable[[], str],
        look: Callable[[], None],
        on_alive: Callable[[], None],
    ) -> None:
        """As long as every part is alive, say so: to systemd's watchdog, and to the pages that staff have open.
        Whatever needs checking again and again is checked here, so that the parts can sleep.
        """
        while not self._stop_requested and not self._fatal:
            hung = parts.hung()
            if failure := state_failure():
                self._fatal = failure
            elif hung:
                self._fatal = f"No sign of life from: {', '.join(hung)}."
            else:
                on_alive()
            look()
            self._wake.wait(TICK_SECONDS)

    def _on_thread_failure(self, failure: threading.ExceptHookArgs) -> None:
        """A thread that ends by an exception takes the process down, since a box with a part missing looks alive and
        does nothing. Not so one that serves a single peer, and those that watchdog starts for its hints.
        """
        thread, problem = failure.thread, failure.exc_value
        name = thread.name if thread else "unknown"
        if problem is not None:
            log_failure(f"The thread {name} failed", problem)
        if name in ENDS_BY_ITSELF or type(thread).__module__.startswith("watchdog."):
            return
        self._on_fatal(str(problem) if isinstance(problem, LeapfrogError) else f"The thread {name} failed.")


def _end_anyway_after(seconds: float) -> None:
    """End the process after `seconds`, whatever a thread waits for: what was acknowledged is on the disk."""

    def end() -> None:
        time.sleep(seconds)
        waiting = [thread.name for thread in threading.enumerate() if thread.is_alive() and not thread.daemon]
        _log.error("Leapfrog ends although these did not stop in time: %s.", ", ".join(waiting))
        os._exit(1)

    threading.Thread(target=end, name="last-resort", daemon=True).start()


def _lanes(settings: Settings, desks: Path) -> tuple[DevicePool | None, list[Lane]]:
    """The lanes, as many as the settings say and at least one per Edge TPU, and the pool that lends them Edge TPUs.

    Their readers have their desks in the folder `desks`.
    """
    engine, lanes = settings.engine, list[Lane]()
    setup = reader_setup(engine, settings.models, settings.state_dir)
    count, devices = engine.lanes, None
    if engine.device != "cpu":
        devices = DevicePool(engine.interpreter, setup, _each(lanes, Lane.device_is_free))
        count = max(count, len(kernel_devices()))
    tuning = None if engine.threads else EngineTuning(settings.state_dir, engine.interpreter, setup, count)
    lanes.extend(Lane(engine, settings.models, settings.state_dir, desks, devices, tuning) for _ in range(count))
    return devices, lanes


def _all(*calls: Callable[[], None]) -> Callable[[], None]:
    def call_all() -> None:
        for call in calls:
            call()

    return call_all


def _bundle_fetchers(settings: Settings, outbox: Outbox, on_fetched: Callable[[], None]) -> "tuple[BundleFetcher, ...]":
    """The one that fetches bundles of the district, where the settings name a place for them."""
    if not settings.fleet.bundle_url:
        return ()
    # `requests`, which this loads, takes 4 MiB, and not every box has a district.
    from leapfrog.outbox.bundles.fetcher import BundleFetcher

    windows, throttle, precedence = outbox.windows, outbox.throttle, outbox.precedence
    return (BundleFetcher(settings, on_fetched, windows=windows, throttle=throttle, precedence=precedence),)


def _each(lanes: Sequence[Lane], call: Callable[[Lane], None]) -> Callable[[], None]:
    def call_each() -> None:
        for lane in lanes:
            call(lane)

    return call_each


def _state_failure(journal: Journal, spool: Spool) -> str:
    """Why the state can no longer be trusted, "" if it can."""
    if journal.damaged:
        return JOURNAL_DAMAGED
    if journal.was_replaced():
        return JOURNAL_REPLACED
    return DISK_FAILED if journal.broken or spool.broken else ""


def _repair(settings: Settings, journal: Journal, spool: Spool, opening: Opening) -> None:
    """Clean up after the last run: close attempts that were cut short, note originals that are now owed, and, where the
    journal may be an older copy, ask for everything before it is sent.
    """
    try:
        if not settings.folder.paths:
            _make_inbox(settings.default_inbox)
    except OSError as problem:
        raise StorageError(f"{problem.filename} cannot be created: {problem.strerror}.") from problem
    if forgotten := ExamForgetting(journal, spool).finish():
        _log.info("Exams that were forgotten on request, and that were there again, are gone: %d.", forgotten)
    instances = Instances(journal)
    cut_short = instances.close_cut_attempts()
    owed = owe_what_is_wanted(journal, Recipients(settings.destinations), spool)
    settle_copies(Encodings(journal), spool)
    if not opening.in_order:
        Deliveries(journal).ask_before_sending()
    if cut_short or owed != NewlyOwed():
        _log.info(
            "After the last run: attempts cut short: %d; newly owed: originals: %d, pictures, once a reader has wrapped"
            " them: %d, objects that others got: %d, studies whose reports are sent: %d.",
            cut_short,
            owed.originals,
            owed.pictures,
            owed.results,
            owed.studies,
        )


def _make_inbox(folder: Path) -> None:
    """Make the folder where the group of this process puts films, and nobody else. One that is there keeps the rights
    of its owner and its group, such as a set-group-id bit, and loses those of others. Raises OSError.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.stat()
        if found.st_mode & EVERYBODY and found.st_uid == os.geteuid():
            folder.chmod(stat.S_IMODE(found.st_mode) & ~EVERYBODY)
    else:
        folder.chmod(INBOX_MODE)  # whatever the umask is


def _raise_open_file_limit() -> None:
    """Each association and child needs file descriptors; the usual soft limit of 1,024 is too low for a server."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def run_daemon(file: Path | None) -> int:
    """Do `leapfrog run` with the settings in `file`, or the defaults for None, and return its exit status. Warnings
    about the settings go to the log, once. Does not return where the daemon starts again by itself.
    """
    heap.keep_little()
    faulthandler.enable()  # the watchdog ends a hung daemon with SIGABRT; the log then shows where every thread was
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    in_use = settings_at_start(file)
    for warning in in_use.settings.warnings():
        _log.warning("%s", warning)
    service = Service(in_use.settings, in_use)
    try:
        status = service.run()
    except LeapfrogError:
        raise
    except Exception as problem:
        log_failure("Leapfrog cannot go on and stops", problem)
        return 1
    if service.starts_again and not systemd.starts_us_again():
        logging.shutdown()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return status
