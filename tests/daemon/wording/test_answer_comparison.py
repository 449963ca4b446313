"""Where codes differ both are marked; what is written in words is left to people."""

from typing import Any

import pytest

from leapfrog.answers.judgement import Judgement
from leapfrog.answers.shown import AnswersOfExam
from leapfrog.exam import Code, ImageReading
from leapfrog.wording.answer_comparison import differences
from support.documents import finding, shown
from support.readings import finding as model_finding
from support.readings import unassessed_reading

PNEUMONIA, EFFUSION, NORMAL = "233604007", "60046008", "17621005"


def reading(**scores: float) -> ImageReading:
    """One that looked for both, with these scores."""
    found = tuple(
        model_finding(name, scores.get(name, 0.1), code=Code(value=value, scheme="SCT", meaning=name))
        for name, value in (("pneumonia", PNEUMONIA), ("effusion", EFFUSION))
    )
    return unassessed_reading(outcome="findings", findings=found, reason="")


def differing(
    coded: tuple[Any, ...], *readings: ImageReading, judgement: Judgement = "verified"
) -> list[tuple[str, bool]]:
    answers = AnswersOfExam(shown=(shown("1", judgement, coded=coded),))
    return [(one.finding.name, one.there) for one in differences(answers, readings)]


@pytest.mark.parametrize(
    ("coded", "expected"),
    [
        ((finding(PNEUMONIA, "present"),), [("pneumonia", True)]),
        ((finding(EFFUSION, "absent"),), [("effusion", False)]),
        ((finding(EFFUSION, "present"), finding(PNEUMONIA, "absent")), []),
        ((finding(PNEUMONIA, "unclear"), finding(EFFUSION, "unclear")), []),
        ((finding(NORMAL, "present"),), [("effusion", False)]),
        ((finding(PNEUMONIA, "present", "99LOCAL"),), []),
        ((), []),
    ],
)
def test_findings_are_compared_by_their_codes(coded: tuple[Any, ...], expected: list[tuple[str, bool]]) -> None:
    assert differing(coded, reading(effusion=0.9)) == expected


def test_what_was_verified_counts_before_what_is_newer() -> None:
    newer = shown("2", "unverified", coded=(finding(PNEUMONIA, "absent"),))
    verified = shown("1", "verified", coded=(finding(PNEUMONIA, "present"),))
    [difference] = differences(AnswersOfExam(shown=(newer, verified)), (reading(),))
    assert difference.there


def test_a_finding_on_any_image_is_the_exams() -> None:
    assert differing((finding(EFFUSION, "present"),), reading(), reading(effusion=0.9)) == []


def test_a_document_of_which_nobody_knows_who_wrote_it_is_not_compared() -> None:
    assert differing((finding(PNEUMONIA, "present"),), reading(), judgement="unclear") == []


def test_an_image_that_no_model_read_differs_in_nothing() -> None:
    assert differing((finding(PNEUMONIA, "present"),), unassessed_reading()) == []
