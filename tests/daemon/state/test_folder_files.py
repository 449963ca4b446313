"""What the folder watcher has taken."""

from pathlib import Path

from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import (
    FolderFile,
)
from support.journal_rows import new_instance, reopened


def test_a_folder_file_is_remembered_with_its_instance_over_a_restart(journal: Journal, tmp_path: Path) -> None:
    file = FolderFile(path="/inbox/a.dcm", byte_count=5, modified_ns=7, inode=9)
    Instances(journal).add(new_instance(folder_file=file))
    journal = reopened(journal, tmp_path)
    assert FolderFiles(journal).all() == [file]
    FolderFiles(journal).forget([file.path])
    assert FolderFiles(journal).all() == []
    journal.close()
