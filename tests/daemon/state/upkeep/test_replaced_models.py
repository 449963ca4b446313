"""Which exams are reported on again because their model was replaced."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from leapfrog.exam import ModelUsed
from leapfrog.state.facts import Facts
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.studies import Studies
from leapfrog.state.upkeep.replaced_models import ReplacedModels
from leapfrog.worker import UNTIL_WOKEN
from support.journal_rows import commit, new_instance, reading_of, report


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.sqlite")
    yield made
    made.close()


def add_exam(journal: Journal, version: str | None) -> str:
    """A finished exam that this version of the model `chest` read, or that no model read."""
    new = new_instance(owed=False)
    Instances(journal).add(new)
    model = ModelUsed(name="chest", version=version, device="cpu", demonstration=False) if version else None
    commit(journal, new.id, reading=reading_of(new.id).model_copy(update={"model": model}))
    report(journal, new.id, 1)
    journal.change("UPDATE studies SET finished_day = 5 WHERE key = ?", new.id)
    return new.id


def gone_through(journal: Journal, in_use: Mapping[str, str]) -> list[str]:
    """The exams that a start with these packages has reported on again, in order."""
    reopened: list[str] = []
    worker = ReplacedModels(studies=Studies(journal), facts=Facts(journal), in_use=in_use, on_reopened=reopened.append)
    while worker.turn() != UNTIL_WOKEN:
        pass
    return reopened


def test_exams_of_another_version_are_reported_on_again_the_newest_first(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.state.upkeep.replaced_models.PAGE", 2)
    exams = [add_exam(journal, version) for version in ("0.1.0", "0.2.0", None, "0.1.0", "0.2.0", "0.1.0")]
    assert gone_through(journal, {"chest": "0.2.0", "head": "1.0.0"}) == [exams[5], exams[3], exams[0]]
    opened = {study.key for study in Studies(journal).open()}
    assert opened == {exams[0], exams[3], exams[5]}


def test_each_is_kept_no_longer_for_that(journal: Journal) -> None:
    exam = add_exam(journal, "0.1.0")
    assert gone_through(journal, {"chest": "0.2.0"}) == [exam]
    assert journal.rows("SELECT state, finished_day FROM studies")[0]["finished_day"] == 5


def test_it_is_done_once_until_the_packages_change_again(journal: Journal) -> None:
    exam = add_exam(journal, "0.1.0")
    assert gone_through(journal, {"chest": "0.1.0"}) == []
    assert gone_through(journal, {"chest": "0.2.0"}) == [exam]
    journal.change("UPDATE studies SET state = 'quiet'")
    assert gone_through(journal, {"chest": "0.2.0"}) == []
    assert gone_through(journal, {"chest": "0.3.0"}) == [exam]


def test_a_start_that_was_cut_short_goes_through_everything_again(journal: Journal) -> None:
    exams = [add_exam(journal, "0.1.0") for _ in range(2)]
    worker = ReplacedModels(
        studies=Studies(journal), facts=Facts(journal), in_use={"chest": "0.2.0"}, on_reopened=lambda _key: None
    )
    worker.turn()
    assert [study.key for study in Studies(journal).open()] == [exams[1]]
    assert gone_through(journal, {"chest": "0.2.0"}) == [exams[0]], "the other is open"


def test_a_model_that_the_box_has_no_more_was_not_replaced(journal: Journal) -> None:
    add_exam(journal, "0.1.0")
    assert gone_through(journal, {"head": "1.0.0"}) == []


def test_a_report_from_before_exams_had_numbers_is_made_again_once(journal: Journal) -> None:
    exam, numberless = add_exam(journal, "0.1.0"), add_exam(journal, "0.1.0")
    Studies(journal).give_numbers({exam: "K7-42F"})
    assert gone_through(journal, {"chest": "0.1.0"}) == [exam]
    row = '{"exam_number": "K7-42F"}'
    journal.change("UPDATE studies SET state = 'quiet', worklist_row = ? WHERE key = ?", row, exam)
    Facts(journal).put("models_gone_through", "")
    assert gone_through(journal, {"chest": "0.1.0"}) == []
    assert Studies(journal).get(numberless).state == "quiet"


def test_nothing_is_looked_at_before_every_exam_has_its_number(journal: Journal) -> None:
    add_exam(journal, "0.1.0")
    reopened: list[str] = []
    worker = ReplacedModels(
        studies=Studies(journal),
        facts=Facts(journal),
        in_use={"chest": "0.2.0"},
        on_reopened=reopened.append,
        ready=lambda: False,
    )
    assert worker.turn() != UNTIL_WOKEN
    assert reopened == []
