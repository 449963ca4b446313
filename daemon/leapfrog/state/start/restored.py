"""What a journal must forget, ask and show again when it comes from a backup."""

from collections.abc import Collection
from pathlib import Path

from leapfrog.errors import StorageError
from leapfrog.state.actions.seen import SEEN_FACT
from leapfrog.state.exam_numbers import skip_numbers
from leapfrog.state.journal import Journal

RESTORING_NAME = "restoring"  # in the state directory, as long as a restore is not complete


def require_complete_state(state_dir: Path) -> None:
    """Raise StorageError when a restore was cut off: what is there is neither the old state nor the new one."""
    if (state_dir / RESTORING_NAME).exists():
        raise StorageError(
            f"Restoring a backup into {state_dir} was cut off. Run `leapfrog restore` again with the same file, then"
            " start Leapfrog. What was here before is in its folders before-restore-*."
        )


def after_restore(journal: Journal, forgotten: Collection[str], numbers_reserved: int, days: float) -> int:
    """Bring a journal from a backup to the present. Returns how many deliveries the district is asked for.

    Whatever was owed may have been confirmed since, so each is asked for before it is sent. Every report is published
    again. The studies of the spool files `forgotten` were forgotten while the backup was made. Exams since then got
    numbers that the backup does not know: no exam to come gets one of them. `numbers_reserved` is how many the state
    that is replaced knows of, and the backup is `days` old.
    """
    with journal.transaction() as connection:
        skip_numbers(connection, numbers_reserved, days)
        keys = {
            row["study_key"]
            for name in forgotten
            for row in connection.execute(
                "SELECT study_key FROM instances WHERE spool_name = ?1"
                " UNION SELECT study_key FROM deliveries WHERE spool_name = ?1",
                (name,),
            )
        }
        for key in keys:
            for table, column in (("deliveries", "study_key"), ("instances", "study_key"), ("studies", "key")):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))
        connection.execute("UPDATE studies SET published_version = 0 WHERE version > 0")
        # The log of who did what is not in a backup: which line was seen last is of this box, or of another.
        connection.execute("DELETE FROM facts WHERE name = ?", (SEEN_FACT,))
        return connection.execute("UPDATE deliveries SET posted = 1 WHERE state = 'waiting'").rowcount
