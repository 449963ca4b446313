"""Asks one district about the exams that it was sent, fetches what may be a radiologist's answer, and decides what it
is.

It works in the sync windows, and never before results that this destination is still owed: those are worth more, and
take less. Every step is in the journal before the next is taken, so that a kill costs one step at most.
"""

import logging
import os
import sqlite3
import time
import traceback
from collections.abc import Callable

from leapfrog.answers.document import Document, PatientNumber
from leapfrog.answers.judgement import judgement
from leapfrog.answers.whose import ExamPatient, Whose, has_another_number, may_be_behind_its_name, whose
from leapfrog.durable import write_durably
from leapfrog.errors import (
    DistrictAnswerTooLong,
    DistrictError,
    DistrictLocked,
    DistrictUnclear,
    DistrictUnreachable,
    LeapfrogError,
    StorageError,
)
from leapfrog.language.sentence import sentence
from leapfrog.outbox.answers.district_search import LARGEST_DOCUMENT_BYTES, STUDIES_AT_ONCE, DistrictSearch
from leapfrog.outbox.answers.examiner import Examiner
from leapfrog.outbox.answers.mishaps import Mishaps
from leapfrog.outbox.answers.patience import MOST_ASKS, is_nearly_due, seconds_until_asked
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.outbox.pacing.precedence import Precedence, Turn
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.problem import Problem, Problems
from leapfrog.settings import DestinationSettings
from leapfrog.spool_file.digest import digest_of
from leapfrog.state.answer_files import AnswerFiles
from leapfrog.state.answers import Answers, ExaminedState, FoundDocument, ListedDocument, Question, page_name
from leapfrog.state.journal import Journal
from leapfrog.state.rendered import Rendered
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from leapfrog.wording.text import MOST_NAMED_EXAMS, exams_in_brackets
from leapfrog.worker import UNTIL_WOKEN, Worker

ROUND_SECONDS = 600.0  # at least, between two rounds of questions: each may cost a TLS handshake of 5 kB
RESULTS_SECONDS = 20.0  # between two looks whether results still wait
LINK_BACKOFF = Backoff(first_seconds=60.0, cap_seconds=3600.0)
LONGEST_PAUSE_SECONDS = 900.0  # what has just arrived is asked about after so long
RANK = 4  # that of previews: no result of any exam waits for an answer, and no original holds one up
WORTH_MORE = ("structured_report", "report_pdf")  # than an answer; whose questions are smaller than any picture
MOST_ATTEMPTS = 3  # to examine a document
# To fetch one that the server does not give, some hours long; and one over which an answer always broke off.
MOST_TIMES_NOT_GIVEN, MOST_FETCHES = 10, 50
FETCH_BACKOFF = Backoff(first_seconds=60.0, cap_seconds=3600.0)
# So long documents are fetched until questions about other exams have their turn.
FETCHING_SECONDS = 300.0
STEP_SECONDS = 180.0  # the longest time between two signs of life
LONG_SECONDS = 24 * 3600.0

CANNOT_BE_ASKED = "The destination {name} could not be asked for radiologists' answers for more than a day. {reason}"
ASK_REMEDY = (
    "Allow this box's account to search (QIDO-RS) and to retrieve (WADO-RS) there, or set fetch_reports = false for"
    " this destination."
)
OF_OTHERS = (
    "Answers for another patient, or for nobody knows whom, came under exams of this box{exams}. None of them is shown."
)
OF_OTHERS_REMEDY = "Tell the district which exams these are: there the report stands in the wrong study."
OF_OTHERS_FOR_STAFF = sentence(
    "Answers that are not, or not surely, about the same patient came under some exams. None of them is shown; the"
    " exams are marked. Tell the district or the technician."
)
TOO_LARGE = "It is larger than {size} MB."
NOT_WHOLE = "It never came whole, however often it was fetched."
NOT_GIVEN = "The district lists it and does not give it."
OTHER_UID = "It is another document than the one that was asked for."
STATES: dict[Whose, ExaminedState] = {"theirs": "shown", "another's": "another_patient", "not sure": "unsure_patient"}

_log = logging.getLogger(__name__)


class _Stopped(LeapfrogError):
    """The box is stopping in the middle of a transfer."""


class AnswerInquirer(Worker):
    """One destination's."""

    def __init__(
        self,
        destination: DestinationSettings,
        own_issuer: str,
        journal: Journal,
        files: AnswerFiles,
        rendered: Rendered,
        on_answer: Callable[[str], None],
        *,
        windows: SyncWindows,
        throttle: Throttle,
        precedence: Precedence,
        timeouts: Timeouts | None = None,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`own_issuer` is how the clinic is known as an issuer of patient IDs, "" if it has no such name. `on_answer`
        is called with the key of a study whose report may have something else to say. `windows`, `throttle` and
        `precedence` are those of all that is sent; whoever starts the windows wakes this part at their edges. `now` is
        the wall clock.
        """
        super().__init__(f"answers-{destination.name}")
        self.destination = destination.name
        self._issuer = own_issuer
        self._answers = Answers(journal)
        self._queue = DeliveryQueue(journal, destination.name)
        self._files = files
        self._rendered = rendered
        self._on_answer = on_answer
        self._windows = windows
        self._precedence = precedence
        self._turn: Turn | None = None
        self._search = DistrictSearch(destination, throttle, self._progress, timeouts)
        self._examiner = Examiner()
        self._now = now
        self._monotonic = monotonic
        self._problems = Problems()
        self._failures = 0
        self._failing_since = 0.0
        self._not_before = 0.0  # on the monotonic clock
        self._asked_for = False  # `leapfrog sync` was given
        self._not_before_of: dict[str, float] = {}  # of documents that did not come, on the monotonic clock
        self._mishaps = Mishaps()  # of this round
        self._is_cut_short = False  # documents wait that could be fetched now

    # ------------------------------------------------------------ for others

    def stop(self) -> None:
        """Cut what is running, and stop. The next start goes on with it."""
        self._stopping.set()
        self._search.cut()
        self._examiner.stop()
        super().stop()
        self._search.close()

    def ask_now(self) -> None:
        """Ask once about every exam, now, whatever the windows say. Returns at once."""
        self._asked_for = True
        self.wake()

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, for `status` and `doctor`."""
        exams = self._answers.exams_of_others(MOST_NAMED_EXAMS + 1)
        if not exams:
            return self._problems.current()
        what = OF_OTHERS.format(exams=exams_in_brackets(exams))
        of_others = Problem(what=what, remedy=OF_OTHERS_REMEDY, for_staff=OF_OTHERS_FOR_STAFF)
        return (*self._problems.current(), of_others)

    # ------------------------------------------------------------ the worker

    def turn(self) -> float:
        """Do what is due. Returns the seconds until the next turn."""
        self.beat(STEP_SECONDS)
        if not self._asked_for and not self._windows.is_open():
            return UNTIL_WOKEN
        wait = 0.0 if self._asked_for else self._not_before - self._monotonic()
        if wait > 0 or self._result_waits():
            return max(wait, RESULTS_SECONDS)
        try:
            with self._precedence.turn(RANK) as self._turn:
                self._turn.wait(RESULTS_SECONDS)
                pause = max(self._round(), RESULTS_SECONDS if self._is_cut_short else ROUND_SECONDS)
        except _Stopped:
            return UNTIL_WOKEN
        except (DistrictError, OSError) as problem:
            pause = self._failed(problem)
        except (StorageError, sqlite3.Error):
            raise  # the state disk failed
        except Exception as problem:
            # An error of ours over an answer must not end the box: it would end it again at each start. Only the
            # traceback is logged: the exception's own text may quote the document.
            frames = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("Asking %s for answers failed with %s:\n%s", self.destination, type(problem).__name__, frames)
            pause = self._failed(problem)
        else:
            self._note_round()
        self._not_before = self._monotonic() + pause
        return pause

    def _result_waits(self) -> bool:
        """Whether something that is worth more waits for this destination, and was not in vain tried yet."""
        first = self._queue.next_fresh()
        return first is not None and first.kind in WORTH_MORE

    def _progress(self) -> None:
        """Called whenever bytes are about to move. Each exchange has a deadline of its own, however long a large
        document takes on a slow link, and a child has its own too.
        """
        if self._turn is not None:
            self._turn.moves()
        if not self.beat(UNTIL_WOKEN):
            raise _Stopped("The box is stopping.")

    def _failed(self, problem: Exception) -> float:
        self._asked_for = False
        now = self._monotonic()
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        if now - self._failing_since >= LONG_SECONDS or isinstance(problem, DistrictLocked):
            reason = problem if isinstance(problem, LeapfrogError) else f"({type(problem).__name__})"
            what = CANNOT_BE_ASKED.format(name=self.destination, reason=reason)
            self._problems.add(self.destination, what, ASK_REMEDY, in_worklist=False)
        pause = LINK_BACKOFF.seconds(self._failures)
        if isinstance(problem, DistrictUnreachable):
            pause = max(pause, min(problem.retry_after_seconds, LINK_BACKOFF.cap_seconds))
        return pause

    def _note_round(self) -> None:
        """The server answers. If all that it was asked for besides failed, somebody must hear of it some time; but the
        next round is not put off.
        """
        if (problem := self._mishaps.all_failed) is not None:
            self._failed(problem)
        elif self._mishaps.anything_went_well or not self._not_before_of:
            self._failures = 0
            self._problems.clear(self.destination)

    def _round(self) -> float:
        """Ask about what is due, fetch and examine what was found. Returns the seconds until the next exam is due, 0 if
        that is not known.
        """
        name = self.destination
        self._mishaps, self._is_cut_short = Mishaps(), False
        questions, now, asked_for = self._answers.questions(name), self._now(), self._asked_for
        self._asked_for = False
        if asked_for:
            self._not_before_of.clear()
        self._examine_all()  # what a stop left
        self._fetch_all()
        waits = [seconds_until_asked(one.asked, one.asked_at, now, answered=one.answered) for one in questions]
        if asked_for or (waits and min(waits) <= 0):
            due = [one for one in questions if asked_for or self._is_nearly_due(one)]
            for first in range(0, len(due), STUDIES_AT_ONCE):
                self._ask(due[first : first + STUDIES_AT_ONCE])
                self._fetch_all()
            return 0.0
        return 0.0 if self._is_cut_short else min((*waits, LONGEST_PAUSE_SECONDS))

    # ------------------------------------------------------------ asking

    def _ask(self, questions: list[Question]) -> None:
        uids = list(dict.fromkeys(one.study_instance_uid for one in questions))
        counts = self._search.counts(uids)
        # Who asks for it by hand takes nothing from how often it is asked by itself.
        due = {one.study_key for one in questions if self._is_nearly_due(one)}
        answered: list[str] = []
        for one in questions:
            held = counts.get(one.study_instance_uid)
            # A study that is not listed at all was removed there, or another study is named wrongly: nothing is known.
            if one.study_instance_uid not in counts or (held is not None and held == one.held):
                answered.append(one.study_key)
                continue
            try:
                self._look_through(one, held)
            except DistrictError as problem:
                # It was asked: its next turn comes when it is due again, and the others have theirs now.
                self._answers.asked(self.destination, due & {one.study_key}, self._now(), MOST_ASKS)
                self._mishaps.failed(problem)
            else:
                answered.append(one.study_key)
                self._mishaps.went_well()
        self._answers.asked(self.destination, due.intersection(answered), self._now(), MOST_ASKS)

    def _is_nearly_due(self, question: Question) -> bool:
        return is_nearly_due(question.asked, question.asked_at, self._now(), answered=question.answered)

    def _look_through(self, question: Question, held: int | None) -> None:
        own = self._answers.own_uids(question.study_key)
        listed = self._search.documents(question.study_instance_uid, own)
        if self._answers.looked_through(self.destination, question.study_key, listed, held):
            self._on_answer(question.study_key)

    # ------------------------------------------------------------ fetching

    def _fetch_all(self) -> None:
        """Fetch and examine what was found, for so long as others can wait. What is left goes on in the next round."""
        until = self._monotonic() + FETCHING_SECONDS
        waiting = self._answers.to_fetch(self.destination)
        self._not_before_of = {one.id: at for one in waiting if (at := self._not_before_of.get(one.id)) is not None}
        for document in waiting:
            now = self._monotonic()
            if now < self._not_before_of.get(document.id, now):
                continue
            if now >= until or self._result_waits():
                self._is_cut_short = True
                break
            if not self._files.has_room(LARGEST_DOCUMENT_BYTES):
                break  # what wants nothing but room must not keep images out
            with self._answers.in_use.using(document.study_key):
                problem = self._fetch(document) if document.id in self._answers.ids() else None
            if problem is not None:
                self._mishaps.failed(problem, server_is_well=True)
                continue
            self._mishaps.went_well()
            self._examine_all()

    def _fetch(self, found: FoundDocument) -> DistrictError | None:
        """Bring one document here. Returns what failed over just this one; raises what failed over all."""
        self._answers.begin_attempt(found.id)
        patient, _ = self._answers.patients(found.study_key, self._issuer)
        listed = ListedDocument(
            sop_class_uid=found.sop_class_uid,
            sop_instance_uid=found.sop_instance_uid,
            series_instance_uid=found.series_instance_uid,
        )
        try:
            with self._files.receiving(found.id) as stream:
                if not self._search.fetch(patient.study_instance_uid, listed, stream):
                    raise DistrictUnclear(NOT_GIVEN)
                byte_count = stream.seek(0, os.SEEK_END)
                stream.seek(0)
                digest = digest_of(stream)
        except DistrictError as problem:
            self._blame(found, problem, patient.study_instance_uid)
            return problem
        self._answers.fetched(found.id, byte_count, digest)
        return None

    def _blame(self, found: FoundDocument, problem: DistrictError, study_instance_uid: str) -> None:
        """A document did not come: have it wait, or give it up after many attempts. But a login page gives no document
        either, and a link that fails is no fault of one: only a server that answers at the same time counts. Raises
        what fails over everything.
        """
        try:
            self._search.counts((study_instance_uid,))
        except DistrictError:
            self._answers.take_back_attempt(found.id)
            raise
        failures = found.attempts + 1
        self._not_before_of[found.id] = self._monotonic() + FETCH_BACKOFF.seconds(failures)
        if isinstance(problem, DistrictAnswerTooLong):
            self._settle(found, "unreadable", reason=TOO_LARGE.format(size=LARGEST_DOCUMENT_BYTES >> 20))
        elif str(problem) == NOT_GIVEN and failures >= MOST_TIMES_NOT_GIVEN:
            self._settle(found, "unreadable", reason=NOT_GIVEN)
        elif failures >= MOST_FETCHES:
            self._settle(found, "unreadable", reason=NOT_WHOLE)

    # ------------------------------------------------------------ what it is

    def _examine_all(self) -> None:
        for found in self._answers.to_examine(self.destination):
            with self._answers.in_use.using(found.study_key):
                if found.id in self._answers.ids():
                    self._examine(found)

    def _examine(self, found: FoundDocument) -> None:
        self._progress()
        if found.attempts >= MOST_ATTEMPTS:
            self._settle(found, "unreadable", reason="It could not be examined.")
            return
        self._answers.begin_attempt(found.id)
        examination = self._examiner.examine(self._files.path(found.id))
        if examination.cut_short:
            self._answers.take_back_attempt(found.id)
            raise _Stopped("The box is stopping.")
        document = examination.document
        if document is None:
            self._settle(found, "unreadable", reason=examination.reason)
        elif document.sop_instance_uid != found.sop_instance_uid:
            self._settle(found, "unreadable", reason=OTHER_UID)
        elif judgement(document) == "machine":
            self._settle(found, "no_answer")
        else:
            try:
                self._show(found, document, examination.pages)
            except (DistrictError, _Stopped):  # the link, while the district was asked whose it is
                self._answers.take_back_attempt(found.id)
                raise

    def _show(self, found: FoundDocument, document: Document, pages: tuple[bytes, ...]) -> None:
        patient, others = self._answers.patients(found.study_key, self._issuer)
        owner = self._whose(found.study_key, document, patient)
        if owner != "theirs" and any(self._is_of(document, key, other) for key, other in others.items()):
            self._settle(found, "no_answer")  # it is that of another exam with this number, and shown there
            return
        if owner != "theirs":
            self._settle(found, STATES[owner])
            return
        folder = self._rendered.folder(found.study_key)
        for number, page in enumerate(pages, 1):
            write_durably(folder / page_name(found.id, number), page)
        self._rendered.sync_names()
        self._answers.examined(found.id, "shown", judgement=judgement(document), document=document)
        self._on_answer(found.study_key)

    def _is_of(self, document: Document, study_key: str, other: ExamPatient) -> bool:
        """Whether it is that of another exam. The district is asked only if that can matter."""
        if whose(document, other) == "theirs":
            return True
        return may_be_behind_its_name(document, other) and self._whose(study_key, document, other) == "theirs"

    def _whose(self, study_key: str, document: Document, patient: ExamPatient) -> Whose:
        if not has_another_number(document, patient):
            return whose(document, patient)
        return whose(document, patient, self._filed_as(study_key, patient))

    def _filed_as(self, study_key: str, patient: ExamPatient) -> PatientNumber | None:
        """The number under which the district holds what this box sent of the exam; None where it does not say. Raises
        DistrictError when it cannot be asked anything.
        """
        sent = self._answers.sent_uid(study_key, self.destination)
        if sent is None:
            return None
        try:
            return self._search.filed_as(patient.study_instance_uid, sent)
        except DistrictError:
            self._search.counts((patient.study_instance_uid,))  # a server may fail over one kind of question alone
            return None

    def _settle(self, found: FoundDocument, state: ExaminedState, reason: str = "") -> None:
        self._answers.examined(found.id, state, reason=reason)
        if state != "no_answer":
            _log.warning("Of exam %s a document came from %s that is not shown: %s.", found.study_key,
                         self.destination, reason or state.replace("_", " "))  # fmt: skip
            self._on_answer(found.study_key)
