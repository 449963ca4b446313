"""Finds out whether a journal is damaged: its file, its schema, its references, and values that nobody wrote."""

import hashlib
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

from leapfrog.state.facts import Facts
from leapfrog.state.journal import Journal
from leapfrog.state.migrations import schema_version

# A larger journal is not searched at the start, which must not wait for it: damage is noticed when it is met.
SEARCHED_AT_START_BYTES = 64 << 20
SCHEMA = "SELECT type, name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name"
READABLE = (  # JSON that the daemon reads back
    "SELECT 'an image''s reading' FROM instances WHERE reading IS NOT NULL AND NOT json_valid(reading)",
    "SELECT 'what is known of a picture' FROM instances WHERE picture IS NOT NULL AND NOT json_valid(picture)",
    "SELECT 'what is known of a picture' FROM instances WHERE NOT json_valid(hints)",
    "SELECT 'a line of the worklist' FROM studies WHERE NOT json_valid(worklist_row)",
)


def find_damage(journal: Journal, path: Path, *, whole: bool = False) -> str:
    """What is wrong with the journal, as a sentence; "" when nothing is found. A large one is searched only if `whole`.

    Raises JournalDamaged when the search itself meets damage.
    """
    if found := _in_schema(journal):
        return found
    if not whole and path.stat().st_size > SEARCHED_AT_START_BYTES:
        return ""
    (state, *_) = journal.rows("PRAGMA integrity_check(1)")
    if state[0] != "ok":
        return f"SQLite finds: {' '.join(str(state[0]).split())}."
    if reference := journal.row("PRAGMA foreign_key_check"):
        return f"A row of {reference['table']} belongs to one that is not there."
    for query in READABLE:
        if row := journal.row(query):
            return f"It cannot be read: {row[0]}."
    return ""


def schema_is_as_noted(path: Path, version: int | None = None) -> bool | None:
    """Whether the journal at `path` has the schema that was noted when it had `version` (None: the one that it says).
    None when nothing was noted, as before version 4, or when it cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            said = connection.execute("PRAGMA user_version").fetchone()[0] if version is None else version
            noted = connection.execute("SELECT value FROM facts WHERE name = ?", (_digest_name(said),)).fetchone()
            return noted[0] == _digest(connection.execute(SCHEMA).fetchall()) if noted else None
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _in_schema(journal: Journal) -> str:
    """SQLite has no checksums: a name or a condition in the schema that changed by a bit is seen only by its digest."""
    schema = [tuple(row) for row in journal.rows(SCHEMA)]
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(resources.files("leapfrog.state").joinpath("journal.sql").read_text(encoding="utf-8"))
        wanted = {row[:2] for row in fresh.execute(SCHEMA)}
    if missing := sorted(wanted - {row[:2] for row in schema}):
        return f"The {' '.join(missing[0])} is missing."
    noted = Facts(journal).get(_digest_name(schema_version()))
    if noted is None:
        journal.change("INSERT INTO facts VALUES (?, ?)", _digest_name(schema_version()), _digest(schema))
    return "" if noted in (None, _digest(schema)) else "Its schema was changed."


def _digest_name(version: int) -> str:
    return f"schema_{version}"


def _digest(schema: list[tuple[str, str, str]]) -> str:
    return hashlib.sha256(repr(schema).encode()).hexdigest()
