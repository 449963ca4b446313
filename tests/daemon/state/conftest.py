"""A journal of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.state.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()
