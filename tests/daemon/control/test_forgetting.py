"""The command that forgets an exam forgets all of it, or says why not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.control.forgetting import Forgetting
from leapfrog.control.without_daemon import run_here
from leapfrog.errors import UsageError
from leapfrog.settings import Settings, StationSettings
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyIdentity
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from support.journal_rows import new_instance
from support.spooled import put_in_spool

STUDY = StudyIdentity(study_instance_uid="1.2", patient_id="P1")
NUMBER = "K7-42F"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.sqlite")
    yield made
    made.close()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 0)


@pytest.fixture
def exam(journal: Journal, spool: Spool) -> str:
    """Its key. A power cut took the row of its second image, whose file is there."""
    first, second = (new_instance(study=STUDY, exam_number=NUMBER, owed=False) for _ in range(2))
    for new in (first, second):
        put_in_spool(spool, b"an image", new)
    Instances(journal).add(first)
    return first.id


def test_no_exam_is_forgotten_before_the_journal_knows_all_its_images(
    journal: Journal, spool: Spool, exam: str
) -> None:
    knows: list[bool] = [False]
    forgetting = Forgetting(
        journal, spool, lambda key: key, lambda _key: None, lambda: None, lambda _number: None, lambda: knows[0]
    )
    with pytest.raises(UsageError, match="Nothing was forgotten: try again in a minute"):
        forgetting.forget(exam, "not this patient")
    assert Studies(journal).find(exam) is not None
    assert len(spool.names()) == 2
    knows[0] = True
    assert forgetting.forget(exam, "not this patient")["images"] == 1


def test_nor_where_no_daemon_runs_that_would_take_them_in(
    tmp_path: Path, journal: Journal, spool: Spool, exam: str
) -> None:
    journal.close()
    settings = Settings(station=StationSettings(state_dir=tmp_path))
    asked = {"exam": NUMBER, "reason": "not this patient", "although_owed": False}
    with pytest.raises(UsageError, match="while Leapfrog runs"):
        run_here(settings, "forget", asked)
    assert len(spool.names()) == 2
