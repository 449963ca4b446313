"""What a radiologist says now comes first, and what it replaces is marked."""

from leapfrog.answers.document import Line
from leapfrog.answers.shown import AnswersOfExam, ShownAnswer, in_order
from support.documents import shown


def ids(*answers: ShownAnswer) -> list[str]:
    return [f"{one.id}{'' if one.counts else ' gone'}" for one in in_order(answers)]


def test_the_newest_comes_first() -> None:
    older, newer = shown("1"), shown("2", written_at="20261103")
    assert ids(older, newer) == ["2", "1"]


def test_a_correction_takes_the_place_of_what_it_names() -> None:
    first, second = shown("1"), shown("2", written_at="20261101", replaces=("1.2.3.1",))
    assert ids(first, second) == ["2", "1 gone"]


def test_what_a_person_verified_is_not_replaced_by_what_nobody_did() -> None:
    first, draft = shown("1"), shown("2", "unverified", written_at="20261103", replaces=("1.2.3.1",))
    assert ids(first, draft) == ["2", "1"]


def test_what_may_be_a_machine_s_comes_after_what_a_person_wrote() -> None:
    assert ids(shown("1"), shown("2", "unclear", written_at="20261103")) == ["1", "2"]


def test_two_that_name_each_other_both_stay() -> None:
    assert ids(shown("1", replaces=("1.2.3.2",)), shown("2", replaces=("1.2.3.1",))) == ["1", "2"]


def test_one_that_was_withdrawn_replaces_nothing() -> None:
    withdrawn = shown("2", replaces=("1.2.3.1",)).model_copy(update={"withdrawn": True})
    assert ids(shown("1"), withdrawn) == ["1", "2 gone"]


def test_a_flood_of_long_answers_leaves_the_page_small_and_the_newest_whole() -> None:
    lines = tuple(Line(level=0, text="x" * 20_000) for _ in range(20))
    many = in_order(shown(str(day), written_at=f"202611{day}", lines=lines) for day in range(10, 30))
    assert [len(one.document.lines) for one in many] == [20, 20] + [0] * 18
    assert [one.document.left_out for one in many] == [False, False] + [True] * 18


def test_a_report_is_told_from_one_that_shows_something_else() -> None:
    one = AnswersOfExam(shown=(shown("1"),))
    withdrawn = AnswersOfExam(shown=(shown("1").model_copy(update={"withdrawn": True}),))
    marks = {AnswersOfExam().mark, one.mark, withdrawn.mark, AnswersOfExam(another_patient=1).mark}
    assert len(marks) == 4
    assert AnswersOfExam().mark == ""
