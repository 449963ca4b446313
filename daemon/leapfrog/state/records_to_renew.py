"""Which spool files need a record written anew: the instances of an older version, and those whose exam got its number
after they came. What must be done outlives a power cut: it is noted in the transaction that made it necessary.
"""

import sqlite3

from leapfrog.state.facts import put
from leapfrog.state.journal import Journal

FACT = "older_files"  # "FROM TO": the sequences of the instances to look at; an upgrade from version 3 sets it too


def note(connection: sqlite3.Connection, study_key: str) -> None:
    """Have the records of all instances of a study looked at, within the caller's transaction."""
    row = connection.execute(
        "SELECT min(sequence) AS first, max(sequence) AS last FROM instances WHERE study_key = ?", (study_key,)
    ).fetchone()
    if row["first"] is None:
        return
    known = connection.execute("SELECT value FROM facts WHERE name = ?", (FACT,)).fetchone()
    ends = [row["first"], row["last"], *(map(int, known["value"].split()) if known else ())]
    put(connection, FACT, f"{min(ends)} {max(ends)}")


def looked_at(journal: Journal, span: str, until: int | None) -> None:
    """The instances of `span` were looked at up to the sequence number `until`, or all of them (None). Nothing changes
    where more was noted meanwhile.
    """
    with journal.transaction() as connection:
        if until is None:
            connection.execute("DELETE FROM facts WHERE name = ? AND value = ?", (FACT, span))
        else:
            left = f"{until + 1} {span.split()[1]}"
            connection.execute("UPDATE facts SET value = ? WHERE name = ? AND value = ?", (left, FACT, span))
