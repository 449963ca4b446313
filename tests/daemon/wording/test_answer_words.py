"""What is said of a radiologist's answer is whole, harmless, and never more than is known."""

from leapfrog.answers.document import Line
from leapfrog.answers.judgement import Judgement
from leapfrog.answers.shown import AnswersOfExam
from leapfrog.exam import Identity
from leapfrog.wording.answer_words import AnswerWords, on_paper, tag_of, words_of_answers
from support.documents import GRACE, shown

PATIENT = Identity(patient_name="Wanjiru^Amina", patient_id="17")


def answer(judgement: Judgement = "verified", **said: object) -> AnswerWords:
    (words,) = words_of_answers(AnswersOfExam(shown=(shown("1", judgement, **said),)), PATIENT, ()).answers
    return words


def test_who_verified_it_and_when_is_said() -> None:
    facts = {str(fact.label): str(fact.value) for fact in answer(verified_by=(GRACE,)).facts}
    assert facts == {
        "Verified by": "Dr Grace Odhiambo, County Referral Hospital",
        "Written": "2026-11-02 08:30",
        "Came": "2026-11-02 09:10",
    }


def test_what_nobody_verified_says_so() -> None:
    assert answer("unverified").heading == "An answer came that nobody has verified yet"
    assert not answer("unverified").verified
    assert "may be a machine's" in answer("unclear").heading


def test_another_name_is_to_be_checked_but_not_another_order_of_its_parts() -> None:
    (note,) = answer(patient_name="Wanjiku^Amina").notes
    assert note == "The answer names the patient Wanjiku, Amina. Check that this is the same person."
    assert answer(patient_name="AMINA WANJIRU").notes == ()


def test_its_text_is_made_harmless_and_keeps_its_paragraphs() -> None:
    (line,) = answer(lines=(Line(level=1, label="Find\x1b[2Jing", text="One.\n\nTwo\u202e."),)).lines
    assert line.paragraphs == ("One.", "Two[?].")
    assert "\x1b" not in line.label


def test_the_list_says_the_most_that_is_known() -> None:
    both = AnswersOfExam(shown=(shown("1", "unclear"), shown("2")))
    assert tag_of(both) == "the radiologist has answered"
    assert tag_of(AnswersOfExam(another_patient=1)) == ""


def test_what_is_not_shown_is_said_without_a_word_of_it() -> None:
    words = words_of_answers(AnswersOfExam(another_patient=2, unreadable=1), PATIENT, ())
    assert words.not_shown == (
        "An answer for another patient came under this exam. It is not shown: tell the district.",
        "An answer came that this box cannot show. Read it at the district.",
    )
    assert bool(words)


def test_a_sheet_has_the_end_of_a_long_answer_where_conclusions_stand() -> None:
    lines = (*(Line(level=1, text=f"Sentence {number} of it. " * 10) for number in range(9)), Line(level=1, text="TB."))
    words = words_of_answers(AnswersOfExam(shown=(shown("1", lines=lines, verified_by=(GRACE,)),)), PATIENT, ())
    (said,) = on_paper(words)
    assert said[:2] == ("The radiologist has answered", "Verified by: Dr Grace Odhiambo, County Referral Hospital")
    assert "The exam's page on the screen shows all of it." in said
    assert said[-1] == "TB."
    assert sum(map(len, said)) < 1000


def test_what_does_not_count_any_more_is_on_no_sheet() -> None:
    withdrawn = shown("1").model_copy(update={"withdrawn": True})
    assert on_paper(words_of_answers(AnswersOfExam(shown=(withdrawn,)), PATIENT, ())) == ()
