"""What is wrong is said once, with the time at which it began, for as long as it lasts."""

from leapfrog.problem import Problems


def test_a_problem_that_lasts_keeps_its_beginning_and_is_new_only_once() -> None:
    problems = Problems()
    assert problems.add("reports", "The disk of the reports is full.", "Make room on it.")
    (first,) = problems.current()
    assert not problems.add("reports", "The disk of the reports cannot be written.", "Connect it.")
    (second,) = problems.current()
    assert second.since == first.since != ""
    assert second.text == "The disk of the reports cannot be written. Connect it."


def test_what_is_all_right_again_is_forgotten() -> None:
    problems = Problems()
    for matter in ("a", "b", "c"):
        problems.add(matter, f"{matter} is wrong.")
    assert problems.clear("a")
    assert not problems.clear("a")
    problems.keep(["c"])
    assert [problem.what for problem in problems.current()] == ["c is wrong."]
