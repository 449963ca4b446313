"""A box that sent exams, and a real district server behind a proxy that counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.answers_box import AnswersBox


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AnswersBox]:
    with AnswersBox(tmp_path) as box:
        yield box
