"""What becomes owed when a person adds a destination, has one sent more, or takes one out.

A new one gets what comes from then on, or what came since the day that the settings say. [district] is the short way to
the only one: whoever first sets it gets all that is there. One that the settings have no more is sent nothing; what
waits for it stays owed until a person dismisses it, and one that comes back gets that, and what it missed. So does one
for which nothing waited when it was taken out: it stays known until a person dismisses it.
"""

import json
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass

from leapfrog.settings import DestinationSettings
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.deliveries import owe
from leapfrog.state.journal import Journal
from leapfrog.state.owed_originals import owe_by_rule, owe_originals, owe_pictures
from leapfrog.state.recipients import Recipients, exam_of, has_rule
from leapfrog.state.records import DeliveryKind, NewDelivery
from leapfrog.state.sent_results import RESULT_KINDS
from leapfrog.state.spool import Spool
from leapfrog.state.start.older_results import version_of

# Every report has these.
IN_EVERY_REPORT: frozenset[DeliveryKind] = frozenset({"structured_report", "report_pdf"})


@dataclass(frozen=True)
class NewlyOwed:
    """How many originals are owed that were not; how many pictures are read again, since a reader must wrap them in
    DICOM before they can be sent; how many objects that were made for others are owed to one more; how many finished
    studies get a last report again, with what is sent of it.
    """

    originals: int = 0
    pictures: int = 0
    results: int = 0
    studies: int = 0

    def __add__(self, other: "NewlyOwed") -> "NewlyOwed":
        return NewlyOwed(
            originals=self.originals + other.originals,
            pictures=self.pictures + other.pictures,
            results=self.results + other.results,
            studies=self.studies + other.studies,
        )


@dataclass(frozen=True)
class _Known:
    """What a destination was to get at the last start. `kinds` is None if the settings did not have it."""

    kinds: frozenset[str] | None
    rules: str
    exams_after: int


def owe_what_is_wanted(journal: Journal, recipients: Recipients, spool: Spool) -> NewlyOwed:
    """At a start: owe all that is wanted now and was not at the last start, in one transaction.

    A start with the same settings as the last does nothing, whatever the size of the journal.
    """
    with journal.transaction() as connection:
        known = {
            row["name"]: _Known(
                kinds=None if row["kinds"] is None else frozenset(json.loads(row["kinds"])),
                rules=row["rules"],
                exams_after=row["exams_after"],
            )
            for row in connection.execute("SELECT * FROM destinations")
        }
        _note_those_without(connection, {one.name for one in recipients})
        steps = (
            _Step(connection, one, recipients, lambda name: version_of(spool, name)).owe(known.get(one.name))
            for one in recipients
        )
        return sum(steps, NewlyOwed())


def _note_those_without(connection: sqlite3.Connection, names: Collection[str]) -> None:
    """Note which destinations the settings do not have any more."""
    connection.execute(
        "UPDATE destinations SET kinds = NULL WHERE name NOT IN (SELECT value FROM json_each(?)) AND kinds IS NOT NULL",
        (json.dumps([*names]),),
    )


class _Step:
    """What one destination is owed from now on."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        destination: DestinationSettings,
        recipients: Recipients,
        version_of: Callable[[str], int],
    ) -> None:
        self._connection = connection
        self._destination = destination
        self._name = destination.name
        self._recipients = Recipients((destination,))
        self._version_of = version_of
        self._rules = (
            json.dumps({"modalities": destination.modalities, "only_urgent": destination.only_urgent})
            if has_rule(destination)
            else ""
        )

    def owe(self, known: _Known | None) -> NewlyOwed:
        wanted = frozenset(self._destination.send)
        if known == _Known(wanted, self._rules, known.exams_after if known else 0):
            return NewlyOwed()
        if known is None:
            self._note(self._first_exams_after())
            if self._destination.since is not None:
                self._forget_given_up()
            return self._originals() + self._results()
        newly = wanted - (known.kinds or frozenset())
        if known.kinds is None:  # it came back
            self._note(known.exams_after)
            return self._originals() + self._results()
        if "original" in newly and self._name != DISTRICT:
            self._note(max(known.exams_after, self._last_arrival()))
        else:
            self._note(known.exams_after)
        owed = NewlyOwed()
        if "original" in newly:
            owed += self._originals()
        elif known.rules and not self._rules:  # what is read from now on is owed at its admission alone
            unread = owe_originals(self._connection, self._name, "state = 'received'", {})
            owed += NewlyOwed(originals=unread)
        if newly - {"original"} and self._name == DISTRICT:
            owed += NewlyOwed(studies=self._report_again("derived_version = 0", {}))
        return owed

    def _note(self, exams_after: int) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO destinations (name, kinds, rules, exams_after) VALUES (?, ?, ?, ?)",
            (self._name, json.dumps(sorted(self._destination.send)), self._rules, exams_after),
        )

    def _forget_given_up(self) -> None:
        """What was given up as one of this name was taken out: with a day, a person asks for it again."""
        self._connection.execute(
            "DELETE FROM deliveries WHERE destination = ?1 AND state = 'dismissed' AND EXISTS (SELECT 1 FROM instances"
            " WHERE instances.study_key = deliveries.study_key AND sequence >"
            " (SELECT exams_after FROM destinations WHERE name = ?1))",
            (self._name,),
        )

    def _first_exams_after(self) -> int:
        if self._destination.since is None:
            return 0 if self._name == DISTRICT else self._last_arrival()
        row = self._connection.execute(
            "SELECT min(sequence) AS first FROM instances WHERE received_at >= ?",
            (self._destination.since.isoformat(),),
        ).fetchone()
        return self._last_arrival() if row["first"] is None else int(row["first"]) - 1

    def _last_arrival(self) -> int:
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'instances'").fetchone()
        return int(row["seq"]) if row else 0

    # ------------------------------------------------------------ originals

    def _originals(self) -> NewlyOwed:
        """All that concern it and are not owed to it."""
        if "original" not in self._destination.send:
            return NewlyOwed()
        if self._rules:
            by_rule = sum(owe_by_rule(self._connection, self._recipients, key) for key in self._studies())
            return NewlyOwed(originals=by_rule)
        originals = owe_originals(self._connection, self._name, "TRUE", {})
        wrapped, again = owe_pictures(self._connection, self._name, "TRUE", {})
        return NewlyOwed(originals=originals + wrapped, pictures=again)

    def _studies(self) -> list[str]:
        """The studies that concern it, in the order in which they came."""
        rows = self._connection.execute(
            "SELECT key FROM studies WHERE EXISTS (SELECT 1 FROM instances WHERE study_key = studies.key AND sequence >"
            " (SELECT exams_after FROM destinations WHERE name = ?)) ORDER BY sequence",
            (self._name,),
        )
        return [row["key"] for row in rows]

    # ------------------------------------------------------------ results

    def _results(self) -> NewlyOwed:
        """Of all studies that concern it: the objects of the last report that are not owed to it, if they were made for
        others; else, where it has nothing or what it has was replaced by a report that was sent to nobody, a last
        report again, with what is sent of it.
        """
        owed = NewlyOwed()
        for key in self._studies():
            exam = exam_of(self._connection, key)
            kinds = [
                kind
                for kind in self._destination.send
                if kind != "original" and self._recipients.of_exam(kind, exam.modalities, urgent=exam.urgent)
            ]
            if kinds:
                owed += self._results_of(key, frozenset(kinds))
        return owed

    def _has_results(self, key: str) -> bool:
        """Whether it was owed any that were not given up for newer ones: while the settings did not have it, these were
        owed to others alone.
        """
        found = self._connection.execute(
            "SELECT 1 FROM deliveries WHERE study_key = ? AND destination = ? AND kind <> 'original'"
            " AND state <> 'superseded'",
            (key, self._name),
        )
        return found.fetchone() is not None

    def _is_outdated(self, key: str) -> bool:
        """Whether what was last made of the study for any destination is not of its last report."""
        row = self._connection.execute("SELECT version, derived_version FROM studies WHERE key = ?", (key,)).fetchone()
        return bool(row["derived_version"] < row["version"])

    def _results_of(self, key: str, kinds: frozenset[DeliveryKind]) -> NewlyOwed:
        rows = self._connection.execute(
            "SELECT kind, sop_class_uid, sop_instance_uid, spool_name, byte_count, file_digest, instance_id,"
            " EXISTS (SELECT 1 FROM deliveries AS own WHERE own.sop_instance_uid = one.sop_instance_uid"
            " AND own.destination = ?) AS is_owed FROM deliveries AS one WHERE study_key = ?"
            " AND kind NOT IN ('original', 'print') AND state <> 'superseded' AND spool_name IS NOT NULL"
            " GROUP BY sop_instance_uid ORDER BY sequence",
            (self._name, key),
        ).fetchall()
        versions = {
            row["spool_name"]: self._version_of(row["spool_name"]) for row in rows if row["kind"] in RESULT_KINDS
        }
        newest = max(versions.values(), default=0)
        current = [row for row in rows if row["kind"] in kinds and versions.get(row["spool_name"], newest) == newest]
        is_lacking = not current or bool((kinds & IN_EVERY_REPORT) - {row["kind"] for row in current})
        if self._is_outdated(key) or (is_lacking and not self._has_results(key)):
            return NewlyOwed(studies=self._report_again("key = :key", {"key": key}))
        missing = [row for row in current if not row["is_owed"]]
        for row in missing:
            made = NewDelivery(
                kind=row["kind"],
                destinations=(self._name,),
                sop_class_uid=row["sop_class_uid"],
                sop_instance_uid=row["sop_instance_uid"],
                spool_name=row["spool_name"],
                byte_count=row["byte_count"],
                file_digest=row["file_digest"],
            )
            owe(self._connection, [made], key, row["instance_id"])
        return NewlyOwed(results=len(missing))

    def _report_again(self, condition: str, values: dict[str, object]) -> int:
        """Have a last report made of studies that have one, with what is sent of it. Returns how many were finished."""
        reopened = self._connection.execute(
            f"UPDATE studies SET state = 'open' WHERE state = 'quiet' AND version > 0 AND {condition}", values
        ).rowcount
        self._connection.execute(f"UPDATE studies SET derived_version = 0 WHERE version > 0 AND {condition}", values)
        return reopened
