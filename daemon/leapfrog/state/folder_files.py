"""The files that the folder watcher has taken: one that stays in its folder is taken once, even after a restart."""

import sqlite3
from collections.abc import Collection

from leapfrog.state.journal import Journal
from leapfrog.state.records import FolderFile, columns_of


class FolderFiles:
    """The rows of `folder_files`. Every method is one transaction; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        """Use the connection of `journal`."""
        self._journal = journal

    def remember(self, file: FolderFile, instance_id: str) -> None:
        """Record that `file`, in its present state, was taken as the instance `instance_id`."""
        with self._journal.transaction() as connection:
            remember(connection, file, instance_id)

    def all(self) -> list[FolderFile]:
        """Every file in the watched folders that was taken."""
        rows = self._journal.rows(f"SELECT {columns_of(FolderFile)} FROM folder_files")
        return [FolderFile(**dict(row)) for row in rows]

    def within(self, root: str) -> list[FolderFile]:
        """Every file below the folder `root` that was taken."""
        rows = self._journal.rows(
            f"SELECT {columns_of(FolderFile)} FROM folder_files WHERE path > ? AND path < ?",
            (f"{root.rstrip('/')}/", f"{root.rstrip('/')}0"),  # "0" comes after "/"
        )
        return [FolderFile(**dict(row)) for row in rows]

    def update(self, files: Collection[FolderFile]) -> None:
        """Record the present state of files whose content is the one that was taken."""
        with self._journal.transaction() as connection:
            connection.executemany(
                "UPDATE folder_files SET byte_count = ?, modified_ns = ?, inode = ?, file_digest = ? WHERE path = ?",
                [(file.byte_count, file.modified_ns, file.inode, file.file_digest, file.path) for file in files],
            )

    def forget(self, paths: Collection[str]) -> None:
        """Forget files that are gone, so that a new file with the same name is taken."""
        with self._journal.transaction() as connection:
            connection.executemany("DELETE FROM folder_files WHERE path = ?", [(path,) for path in paths])


def remember(connection: sqlite3.Connection, file: FolderFile, instance_id: str) -> None:
    """Record that `file` was taken, within the caller's transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO folder_files (path, byte_count, modified_ns, inode, file_digest, instance_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (file.path, file.byte_count, file.modified_ns, file.inode, file.file_digest, instance_id),
    )
