"""Single values of the journal that must outlive a restart and belong to no row."""

import sqlite3

from leapfrog.state.journal import Journal


class Facts:
    """The `facts` table. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    def get(self, name: str) -> str | None:
        """The value of `name`; None when it was never set."""
        row = self._journal.row("SELECT value FROM facts WHERE name = ?", (name,))
        return str(row["value"]) if row else None

    def put(self, name: str, value: str) -> None:
        """Set `name` to `value`, durably."""
        with self._journal.transaction() as connection:
            put(connection, name, value)


def put(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Set a fact within the caller's transaction."""
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))
