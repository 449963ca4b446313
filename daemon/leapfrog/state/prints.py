"""What is printed: each print is a delivery, with a row of its own beside it that says what is printed, and where.

A print is handed over to a print server in steps, each of which is noted before it is taken: a job of a unique name is
made, its id noted, then the sheet is sent. So a start knows after a kill whether paper may have been used: never before
the last step, and then the job is known by its id.
"""

import sqlite3
from dataclasses import dataclass, replace

from leapfrog.errors import JournalError
from leapfrog.heartbeat.heartbeat import SheetTold
from leapfrog.settings import PageSize
from leapfrog.state.deliveries import owe
from leapfrog.state.journal import Journal, insert, now_text
from leapfrog.state.records import EXAM_NUMBER, DeliveryState, NewDelivery, StudyRecord
from leapfrog.wording.text import moment

UNKNOWN_RESULT = "unknown"  # of a report from before printing existed
COLUMNS = (
    "id, study_key, state, urgent, posted, last_error, attempts, created_at, ended_at, version, result, printer,"
    f" copies, page_size, on_request, sheet_made, job_name, job_id, handed_at, {EXAM_NUMBER}"
)
ROWS = "deliveries JOIN prints ON delivery_id = id"
# A newer version of the same report is to be printed, or was.
OVERTAKEN = (
    "EXISTS (SELECT 1 FROM deliveries AS later JOIN prints AS newer ON newer.delivery_id = later.id"
    " WHERE later.study_key = deliveries.study_key AND newer.version > prints.version"
    " AND newer.result <> prints.result AND later.state IN ('waiting', 'confirmed'))"
)
LAST_PRINTED_FACT = "last_printed_at"


@dataclass(frozen=True, kw_only=True)
class NewPrint:
    """What is to be printed of a report's version. `sheet_made`: its file is there already."""

    id: str
    version: int
    result: str
    printer: str
    copies: int
    page_size: PageSize
    on_request: bool = False
    sheet_made: bool = False


@dataclass(frozen=True, kw_only=True)
class PrintRecord:
    """A print, with the number of its exam. `job_name` is "" until a job is made; `job_id` is None until the print
    server has told it, and `handed_at` until the sheet itself is sent. `posted`: the journal may be an older copy, so
    that all this may have been done.
    """

    id: str
    study_key: str
    exam_number: str
    state: DeliveryState
    urgent: bool
    posted: bool
    last_error: str
    attempts: int
    created_at: str
    ended_at: str | None
    version: int
    result: str
    printer: str
    copies: int
    page_size: PageSize
    on_request: bool
    sheet_made: bool
    job_name: str
    job_id: int | None
    handed_at: str | None


@dataclass(frozen=True)
class OnPaper:
    """What was decided of a study's paper last: the `result` that is on it, or was decided not to be; "" when nothing
    was decided yet. `is_owed`: it is on paper, or will be. `printed_at` is when the last sheet was printed or handed
    over, local ISO text, "" if there is none, and `printed_result` what that says.
    """

    result: str = ""
    is_owed: bool = False
    printed_at: str = ""
    printed_result: str = ""


class Prints:
    """The prints. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    # ------------------------------------------------------------ what is owed

    def on_paper(self, study: StudyRecord, besides: str = "") -> OnPaper:
        """What is on paper of a study, or will be, besides the print with the id `besides`."""
        rows = self._select(
            "WHERE study_key = ? AND kind = 'print' AND state IN ('waiting', 'confirmed', 'refused') AND id <> ?"
            " ORDER BY sequence DESC",
            study.key,
            besides,
        )
        printed = next((row for row in rows if row.state == "confirmed" or row.handed_at), None)
        return OnPaper(
            result=rows[0].result if rows else study.settled_result,
            is_owed=bool(rows),
            printed_at="" if printed is None else printed.ended_at or printed.handed_at or "",
            printed_result="" if printed is None else printed.result,
        )

    def add(self, new: NewPrint, study_key: str) -> None:
        """Owe a print that a person asked for."""
        with self._journal.transaction() as connection:
            owe_print(connection, new, study_key)

    def settle(self, study_key: str, changes: int, result: str, new: NewPrint | None) -> None:
        """Record what was decided of the paper of a quiet study's report, which covers so many `changes`: `new` is
        printed, or nothing is. The study is quiet then, if its report has every reading.
        """
        with self._journal.transaction() as connection:
            settle(connection, study_key, changes, result)
            if new is not None:
                owe_print(connection, new, study_key)
            connection.execute(
                "UPDATE studies SET state = 'quiet' WHERE key = ? AND changes = reported_changes", (study_key,)
            )

    def without_sheet(self) -> list[PrintRecord]:
        """The prints whose sheets a reader has yet to make, oldest first."""
        return self._select("WHERE kind = 'print' AND state = 'waiting' AND sheet_made = 0 ORDER BY sequence")

    def sheet_is_made(self, print_id: str, version: int, result: str) -> None:
        """Record that the sheet of a print is there, and of which version it is."""
        self._journal.change(
            "UPDATE prints SET sheet_made = 1, version = ?, result = ? WHERE delivery_id = ?", version, result, print_id
        )

    # ------------------------------------------------------------ for whoever prints

    def waiting(self) -> list[PrintRecord]:
        """Everything that waits and whose sheet is there, urgent ones first, then the oldest."""
        return self._select(
            "WHERE kind = 'print' AND state = 'waiting' AND sheet_made = 1 ORDER BY urgent DESC, sequence"
        )

    def get(self, print_id: str) -> PrintRecord | None:
        """The print with this id, or None."""
        rows = self._select("WHERE id = ? AND kind = 'print'", print_id)
        return rows[0] if rows else None

    def overtaken(self) -> set[str]:
        """The ids of those that wait although a newer version with another result is printed, or waits too."""
        rows = self._journal.rows(
            f"SELECT id FROM {ROWS} WHERE kind = 'print' AND deliveries.state = 'waiting' AND {OVERTAKEN}"
        )
        return {row["id"] for row in rows}

    def begin(self, one: PrintRecord, job_name: str) -> PrintRecord:
        """Note the name of the job that is about to be made. Raises JournalError if the print waits no more."""
        changed = self._journal.change(
            "UPDATE prints SET job_name = ?, job_id = NULL, handed_at = NULL WHERE delivery_id = ?"
            " AND EXISTS (SELECT 1 FROM deliveries WHERE id = delivery_id AND state = 'waiting')",
            job_name,
            one.id,
        )
        if changed != 1:
            raise JournalError(f"The print {one.id} does not wait any more.")
        return replace(one, job_name=job_name, job_id=None, handed_at=None)

    def job_is(self, one: PrintRecord, job_id: int) -> PrintRecord:
        """Note the id of the job that was made."""
        self._journal.change("UPDATE prints SET job_id = ? WHERE delivery_id = ?", job_id, one.id)
        return replace(one, job_id=job_id)

    def hand_over(self, one: PrintRecord) -> PrintRecord:
        """Note that the sheet is about to be sent, and count the attempt. Raises JournalError if the print waits no
        more.
        """
        handed_at = one.handed_at or now_text()
        with self._journal.transaction() as connection:
            changed = connection.execute(
                "UPDATE deliveries SET attempts = attempts + 1 WHERE id = ? AND state = 'waiting'", (one.id,)
            ).rowcount
            if changed != 1:
                raise JournalError(f"The print {one.id} does not wait any more.")
            connection.execute("UPDATE prints SET handed_at = ? WHERE delivery_id = ?", (handed_at, one.id))
        return replace(one, handed_at=handed_at, attempts=one.attempts + 1)

    def note(self, print_id: str, reason: str) -> None:
        """Record why it is not printed yet."""
        self._journal.change(
            "UPDATE deliveries SET last_error = ? WHERE id = ? AND state = 'waiting' AND last_error <> ?",
            reason,
            print_id,
            reason,
        )

    def end(self, print_id: str, state: DeliveryState, reason: str = "") -> None:
        """Record what became of a print that waited. Raises JournalError if it did not wait."""
        ended_at = now_text()
        with self._journal.transaction() as connection:
            changed = connection.execute(
                "UPDATE deliveries SET state = ?, last_error = ?, ended_at = ?"
                " WHERE id = ? AND kind = 'print' AND state = 'waiting'",
                (state, reason, ended_at, print_id),
            ).rowcount
            if changed != 1:
                raise JournalError(f"The print {print_id} was not waiting.")
            if state == "confirmed":
                connection.execute(
                    "INSERT INTO facts VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
                    (LAST_PRINTED_FACT, ended_at),
                )

    # ------------------------------------------------------------ for people

    def give_up(self, print_id: str, printer: str) -> bool:
        """Give up a print that waits for another printer than `printer`, for which everything else waits: nobody mends
        one that was named by mistake. Returns whether it was one.
        """
        ended_at = now_text()
        with self._journal.transaction() as connection:
            changed = connection.execute(
                "UPDATE deliveries SET state = 'superseded', ended_at = ? WHERE id = ? AND kind = 'print'"
                " AND state = 'waiting' AND EXISTS (SELECT 1 FROM prints WHERE delivery_id = id AND printer <> ?)",
                (ended_at, print_id, printer),
            ).rowcount
            if changed:  # in two steps, as the journal holds what waits: it is not dismissed by mistake
                connection.execute("UPDATE deliveries SET state = 'dismissed' WHERE id = ?", (print_id,))
        return changed == 1

    def last_printed_at(self) -> str | None:
        """When something was printed last, as local ISO text; None when nothing was."""
        row = self._journal.row("SELECT value FROM facts WHERE name = ?", (LAST_PRINTED_FACT,))
        return None if row is None else str(row["value"])

    def newest(self, study_key: str) -> PrintRecord | None:
        """The newest print of a study, or None."""
        rows = self._select("WHERE study_key = ? AND kind = 'print' ORDER BY sequence DESC LIMIT 1", study_key)
        return rows[0] if rows else None

    def told_of_sheet(self, study_key: str) -> SheetTold | None:
        """What became of the newest sheet of a study's report, for its page; None where there is none."""
        newest = self.newest(study_key)
        return None if newest is None else SheetTold(state=newest.state, ended_at=str(moment(newest.ended_at or "")))

    def refused(self, limit: int) -> list[PrintRecord]:
        """The newest of those that need a person, newest first."""
        return self._select("WHERE kind = 'print' AND state = 'refused' ORDER BY sequence DESC LIMIT ?", limit)

    def ended_unprinted(self, reason: str, limit: int) -> list[PrintRecord]:
        """The newest of those that ended unprinted for `reason` and of whose study no later one is, or was, printed."""
        return self._select(
            "WHERE kind = 'print' AND state = 'superseded' AND last_error = ? AND NOT EXISTS (SELECT 1 FROM deliveries"
            " AS later WHERE later.study_key = deliveries.study_key AND later.kind = 'print' AND later.sequence >"
            " deliveries.sequence AND later.state IN ('waiting', 'confirmed')) ORDER BY sequence DESC LIMIT ?",
            reason,
            limit,
        )

    def _select(self, condition: str, *values: object) -> list[PrintRecord]:
        return [_record(row) for row in self._journal.rows(f"SELECT {COLUMNS} FROM {ROWS} {condition}", values)]


def settle(connection: sqlite3.Connection, study_key: str, changes: int, result: str) -> None:
    """Record, within the caller's transaction, that the paper of a report that covers so many `changes` is decided."""
    connection.execute(
        "UPDATE studies SET settled_changes = ?, settled_result = ? WHERE key = ?", (changes, result, study_key)
    )


def owe_print(connection: sqlite3.Connection, new: NewPrint, study_key: str) -> None:
    """Insert a print within the caller's transaction. What waits, or needs a person, of an earlier version with another
    result is not wanted any more, unless a print server may have it already.
    """
    connection.execute(
        "UPDATE deliveries SET state = 'superseded', ended_at = ? WHERE study_key = ? AND kind = 'print' AND id IN"
        " (SELECT delivery_id FROM prints WHERE version < ? AND result <> ?"
        " AND (job_name = '' OR deliveries.state = 'refused')) AND state IN ('waiting', 'refused')",
        (now_text(), study_key, new.version, new.result),
    )
    delivery = NewDelivery(
        id=new.id,
        kind="print",
        destinations=("",),
        sop_class_uid="",
        sop_instance_uid="",
        spool_name=None,
        byte_count=0,
    )
    owe(connection, [delivery], study_key, None)
    insert(
        connection,
        "prints",
        delivery_id=new.id,
        version=new.version,
        result=new.result,
        printer=new.printer,
        copies=new.copies,
        page_size=new.page_size,
        on_request=new.on_request,
        sheet_made=new.sheet_made,
    )


def _record(row: sqlite3.Row) -> PrintRecord:
    values = dict(row)
    for flag in ("urgent", "posted", "on_request", "sheet_made"):
        values[flag] = bool(row[flag])
    return PrintRecord(**values)
