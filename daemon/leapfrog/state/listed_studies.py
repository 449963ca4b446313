"""Which studies stand in the worklist, in which of its older pages, and which of them changed since they were written.

An older page holds the studies of a fixed range of sequence numbers, so that a new exam changes one page and not all.
"""

import json
from collections.abc import Collection

from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyRecord
from leapfrog.state.studies import BEYOND, select_studies

PAGES_OF_IMAGES = 50  # that are looked through for the newest exams, each of two images an exam
MOST_ANSWERED = 20  # exams that an answer brings back into the list
RANGE = 96  # sequence numbers of an older page
# Triggers of this connection alone (`TEMP`): nobody else needs to know, and at a start every page is looked at anyway.
WATCHED = {
    "studies_published": ("UPDATE OF published_version, state ON main.studies", "NEW.sequence"),
    "studies_forgotten": ("DELETE ON main.studies", "OLD.sequence"),
    "studies_read": (
        "UPDATE OF state ON main.instances",
        "(SELECT sequence FROM studies WHERE key = NEW.study_key)",
    ),
    "studies_owed": ("INSERT ON main.deliveries", "(SELECT sequence FROM studies WHERE key = NEW.study_key)"),
    "studies_sent": (
        "UPDATE OF state ON main.deliveries",
        "(SELECT sequence FROM studies WHERE key = NEW.study_key)",
    ),
}


class ListedStudies:
    """The studies as the worklist needs them. One for a journal."""

    def __init__(self, journal: Journal) -> None:
        """From now on, changes of studies are noted."""
        self._journal = journal
        with journal.transaction() as connection:
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS changed_ranges (number INTEGER PRIMARY KEY)")
            for name, (event, sequence) in WATCHED.items():
                connection.execute(
                    f"CREATE TEMP TRIGGER IF NOT EXISTS {name} AFTER {event} BEGIN"
                    f" INSERT OR IGNORE INTO changed_ranges SELECT {sequence} / {RANGE} WHERE {sequence} IS NOT NULL;"
                    " END"
                )

    def newest(self, most: int, least_others: int) -> list[StudyRecord]:
        """The newest published studies, newest first, `most` of them. Those of which an image was read come before the
        others when the list is cut: of these the newest fill what is left, and `least_others` are shown in any case. So
        a flood of pictures that nobody can read pushes no exam off the list. Those answered last come besides.
        """
        read = self._newest_read(most)
        others = [
            study.key
            for study in select_studies(self._journal, "ORDER BY sequence DESC LIMIT ?", most)
            if study.published_version and study.key not in read
        ]
        shown = [*read, *others[: max(most - len(read), least_others)], *self._newest_answered()]
        return select_studies(
            self._journal,
            "WHERE key IN (SELECT value FROM json_each(?)) AND published_version > 0 ORDER BY sequence DESC",
            json.dumps(shown),
        )

    def _newest_answered(self) -> list[str]:
        """The keys of the studies to which the newest answers came: they may be older than all others in the list."""
        rows = self._journal.rows(
            "SELECT study_key FROM answers WHERE state = 'shown' ORDER BY sequence DESC LIMIT ?", (MOST_ANSWERED,)
        )
        return [row["study_key"] for row in rows]

    def _newest_read(self, most: int) -> set[str]:
        """The keys of the `most` studies whose images were read last, found through the images: among studies, a flood
        of unreadable ones would have to be walked through at each look. An exam of very many images may hide others.
        """
        keys: dict[str, None] = {}
        before = BEYOND
        for _ in range(PAGES_OF_IMAGES):
            rows = self._journal.rows(
                "SELECT sequence, study_key FROM instances WHERE state = 'read' AND sequence < ?"
                " ORDER BY sequence DESC LIMIT ?",
                (before, 2 * most),
            )
            keys |= dict.fromkeys(row["study_key"] for row in rows)
            if len(rows) < 2 * most or len(keys) >= most:
                break
            before = rows[-1]["sequence"]
        return set(list(keys)[:most])

    def ranges(self) -> set[int]:
        """The numbers of all ranges that have studies. Looks at every study: for a start."""
        return {row[0] for row in self._journal.rows(f"SELECT DISTINCT sequence / {RANGE} FROM studies")}

    def ranges_of(self, keys: Collection[str]) -> dict[str, int]:
        """The number of the range of each of these studies, as far as they are still there."""
        rows = self._journal.rows(
            f"SELECT key, sequence / {RANGE} AS number FROM studies WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(list(keys)),),
        )
        return {row["key"]: row["number"] for row in rows}

    def take_changed(self) -> set[int]:
        """The numbers of the ranges in which something changed since the last call."""
        with self._journal.transaction() as connection:
            numbers = {row[0] for row in connection.execute("SELECT number FROM changed_ranges")}
            if numbers:
                connection.execute("DELETE FROM changed_ranges")
        return numbers

    def published_in(self, number: int) -> list[StudyRecord]:
        """The published studies of a range, newest first."""
        condition = "WHERE sequence >= ? AND sequence < ? AND published_version > 0 ORDER BY sequence DESC"
        return select_studies(self._journal, condition, number * RANGE, (number + 1) * RANGE)
