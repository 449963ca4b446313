"""How far exams are, by what of them waits in the journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.state.exam_states import ExamState, exam_states
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyIdentity
from leapfrog.state.studies import Studies
from support.journal_rows import commit, new_instance, reading_of, report


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    one = Journal(tmp_path / "journal.sqlite")
    yield one
    one.close()


def add(journal: Journal) -> tuple[str, str]:
    """A new exam; the keys of its image and of its study."""
    new = new_instance()
    Instances(journal).add(new)
    return new.id, Studies(journal).newest(1)[0].key


def assess(journal: Journal, image: str) -> None:
    """A model found nothing on it."""
    commit(journal, image, reading=reading_of(image).model_copy(update={"outcome": "nothing_found"}))


def state(journal: Journal, key: str) -> ExamState:
    return exam_states(journal, [key])[key]


def test_an_exam_is_read_and_then_sent(journal: Journal) -> None:
    image, key = add(journal)
    assert state(journal, key) == ExamState(unread=True, unsent=True)
    assess(journal, image)
    report(journal, key, 1)
    assert state(journal, key) == ExamState(unsent=True)
    journal.change("UPDATE deliveries SET state = 'confirmed' WHERE kind = 'original'")
    assert not state(journal, key).sent
    journal.change("UPDATE deliveries SET state = 'confirmed' WHERE state = 'waiting'")
    assert state(journal, key) == ExamState(confirmed=True)
    assert state(journal, key).sent


def test_an_exam_that_cannot_be_read_or_was_refused_says_so_and_no_other_exam_does(journal: Journal) -> None:
    image, key = add(journal)
    _, other = add(journal)
    commit(journal, image, "set_aside")
    journal.change("UPDATE deliveries SET state = 'refused' WHERE study_key = ?", key)
    states = exam_states(journal, [key, other, "no such exam"])
    assert states == {
        key: ExamState(unreadable=True, unassessed=True, refused=True),
        other: ExamState(unread=True, unsent=True),
    }


def test_one_image_that_no_model_assessed_is_told_of_an_exam_but_not_what_is_no_image(journal: Journal) -> None:
    study = StudyIdentity(study_instance_uid="1.2.3", patient_id="P1")
    frontal, lateral, signals = (new_instance(study=study, owed=False) for _ in range(3))
    for one in (frontal, lateral, signals):
        Instances(journal).add(one)
    key = Studies(journal).newest(1)[0].key
    assess(journal, frontal.id)
    commit(journal, signals.id, "forward_only")
    assert state(journal, key) == ExamState(unread=True)
    commit(journal, lateral.id)
    assert state(journal, key) == ExamState(unassessed=True)
