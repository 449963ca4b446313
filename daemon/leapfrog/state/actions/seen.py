"""The newest line of the log of who did what when it was last found whole: the journal remembers it, so that an end
that was cut off is found out.
"""

import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from leapfrog.errors import UsageError
from leapfrog.state.journal import JOURNAL_NAME

SEEN_FACT = "actions_seen"
LINE_SEEN = re.compile(r"([0-9]{1,18}):([0-9a-fA-F]{64})", re.ASCII)


def line_seen(text: str) -> tuple[int, str]:
    """The number and the hash of a line, as `newest_hash` gives them. Raises UsageError for anything else."""
    found = LINE_SEEN.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no line of the log: it is a number, a colon, and 64 digits and letters.")
    return int(found[1]), found[2].lower()


def seen_by_daemon(state_dir: Path) -> tuple[int, str] | None:
    """What the daemon saw last, for a command that has no journal open; None where nobody looked yet, or the journal
    cannot be read.
    """
    journal = state_dir / JOURNAL_NAME
    with suppress(sqlite3.Error, UsageError), closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as opened:
        row = opened.execute("SELECT value FROM facts WHERE name = ?", (SEEN_FACT,)).fetchone()
        return line_seen(str(row[0])) if row else None
    return None
