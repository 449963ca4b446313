"""How an exam is forgotten on request.

First it is noted as forgotten (`forgotten_list.py`): from then on it is, and a start finishes what a power cut cut
short. Its spool files go where nobody adopts them, then its rows in one transaction, then the files. So nobody ever
sees half of it.
"""

import shutil
from collections.abc import Collection
from contextlib import suppress

from leapfrog.state.answer_files import ANSWERS_NAME, ENDING
from leapfrog.state.answers import Answers
from leapfrog.state.earlier_exams import EarlierExams
from leapfrog.state.forgetting.holdings import Holdings
from leapfrog.state.forgotten_list import ForgottenExam, ForgottenList
from leapfrog.state.journal import Journal, now_text
from leapfrog.state.records import StudyRecord
from leapfrog.state.rendered import RENDERED_NAME
from leapfrog.state.spool import SPOOL_NAME, Spool
from leapfrog.state.studies import SPOOL_NAMES, Studies

FORMER_STATES = "before-restore-*"  # in the state directory: what restores moved aside
KEPT_JOURNALS = ("journal.version-*.sqlite", "journal.damaged-*.sqlite")  # which nobody changes any more
MOST_MENTIONING = 50  # studies with the same number that are looked through, as earlier_exams.py does


class ExamForgetting:
    """Forgets exams in one state directory. For one thread at a time."""

    def __init__(self, journal: Journal, spool: Spool) -> None:
        """Nothing is forgotten yet."""
        self._journal = journal
        self._spool = spool
        self._state_dir = journal.path.parent
        self._studies = Studies(journal)
        self._answers = Answers(journal)
        self._list = ForgottenList(journal)

    def mentioning(self, study: StudyRecord) -> list[str]:
        """The exams whose reports speak of this one: of the same patient, or with the same Study Instance UID."""
        earlier = EarlierExams(self._journal)
        rows = self._journal.rows(
            "SELECT key FROM studies WHERE study_instance_uid <> '' AND patient_id = ? AND issuer = ? AND key <> ?"
            " AND version > 0 ORDER BY sequence DESC LIMIT ?",
            (study.identity.patient_id, study.identity.issuer_of_patient_id, study.key, MOST_MENTIONING),
        )
        others = [self._studies.get(row["key"]) for row in rows]
        of_patient = [
            other.key
            for other in others
            if any(one.key == study.key for one in earlier.of(other, tuple(self._studies.readings(other.key))))
        ]
        return [*of_patient, *(other.key for other in self._studies.sharing_uid(study) if other.version)]

    def kept_journals(self) -> tuple[str, ...]:
        """Older journals that were kept aside, in which it may still be named."""
        return tuple(
            str(path)
            for pattern in (*KEPT_JOURNALS, f"{FORMER_STATES}/journal.sqlite")
            for path in sorted(self._state_dir.glob(pattern))
        )

    # ------------------------------------------------------------ forgetting

    def forget(self, holdings: Holdings) -> list[str]:
        """Forget an exam. Nobody may work on it, and nothing may arrive meanwhile. Returns the keys of other exams
        whose reports spoke of it: they are to be made anew. Raises StorageError; before anything is forgotten, when
        that cannot be noted.
        """
        study = holdings.study
        mentioning = self.mentioning(study)
        exam = ForgottenExam(study_key=study.key, forgotten_at=now_text(), images=holdings.images)
        self._list.note([exam])
        self._remove(exam, study, mentioning)
        return mentioning

    def finish(self) -> int:
        """Forget what was noted as forgotten and is there all the same: a power cut came in between, or the journal
        comes from a backup. Nobody else may use the state directory. Returns how many exams there were.
        """
        finished = 0
        exams = self._list.agree()
        for exam in exams:
            study = self._studies.find(exam.study_key)
            if study is not None:
                self._remove(exam, study, self.mentioning(study))
                finished += 1
            self._remove_files(exam, (), ())
        if finished:
            self._remove_lists()
        if exams:  # the rows may be gone, and the write-ahead log still hold them
            self._journal.empty_log()
        return finished

    def _remove(self, exam: ForgottenExam, study: StudyRecord, mentioning: list[str]) -> None:
        key = study.key
        names = [row["spool_name"] for row in self._journal.rows(SPOOL_NAMES, (key,))]
        answers = self._answers.ids_of(key)
        self._spool.forget(names)
        with self._journal.transaction() as connection:
            self._list.keep(connection, exam)
            connection.execute(
                "INSERT OR IGNORE INTO forgotten_reports (key, received_date) VALUES (?, ?)",
                (key, study.received_date),
            )
            connection.execute(
                "DELETE FROM facts WHERE name IN"
                " (SELECT 'ended_on instance ' || id FROM instances WHERE study_key = ?)",
                (key,),
            )
            connection.execute("DELETE FROM deliveries WHERE study_key = ?", (key,))
            connection.execute("DELETE FROM instances WHERE study_key = ?", (key,))
            connection.execute("DELETE FROM studies WHERE key = ?", (key,))
            connection.executemany(
                "UPDATE studies SET changes = changes + 1, state = 'open' WHERE key = ?",
                [(one,) for one in mentioning],
            )
        self._spool.discard_forgotten()
        self._remove_files(exam, names, answers)
        self._journal.empty_log()

    def _remove_lists(self) -> None:
        """The pages that list exams, which a start writes anew."""
        rendered = self._state_dir / RENDERED_NAME
        for page in (*rendered.glob("*.html"), *rendered.glob("older/*.html")):
            page.unlink(missing_ok=True)

    def _remove_files(self, exam: ForgottenExam, names: Collection[str], answers: Collection[str]) -> None:
        """What no row names: pictures and pages, documents of radiologists, and files that were laid aside; also in
        former states of the box, which restores moved aside.
        """
        ids = [image.instance_id for image in exam.images]
        for state_dir in (self._state_dir, *self._state_dir.glob(FORMER_STATES)):
            shutil.rmtree(state_dir / RENDERED_NAME / exam.study_key, ignore_errors=True)
            spool = state_dir / SPOOL_NAME
            files = [spool / name for name in names]
            files += [path for one in ids for folder in (spool, spool / "aside") for path in folder.glob(f"{one}.*")]
            files += [state_dir / ANSWERS_NAME / f"{answer}{ENDING}" for answer in answers]
            for path in files:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
