"""Boxes whose parts are stopped after the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.intake_box import Box, make_box


@pytest.fixture
def new_box(tmp_path: Path) -> Iterator[Callable[..., Box]]:
    """Makes boxes; their parts are stopped afterwards."""
    made: list[Box] = []

    def make(state_dir: Path = tmp_path / "state", **options: Any) -> Box:
        made.append(make_box(state_dir, **options))
        return made[-1]

    yield make
    for box in made:
        for stop in reversed(box.stops):
            stop()
        box.journal.close()


@pytest.fixture
def box(new_box: Callable[..., Box]) -> Box:
    """A box that owes its originals to a district."""
    return new_box()
