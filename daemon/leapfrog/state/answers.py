"""What districts hold that may be an answer to an exam: which exams they are asked about, what they listed, and what
became of it.

An exam is asked about from when something of it arrived at a destination. What is found goes through states: `listed`,
`fetched` (its file is here), then one of `shown`, `another_patient`, `unsure_patient`, `no_answer` and `unreadable`.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import Literal

from leapfrog.answers.document import Document
from leapfrog.answers.judgement import Judgement
from leapfrog.answers.shown import AnswersOfExam, ShownAnswer, in_order
from leapfrog.answers.whose import ExamPatient
from leapfrog.state.journal import Journal, new_id, now_text

ExaminedState = Literal["shown", "another_patient", "unsure_patient", "no_answer", "unreadable"]
MOST_QUESTIONS = 1000  # exams of a destination that are asked about at one time: the newest
MOST_OF_EXAM = 50  # documents of an exam that are looked at: a district that lists more is mad
MISSING_OFTEN = 2  # looks in a row that did not find it any more: then the district has withdrawn it
NOT_WITHDRAWN = f"EXISTS (SELECT 1 FROM answer_places WHERE answer_id = answers.id AND missing < {MISSING_OFTEN})"


@dataclass(frozen=True, kw_only=True)
class Question:
    """An exam that a destination is asked about. It was `asked` so often, last at `asked_at` (seconds since 1970 by the
    clock of then); `held` is how many instances of the study the destination had when all of them were looked at, None
    before that. `answered`: there is an answer that is shown.
    """

    study_key: str
    study_instance_uid: str
    asked: int
    asked_at: float
    held: int | None
    answered: bool


@dataclass(frozen=True, kw_only=True)
class ListedDocument:
    """A document that a destination lists in a study."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True, kw_only=True)
class FoundDocument:
    """A row of `answers` on its way: one to fetch, or to examine. `attempts` were made at that."""

    id: str
    study_key: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    attempts: int


FOUND_COLUMNS = ", ".join(column.name for column in fields(FoundDocument))


class Answers:
    """The tables of answers. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal
        self.in_use = journal.in_use

    # ------------------------------------------------------------ asking

    def questions(self, destination: str) -> list[Question]:
        """The exams that a destination is still asked about, the newest first."""
        rows = self._journal.rows(
            "SELECT study_key, study_instance_uid, asked, asked_at, held, EXISTS"
            " (SELECT 1 FROM answers WHERE answers.study_key = answer_questions.study_key AND answers.state = 'shown')"
            " AS answered FROM answer_questions INDEXED BY answer_questions_open JOIN studies ON key = study_key"
            " WHERE destination = ? AND over = 0 ORDER BY answer_questions.sequence DESC LIMIT ?",
            (destination, MOST_QUESTIONS),
        )
        return [Question(**{**dict(row), "answered": bool(row["answered"])}) for row in rows]

    def asked(self, destination: str, keys: Collection[str], now: float, most: int) -> None:
        """Note that a destination was asked about these exams; those that were asked about `most` times are not any
        more.
        """
        self._journal.change(
            "UPDATE answer_questions SET asked = asked + 1, asked_at = ?, over = asked + 1 >= ?"
            " WHERE destination = ? AND study_key IN (SELECT value FROM json_each(?))",
            now,
            most,
            destination,
            json.dumps(list(keys)),
        )

    def looked_through(
        self, destination: str, study_key: str, listed: Iterable[ListedDocument], held: int | None
    ) -> bool:
        """Note which documents a destination lists in a study, all of whose instances, `held` in number, were looked
        at. Returns whether a report of the exam may have to say something else: an answer is gone, or is back.
        """
        found = {one.sop_instance_uid: one for one in listed}
        with self._journal.transaction() as connection:
            before = connection.execute(
                f"SELECT id, {NOT_WITHDRAWN} FROM answers WHERE study_key = ?", (study_key,)
            ).fetchall()
            known = {
                row["sop_instance_uid"]: row["id"]
                for row in connection.execute(
                    "SELECT sop_instance_uid, id FROM answers WHERE study_key = ?", (study_key,)
                )
            }
            for uid, one in found.items():
                if uid not in known and len(known) < MOST_OF_EXAM:
                    known[uid] = new_id()
                    connection.execute(
                        "INSERT INTO answers (id, study_key, sop_class_uid, sop_instance_uid, series_instance_uid,"
                        " received_at) VALUES (?, ?, ?, ?, ?, ?)",
                        (known[uid], study_key, one.sop_class_uid, uid, one.series_instance_uid, now_text()),
                    )
                if uid in known:
                    connection.execute(
                        "INSERT INTO answer_places (answer_id, destination) VALUES (?, ?)"
                        " ON CONFLICT (answer_id, destination) DO UPDATE SET missing = 0",
                        (known[uid], destination),
                    )
            gone = [known[uid] for uid in known.keys() - found.keys()]
            connection.execute(
                "UPDATE answer_places SET missing = missing + 1"
                " WHERE destination = ? AND answer_id IN (SELECT value FROM json_each(?))",
                (destination, json.dumps(gone)),
            )
            # What is missing is looked for once more, however many there are.
            counts_as_seen = held if not self._is_missing_once(connection, destination, gone) else None
            connection.execute(
                "UPDATE answer_questions SET held = ? WHERE destination = ? AND study_key = ?",
                (counts_as_seen, destination, study_key),
            )
            after = connection.execute(
                f"SELECT id, {NOT_WITHDRAWN} FROM answers WHERE study_key = ?", (study_key,)
            ).fetchall()
            changed = {tuple(row) for row in before} - {tuple(row) for row in after}
            if changed:
                _reopen(connection, study_key)
        return bool(changed)

    @staticmethod
    def _is_missing_once(connection: sqlite3.Connection, destination: str, gone: list[str]) -> bool:
        row = connection.execute(
            "SELECT 1 FROM answer_places WHERE destination = ? AND missing < ?"
            " AND answer_id IN (SELECT value FROM json_each(?))",
            (destination, MISSING_OFTEN, json.dumps(gone)),
        ).fetchone()
        return row is not None

    # ------------------------------------------------------------ fetching and examining

    def to_fetch(self, destination: str) -> list[FoundDocument]:
        """Documents that a destination listed and that are not here yet: of each exam the first, then of each the
        second, so that an exam with many of them delays no other.
        """
        rows = self._journal.rows(
            f"SELECT {FOUND_COLUMNS} FROM answers WHERE state = 'listed' AND id IN"
            " (SELECT answer_id FROM answer_places WHERE destination = ? AND missing = 0)"
            " ORDER BY row_number() OVER (PARTITION BY study_key ORDER BY attempts, sequence), sequence",
            (destination,),
        )
        return [FoundDocument(**dict(row)) for row in rows]

    def to_examine(self, destination: str) -> list[FoundDocument]:
        """Documents of a destination that are here and were not examined, oldest first."""
        rows = self._journal.rows(
            f"SELECT {FOUND_COLUMNS} FROM answers WHERE state = 'fetched' AND id IN"
            " (SELECT answer_id FROM answer_places WHERE destination = ?) ORDER BY sequence",
            (destination,),
        )
        return [FoundDocument(**dict(row)) for row in rows]

    def begin_attempt(self, answer_id: str) -> None:
        """Count an attempt to fetch or examine it, before it is made."""
        self._journal.change("UPDATE answers SET attempts = attempts + 1 WHERE id = ?", answer_id)

    def take_back_attempt(self, answer_id: str) -> None:
        """The attempt failed for a reason that has nothing to do with this document."""
        self._journal.change("UPDATE answers SET attempts = max(0, attempts - 1) WHERE id = ?", answer_id)

    def fetched(self, answer_id: str, byte_count: int, file_digest: str) -> None:
        """Note that its file is here, durably."""
        self._journal.change(
            "UPDATE answers SET state = 'fetched', attempts = 0, byte_count = ?, file_digest = ?"
            " WHERE id = ? AND state = 'listed'",
            byte_count,
            file_digest,
            answer_id,
        )

    def examined(
        self,
        answer_id: str,
        state: ExaminedState,
        *,
        judgement: Judgement | None = None,
        document: Document | None = None,
        reason: str = "",
    ) -> None:
        """Note what it is; with a `document` if it is shown. The report of the exam is made anew, unless the document
        is no answer.
        """
        with self._journal.transaction() as connection:
            connection.execute(
                "UPDATE answers SET state = ?, judgement = ?, content = ?, last_error = ?, received_at = ?"
                " WHERE id = ?",
                (
                    state,
                    judgement or "",
                    document.model_dump_json() if document is not None else "",
                    reason,
                    now_text(),
                    answer_id,
                ),
            )
            row = connection.execute("SELECT study_key FROM answers WHERE id = ?", (answer_id,)).fetchone()
            if row is not None and state != "no_answer":
                _reopen(connection, row["study_key"])

    # ------------------------------------------------------------ the exam

    def patients(self, study_key: str, own_issuer: str) -> tuple[ExamPatient, dict[str, ExamPatient]]:
        """The patient of an exam, and those of the others with the same Study Instance UID, by their exams' keys.
        `own_issuer` is how the clinic is known, "" if it has no such name.
        """
        rows = self._journal.rows(
            "SELECT key, study_instance_uid, patient_id, issuer,"
            " (SELECT json_group_array(DISTINCT json_extract(reading, '$.identity.birth_date')) FROM instances"
            " WHERE study_key = key AND reading IS NOT NULL) AS births FROM studies WHERE study_instance_uid ="
            " (SELECT study_instance_uid FROM studies WHERE key = ?)",
            (study_key,),
        )
        patients = {
            row["key"]: ExamPatient(
                row["study_instance_uid"],
                row["patient_id"],
                row["issuer"] or own_issuer,
                frozenset(filter(None, (row["issuer"], own_issuer))),
                frozenset(filter(None, json.loads(row["births"]))),
            )
            for row in rows
        }
        return patients.pop(study_key), patients

    def sent_uid(self, study_key: str, destination: str) -> str | None:
        """The SOP Instance UID of something of the exam that this destination confirmed; None where there is none."""
        row = self._journal.row(
            "SELECT sop_instance_uid FROM deliveries WHERE study_key = ? AND destination = ? AND state = 'confirmed'"
            " ORDER BY sequence LIMIT 1",
            (study_key, destination),
        )
        return None if row is None else str(row["sop_instance_uid"])

    def own_uids(self, study_key: str) -> frozenset[str]:
        """The SOP Instance UIDs of all that this box has of the exam, or made of it."""
        rows = self._journal.rows(
            "SELECT sop_instance_uid AS uid FROM deliveries WHERE study_key = ?1 AND sop_instance_uid IS NOT NULL"
            " UNION SELECT sop_instance_uid FROM instances WHERE study_key = ?1",
            (study_key,),
        )
        return frozenset(row["uid"] for row in rows)

    def of_exam(self, study_key: str) -> AnswersOfExam:
        """All answers of an exam, as its report shows them."""
        rows = self._journal.rows(
            f"SELECT id, state, judgement, content, received_at, {NOT_WITHDRAWN} AS there FROM answers"
            " WHERE study_key = ? AND state IN ('shown', 'another_patient', 'unsure_patient', 'unreadable')"
            " ORDER BY sequence",
            (study_key,),
        )
        shown = []
        for row in rows:
            if row["state"] == "shown":
                document = Document.model_validate_json(row["content"])
                shown.append(
                    ShownAnswer(
                        id=row["id"],
                        document=document,
                        judgement=row["judgement"],
                        received_at=row["received_at"],
                        pages=tuple(page_name(row["id"], number) for number in range(1, document.pages + 1)),
                        withdrawn=not row["there"],
                    )
                )
        count = {
            state: sum(row["state"] == state and bool(row["there"]) for row in rows)
            for state in ("another_patient", "unsure_patient", "unreadable")
        }
        return AnswersOfExam(shown=in_order(shown), **count)

    def ids_of(self, study_key: str) -> list[str]:
        """The ids of all documents of an exam, which name their files."""
        return [row["id"] for row in self._journal.rows("SELECT id FROM answers WHERE study_key = ?", (study_key,))]

    def ids(self) -> frozenset[str]:
        """The ids of all documents."""
        return frozenset(row["id"] for row in self._journal.rows("SELECT id FROM answers"))

    def exams_of_others(self, most: int) -> list[str]:
        """The numbers of the newest exams under which an answer for another patient, or for nobody knows whom, lies at
        the district: at most so many.
        """
        rows = self._journal.rows(
            "SELECT DISTINCT coalesce(exam_number, key) AS number FROM answers JOIN studies ON key = study_key"
            f" WHERE answers.state IN ('another_patient', 'unsure_patient') AND {NOT_WITHDRAWN}"
            " ORDER BY answers.sequence DESC LIMIT ?",
            (most,),
        )
        return [row["number"] for row in rows]


def page_name(answer_id: str, number: int) -> str:
    """The picture of a page of a PDF, in the folder of the exam's report."""
    return f"answer-{answer_id}-{number}.jpg"


def _reopen(connection: sqlite3.Connection, study_key: str) -> None:
    """Have a new version of the report made, although no reading changed, within the caller's transaction."""
    row = connection.execute("SELECT finished_day FROM studies WHERE key = ?", (study_key,)).fetchone()
    connection.execute("UPDATE studies SET state = 'open' WHERE key = ? AND state = 'quiet'", (study_key,))
    # A new image would begin to count anew the days that the study is kept; this does not.
    connection.execute("UPDATE studies SET finished_day = ? WHERE key = ?", (row["finished_day"], study_key))
