"""A box with something owed to an archive."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.courier_box import CourierBox, courier_box


@pytest.fixture
def box(tmp_path: Path) -> Iterator[CourierBox]:
    with courier_box(tmp_path / "state") as box:
        yield box


@pytest.fixture
def archive_folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"
