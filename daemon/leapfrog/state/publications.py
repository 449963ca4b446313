"""What the folder that staff open still lacks, or still has: reports to publish, and reports to take away."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from leapfrog.state.facts import Facts, put
from leapfrog.state.journal import Journal
from leapfrog.state.records import ForgottenReport, StudyRecord, columns_of
from leapfrog.state.studies import BEYOND, Studies

FOLDER_FACT = "reports_folder"
PAGE = 500  # studies


@dataclass(frozen=True, kw_only=True)
class ReportsFolder:
    """The folder as it was last seen: its path, its mark, and whether it was on a disk of its own."""

    path: str
    token: str
    apart: bool


class Publications:
    """How far the published reports are; every method is one transaction of the journal."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal
        self._studies = Studies(journal)
        self._facts = Facts(journal)

    def next(self, passed_over: set[str]) -> StudyRecord | None:
        """The newest study whose newest report is not published yet, urgent ones first, without those passed over."""
        row = self._journal.row(
            "SELECT key FROM studies WHERE published_version < version"
            " AND key NOT IN (SELECT value FROM json_each(?)) ORDER BY urgent DESC, sequence DESC LIMIT 1",
            (json.dumps(sorted(passed_over)),),
        )
        return None if row is None else self._studies.get(row["key"])

    def study(self, study_key: str) -> StudyRecord | None:
        """The study with this key, or None."""
        return self._studies.find(study_key)

    def waiting(self) -> int:
        """How many reports are not published yet."""
        return self._journal.count("studies WHERE published_version < version")

    def rendered_once(self) -> Iterator[StudyRecord]:
        """Every study that has a report, the newest first; before them those that may still change, so these come
        twice. Only a page of them is in memory.
        """
        for condition in ("state = 'open' AND version > 0", "version > 0"):
            query = (
                f"SELECT key, sequence FROM studies WHERE {condition} AND sequence < ? ORDER BY sequence DESC LIMIT ?"
            )
            page = self._journal.rows(query, (BEYOND, PAGE))
            while page:
                yield from filter(None, (self._studies.find(row["key"]) for row in page))
                page = self._journal.rows(query, (page[-1]["sequence"], PAGE))

    def mark_published(self, study_key: str, version: int) -> None:
        """Record that the folder shows `version` of a study's report."""
        self._journal.change("UPDATE studies SET published_version = ? WHERE key = ?", version, study_key)

    def publish_newest_again(self, count: int) -> None:
        """Have the `count` newest reports published again: after a power cut, what is beside them may not be whole."""
        self._journal.change(
            "UPDATE studies SET published_version = 0 WHERE version > 0 AND sequence IN"
            " (SELECT sequence FROM studies ORDER BY sequence DESC LIMIT ?)",
            count,
        )

    def render_again(self, study_key: str, version: int) -> bool:
        """Have a new version made, because the files of `version` are lost. Returns whether that still is the newest
        one, which nobody has published meanwhile.
        """
        return bool(
            self._journal.change(
                "UPDATE studies SET changes = changes + 1, state = 'open', published_version = version"
                " WHERE key = ? AND version = ? AND published_version < version",
                study_key,
                version,
            )
        )

    # ------------------------------------------------------------ the folder

    def folder(self) -> ReportsFolder | None:
        """The folder as it was last seen; None before the first time."""
        known = self._facts.get(FOLDER_FACT)
        return None if known is None else ReportsFolder(**json.loads(known))

    def note_folder(self, folder: ReportsFolder, *, anew: bool) -> None:
        """Keep how the folder is now; `anew` has every report published again, since it is another one."""
        with self._journal.transaction() as connection:
            put(connection, FOLDER_FACT, json.dumps(asdict(folder)))
            if anew:
                connection.execute("UPDATE studies SET published_version = 0 WHERE version > 0")

    # ------------------------------------------------------------ what was forgotten

    def forgotten(self, limit: int = 100) -> list[ForgottenReport]:
        """Reports of deleted studies that are still to be taken away."""
        rows = self._journal.rows(f"SELECT {columns_of(ForgottenReport)} FROM forgotten_reports LIMIT ?", (limit,))
        return [ForgottenReport(**dict(row)) for row in rows]

    def is_to_take_away(self, study_key: str) -> bool:
        """Whether the report of a deleted study is still to be taken away."""
        return self._journal.row("SELECT 1 FROM forgotten_reports WHERE key = ?", (study_key,)) is not None

    def taken_away(self, report: ForgottenReport) -> None:
        """Record that nothing of the report is left."""
        self._journal.change("DELETE FROM forgotten_reports WHERE key = ?", report.key)
