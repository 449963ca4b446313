"""Publishes reports: brings what was rendered in the state directory to the folder that staff open, whenever that
folder's disk allows.

Nothing waits for it: receiving, reading and sending need the state directory only. What could not be published waits in
the journal and is tried again by itself.
"""

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from leapfrog.heartbeat.heartbeat import SheetTold, alive_page, newest_page
from leapfrog.heartbeat.names import ALIVE_NAME, BEAT_SECONDS, NEWEST_NAME
from leapfrog.language.sentence import sentence
from leapfrog.problem import Problem, Problems
from leapfrog.signed_summary.signing import report_signature
from leapfrog.state.publications import Publications, ReportsFolder
from leapfrog.state.records import ForgottenReport, StudyRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.station.station_key import StationKey
from leapfrog.worker import Worker
from leapfrog.worklist.alive_pages import memory_page
from leapfrog.worklist.disk_condition import what_is_wrong
from leapfrog.worklist.disk_jobs import Condition, DiskAnswer, DiskJob, JobKind
from leapfrog.worklist.older_page import FONTS_NAME, OLDER_NAME
from leapfrog.worklist.reports_disk import GIVE_UP_SECONDS, NO_ANSWER, ReportsDisk
from leapfrog.worklist.worklist import INDEX_NAME

LOOK_SECONDS = 5.0  # how often the folder is looked at, so that people hear of its disk before an exam needs it
SHORTEST_RETRY_SECONDS = 1.0
DAEMON_LIVES_SECONDS = 5.0  # after the main thread said so, which it does once a second
FINISH_SECONDS = 5.0  # when the box stops: what is not published by then waits for the next start
STOPPING_PATIENCE_SECONDS = 2.0  # for a disk that is silent when the box stops
# What may be wrong with one target alone, such as a folder that somebody else owns. It does not hold up the others,
# unless so many in a row have it that it is the disk's own.
ITS_OWN: frozenset[Condition] = frozenset(("missing", "not_a_folder", "no_permission", "failing"))
IN_A_ROW = 20
PUT_OFF_SECONDS = 15.0  # longer than a look, so that others than the same twenty get their turn
DISK_FOR_STAFF = sentence(
    "New reports cannot be shown here, because the disk of this list has a problem: what you see may be old. No exam is"
    " lost. Tell the technician now."
)
DISK = "disk"  # the matter of the one problem that there can be

_log = logging.getLogger(__name__)


class Publisher(Worker):
    """Works through what is to be published, the newest and most urgent first."""

    def __init__(
        self,
        *,
        reports_dir: Path,
        state_dir: Path,
        rendered: Rendered,
        publications: Publications,
        on_published: Callable[[], None],
        on_lost: Callable[[str], None],
        station_key: StationKey | None = None,
        paper: Callable[[str], SheetTold | None] = lambda _study_key: None,
    ) -> None:
        """`on_published` is called when the folder shows a new report, `on_lost` with the key of a study whose report
        is to be rendered again because its files are gone. `station_key` signs each report. `paper` says what became of
        the sheet of a study's report.
        """
        super().__init__("publisher")
        self._folder = reports_dir
        self._state_dir = state_dir
        self._rendered = rendered
        self._publications = publications
        self._on_published = on_published
        self._on_lost = on_lost
        self._station_key = station_key
        self._disk = ReportsDisk(lambda: self._trouble(NO_ANSWER))
        self._problems = Problems()
        self._told = ""  # the condition that the log told last
        self._seen = DiskAnswer(condition="not_looked")
        self._known = publications.folder()
        self._good = False  # whether the folder was good at the last touch
        self._looked_at = float("-inf")
        self._list_waits = False
        self._put_off: dict[str, float] = {}  # when studies (or the list) are tried again that failed by themselves
        self._failed_in_a_row = 0
        self._finish_by: float | None = None
        self._listed = ""  # identity of the worklist that the folder shows
        self._to_list = ""  # of the newest one
        self._paper = paper
        self._paper_waiting: deque[str] = deque()  # studies whose open pages are to hear of their sheet
        self._older_waiting: deque[str] = deque()  # older pages and fonts, by their path below either folder
        self._daemon_lived_at = float("-inf")
        self._told_at = float("-inf")
        self._run = secrets.token_hex(4)  # so that a box that was started again says what it never said before
        self._beats = 0

    # ------------------------------------------------------------ what others call

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the folder of the reports now."""
        return self._problems.current()

    def seen(self) -> DiskAnswer:
        """How the folder was at the last look, or at the last touch that failed."""
        return self._seen

    def list_changed(self, identity: str, older: Sequence[str] = ()) -> None:
        """Have the worklist that was written into the state directory published, and before it the pages of older exams
        that changed, and fonts, by their paths there. `identity` is that of the worklist. From any thread.
        """
        self._older_waiting.extend(older)
        self._to_list = identity
        self._list_waits = True
        self.wake()

    def paper_changed(self, study_key: str) -> None:
        """Have the open pages of a study's report told what became of its sheet. From any thread."""
        self._paper_waiting.append(study_key)
        self.wake()

    def daemon_lives(self) -> None:
        """Note that every part of the daemon is alive now, which open pages are to be told. From any thread."""
        self._daemon_lived_at = time.monotonic()
        if self._good and self._is_to_tell():
            self.wake()

    # ------------------------------------------------------------ turns

    def turn(self) -> float:
        """Look at the folder, and bring it up to date as far as its disk allows."""
        forgotten = self._publications.forgotten()
        for report in forgotten:
            self._rendered.remove(report.key)  # needs the state directory only
        if not self._good and (pause := self._looked_at + SHORTEST_RETRY_SECONDS - time.monotonic()) > 0:
            self._stopping.wait(pause)  # whoever wakes this thread: a disk in trouble is not asked for every image
        if not self._good or time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._look()
        self._bring_up_to_date(forgotten)
        return LOOK_SECONDS

    def _bring_up_to_date(self, forgotten: Sequence[ForgottenReport]) -> None:
        if self._problems.current():
            self._list_waits = True  # writing it shows that all is well again
        began = time.monotonic()
        while self._good and self._goes_on():
            self._tell_open_pages()
            self._tell_of_paper()
            self._publish_list()
            passed_over = {key for key, until in self._put_off.items() if until > began}
            study = self._publications.next(passed_over) if self._good else None
            if study is None:  # those put off until now that were not tried again are forgotten studies
                self._put_off = {key: until for key, until in self._put_off.items() if until > began}
                break
            self._publish(study)
        for report in forgotten:
            if self._good and self._goes_on():
                self._take_away(report)
        if self._good and not self._put_off:
            self._all_is_well()

    def _work(self) -> None:
        """The thread: turns until the box stops, then what the lanes finished last."""
        super()._work()
        self._finish_by = time.monotonic() + FINISH_SECONDS
        self._bring_up_to_date(())
        self._disk.close()
        if self._known is not None:
            with suppress(OSError):  # nobody needs it any more, and the next run writes it anew
                memory_page(self._folder, self._known.token).unlink()

    def _goes_on(self) -> bool:
        """Give a sign of life. Returns whether there is time for more."""
        return self.beat() or (self._finish_by is not None and time.monotonic() < self._finish_by)

    def _patience(self) -> float:
        self.beat()
        return STOPPING_PATIENCE_SECONDS if self._stopping.is_set() else GIVE_UP_SECONDS

    # ------------------------------------------------------------ the folder

    def _look(self) -> None:
        known = self._known
        apart = known is not None and known.path == str(self._folder) and known.apart
        look = DiskJob(
            kind="look",
            reports_dir=str(self._folder),
            state_dir=str(self._state_dir),
            make=not apart,  # what was on a disk of its own is not made again while that disk is away
            apart=apart,
        )
        answer = self._disk.do(look, self._patience)
        self._looked_at = time.monotonic()
        if answer.condition != "good":
            self._trouble(answer)
            return
        self._good = True
        self._seen = answer
        folder = ReportsFolder(path=str(self._folder), token=answer.token, apart=answer.apart)
        if known is None and not self._take_back(folder):
            return
        anew = known is not None and (known.path, known.token) != (folder.path, folder.token)
        if folder != known:
            self._publications.note_folder(folder, anew=anew)
            self._known = folder
        if anew:
            for folder_name in (FONTS_NAME, OLDER_NAME):
                beside = self._rendered.directory.glob(f"{folder_name}/*")
                self._older_waiting.extend(f"{folder_name}/{file.name}" for file in beside)
            self._list_waits = True
            _log.warning("%s is not the folder that was there before: every report is published again.", folder.path)

    def _take_back(self, folder: ReportsFolder) -> bool:
        """The first time that reports are rendered in the state directory: fetch those that were rendered in the folder
        itself, since the next version of a study needs the pictures of the earlier ones. Returns whether it is done.
        """
        for study in self._publications.rendered_once():
            rendered = self._rendered.path(study.key)
            if rendered.exists():
                continue
            if not self._goes_on():
                return False
            job = DiskJob(
                kind="take_back",
                reports_dir=folder.path,
                token=folder.token,
                source=str(self._folder_of(study.received_date, study.key)),
                target=str(rendered),
                version=study.version,
            )
            answer = self._disk.do(job, self._patience)
            if answer.condition == "no_answer":
                self._trouble(answer)
                return False
        return True

    def _folder_of(self, received_date: str, study_key: str) -> Path:
        return report_dir_of(self._folder, received_date, study_key)

    # ------------------------------------------------------------ what is written

    def _publish(self, study: StudyRecord) -> None:
        target = self._folder_of(study.received_date, study.key)
        answer = self._do(
            "publish",
            target,
            source=self._rendered.path(study.key),
            version=study.version,
            text=newest_page(study.version, self._paper(study.key)),
            signature=self._signature(study),
        )
        if answer.not_rendered:
            if self._publications.render_again(study.key, study.version):
                _log.warning(
                    "The report of exam %s (%s) is gone from the state directory; it is made again.",
                    study.exam_number,
                    study.key,
                )
                self._on_lost(study.key)
        elif answer.condition == "good":
            self._publications.mark_published(study.key, study.version)
            self._on_published()
        self._heed(study.key, answer)

    def _signature(self, study: StudyRecord) -> str:
        """Over the report.json that is published now; "" where there is no key, or no such file."""
        try:
            document = (self._rendered.path(study.key) / f"report-{study.version}.json").read_bytes()
        except OSError:  # the publishing program sees the same, and says what it means
            return ""
        key = self._station_key
        return report_signature(document, key.public_key, key.sign).decode("ascii") if key else ""

    def _publish_list(self) -> None:
        source = self._rendered.directory / INDEX_NAME
        put_off = self._put_off.get(INDEX_NAME, 0.0) > time.monotonic()
        if put_off or not self._list_waits or not source.exists() or not self._publish_older():
            return
        self._list_waits = False
        identity = self._to_list
        answer = self._do("list", self._folder / INDEX_NAME, source=source)
        if answer.condition == "good":
            self._listed = identity
        self._list_waits = self._list_waits or answer.condition != "good"
        self._heed(INDEX_NAME, answer)

    def _publish_older(self) -> bool:
        """Returns whether every page is published that waited, or that the box was told of before it stopped."""
        while self._older_waiting:
            self._tell_open_pages()
            page = self._older_waiting[0]
            answer = self._do("list", self._folder / page, source=self._rendered.directory / page)
            if answer.condition != "good":
                self._heed(INDEX_NAME, answer)
                return False
            self._older_waiting.popleft()
            if not self._goes_on():
                return False
        return True

    def _tell_open_pages(self) -> None:
        """Say another number where open pages listen, if that is due and the whole daemon is alive. One that cannot be
        said is missed by them, which is as it should be: they are not told either what else is not written.
        """
        if not self._is_to_tell():
            return
        self._told_at = time.monotonic()
        self._beats += 1
        beat = f"{self._run}-{self._beats:08}"
        answer = self._do("alive", self._folder / ALIVE_NAME, text=alive_page(beat, self._listed, str(self._folder)))
        self._heed(ALIVE_NAME, answer)

    def _tell_of_paper(self) -> None:
        """Before the list changes, by which open pages notice that there is something to hear."""
        while self._good and self._paper_waiting:
            study = self._publications.study(self._paper_waiting.popleft())
            if study is not None and study.published_version:
                target = self._folder_of(study.received_date, study.key) / NEWEST_NAME
                text = newest_page(study.published_version, self._paper(study.key))
                self._heed(study.key, self._do("tell", target, text=text))

    def _is_to_tell(self) -> bool:
        now = time.monotonic()
        return now - self._daemon_lived_at < DAEMON_LIVES_SECONDS and now - self._told_at >= BEAT_SECONDS

    def _take_away(self, report: ForgottenReport) -> None:
        answer = self._do("remove", self._folder_of(report.received_date, report.key))
        if answer.condition == "good":
            self._publications.taken_away(report)
        elif answer.condition not in ITS_OWN:
            self._failed(answer)

    def _do(
        self,
        kind: JobKind,
        target: Path,
        *,
        source: Path | None = None,
        version: int = 0,
        text: str = "",
        signature: str = "",
    ) -> DiskAnswer:
        job = DiskJob(
            kind=kind,
            reports_dir=str(self._folder),
            token=self._known.token if self._known else "",
            source=str(source or ""),
            target=str(target),
            version=version,
            text=text,
            signature=signature,
        )
        return self._disk.do(job, self._patience)

    # ------------------------------------------------------------ what is said of it

    def _heed(self, matter: str, answer: DiskAnswer) -> None:
        """Go on after what `answer` says of `matter` (a study, or the list), or stop until a look finds all good."""
        self._put_off.pop(matter, None)
        if answer.condition == "good":
            self._good = True  # it may have been silent meanwhile
            self._failed_in_a_row = 0
            if not self._put_off:
                self._all_is_well()
            return
        self._failed_in_a_row += 1
        if answer.condition not in ITS_OWN or self._failed_in_a_row % IN_A_ROW == 0:
            self._failed(answer)
            return
        self._put_off[matter] = time.monotonic() + PUT_OFF_SECONDS
        self._tell(answer)

    def _failed(self, answer: DiskAnswer) -> None:
        """Stop writing until a look finds the folder good."""
        if answer.condition == "another":  # a look says what it has become
            self._good = False
            self.wake()
        else:
            self._trouble(answer)

    def _trouble(self, answer: DiskAnswer) -> None:
        self._good = False
        self._seen = answer if answer.total_bytes else replace(self._seen, condition=answer.condition)
        self._tell(answer)

    def _tell(self, answer: DiskAnswer) -> None:
        waiting = self._publications.waiting()
        what, remedy = what_is_wrong(answer, self._folder, self._state_dir, waiting)
        is_new = self._problems.add(DISK, what, remedy, for_staff=DISK_FOR_STAFF, cannot_wait=True)
        if is_new or answer.condition != self._told:
            _log.warning("%s %s", what, remedy)
        self._told = answer.condition

    def _all_is_well(self) -> None:
        self._told = ""
        if self._problems.clear(DISK):
            _log.info("The reports are written to %s again.", self._folder)


def report_dir_of(reports_dir: Path, received_date: str, study_key: str) -> Path:
    """The folder of a study's report. Its path has only the date and our own key, so that it names no patient."""
    return reports_dir / received_date / study_key
