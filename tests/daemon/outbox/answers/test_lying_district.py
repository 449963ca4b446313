"""A district that lies, floods or sends elsewhere: nothing of it is shown, nothing stops, and it costs little."""

import json
from collections.abc import Callable, Iterator, Mapping

import pytest

from leapfrog.outbox.answers.district_search import LARGEST_DOCUMENT_BYTES
from leapfrog.outbox.answers.inquirer import MOST_FETCHES, MOST_TIMES_NOT_GIVEN
from support.answers_box import HOUR, AnswersBox, Exam
from support.radiologist import file_of, structured_report
from support.recording_proxy import Answer, Exchange, Mishap, RawAnswer, RecordingProxy

JSON = "application/dicom+json"
MULTIPART = 'multipart/related; type="application/dicom"; boundary=x'
UIDS = {"study": "0020000D", "series": "0020000E", "instance": "00080018", "class": "00080016", "count": "00201208"}
BASIC_TEXT = "1.2.840.10008.5.1.4.1.1.88.11"
ENDLESS = RawAnswer(
    (b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n" % MULTIPART.encode(), *[bytes(1 << 20)] * 64), endless=True
)


@pytest.fixture
def district() -> Iterator[RecordingProxy]:
    """A server that says what a test wants."""
    with RecordingProxy("http://127.0.0.1:9/dicom-web", keep_bodies=False) as server:
        yield server


def listing(*entries: Mapping[str, object]) -> Answer:
    """An answer to a search."""
    body = [{UIDS[name]: {"vr": "UI", "Value": [value]} for name, value in one.items()} for one in entries]
    return Answer(200, json.dumps(body).encode(), JSON)


def document(content: bytes) -> Answer:
    """An answer to a retrieval."""
    body = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--x--\r\n"
    return Answer(200, body, MULTIPART)


def holding(exam: Exam, given: Mishap, uid: str = "1.2.3.4.5") -> Callable[[Exchange], Mishap]:
    """What answers that the district holds a document of `exam`, and gives this when it is fetched."""

    def choose(exchange: Exchange) -> Mishap:
        path = exchange.path.partition("?")[0]
        if path.endswith("/studies"):
            return listing({"study": exam.study_instance_uid, "count": 2})
        if path.endswith("/instances"):
            return listing({"series": "1.2.3.4", "instance": uid, "class": BASIC_TEXT})
        return given

    return choose


@pytest.mark.parametrize(
    "given",
    [
        Answer(200, b"<html>", "text/html"),
        Answer(200, b"", MULTIPART),
        Answer(404),
        Answer(500),
        Answer(200, b"--x\r\n\r\nnot whole", MULTIPART),
    ],
    ids=["a page", "nothing", "not there", "failure", "half"],
)
def test_what_is_no_document_is_given_up_after_some_attempts(
    given: Mishap, box: AnswersBox, district: RecordingProxy
) -> None:
    district.always(holding(box.sent_exam(), given))
    inquirer = box.inquirer(district.url)
    for _ in range(MOST_TIMES_NOT_GIVEN + 2):
        answers = box.ask(inquirer)
    assert (answers.shown, answers.unreadable) == ((), 1)
    assert len(fetches(district)) == MOST_TIMES_NOT_GIVEN


def fetches(district: RecordingProxy) -> list[Exchange]:
    """The times that the document was asked for."""
    return [exchange for exchange in district.exchanges if exchange.path.endswith("/1.2.3.4.5")]


def test_a_document_without_end_is_fetched_once(box: AnswersBox, district: RecordingProxy) -> None:
    district.always(holding(box.sent_exam(), ENDLESS))
    inquirer = box.inquirer(district.url)
    assert [box.ask(inquirer).unreadable for _ in range(3)] == [1, 1, 1]
    assert len(fetches(district)) == 1
    assert sum(path.stat().st_size for path in box.state_dir.glob("answers/*")) < LARGEST_DOCUMENT_BYTES


def test_another_document_than_the_one_that_it_listed_is_not_shown(box: AnswersBox, district: RecordingProxy) -> None:
    exam = box.sent_exam()
    district.always(holding(exam, document(file_of(structured_report(exam.study_instance_uid, "17")))))
    answers = box.ask(box.inquirer(district.url))
    assert (answers.shown, answers.unreadable) == ((), 1)


def test_a_document_of_another_study_is_not_shown(box: AnswersBox, district: RecordingProxy) -> None:
    report = structured_report("1.2.3.999", "17")
    district.always(holding(box.sent_exam(), document(file_of(report)), str(report.SOPInstanceUID)))
    answers = box.ask(box.inquirer(district.url))
    assert (answers.shown, answers.another_patient) == ((), 1)


def test_studies_that_it_was_not_asked_about_do_not_count(box: AnswersBox, district: RecordingProxy) -> None:
    box.sent_exam()
    district.always(lambda exchange: listing(*({"study": f"1.2.{n}", "count": 9} for n in range(500))))
    box.ask(box.inquirer(district.url))
    assert box.states() == []
    assert len(district.exchanges) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(302, b"", headers={"Location": "http://127.0.0.1:1/elsewhere"}),
        Answer(200, b"<html>Sign in</html>"),
        Answer(401),
        Answer(500),
        Answer(200, b"[" * 900_000, JSON),
        Answer(200, b'{"x": ' * 100_000, JSON),
        Answer(200, b'<NativeDicomModel><!DOCTYPE x [<!ENTITY a "aaaa">]>', "application/dicom+xml"),
        Answer(200, bytes(2_000_000), JSON),
        Answer(200, b"\x1f\x8b" + bytes(100), JSON, headers={"Content-Encoding": "gzip"}),
    ],
    ids=["redirect", "portal", "login", "failure", "deep", "deeper", "entities", "long", "not packed"],
)
def test_what_is_no_answer_is_asked_again_later_and_ever_more_rarely(
    answer: Answer, box: AnswersBox, district: RecordingProxy
) -> None:
    box.sent_exam()
    district.always(lambda exchange: answer)
    inquirer = box.inquirer(district.url)
    box.later(HOUR)
    pauses = [inquirer.turn()]
    asked = len(district.exchanges)
    inquirer.wake()
    inquirer.turn()
    assert len(district.exchanges) == asked  # not before its time
    for _ in range(3):
        box.later(pauses[-1])
        pauses.append(inquirer.turn())
    assert pauses == sorted(pauses)
    assert pauses[-1] > 2 * pauses[0]
    assert box.states() == []


def test_a_list_without_end_of_documents_is_cut_off(box: AnswersBox, district: RecordingProxy) -> None:
    exam = box.sent_exam()

    def choose(exchange: Exchange) -> Mishap:
        path = exchange.path.partition("?")[0]
        if path.endswith("/studies"):
            return listing({"study": exam.study_instance_uid, "count": 2})
        if path.endswith("/instances"):
            return listing(*({"series": "1.2", "instance": f"1.3.{n}", "class": BASIC_TEXT} for n in range(3000)))
        return Answer(404)

    district.always(choose)
    box.ask(box.inquirer(district.url))
    assert len(box.states()) == 50


def answering(exams: list[Exam], special: Callable[[Exam, str], Mishap | None]) -> Callable[[Exchange], Mishap]:
    """What holds a radiologist's report of each exam, unless `special` answers something else about one."""
    reports = {exam.key: structured_report(exam.study_instance_uid, exam.patient_id) for exam in exams}

    def choose(exchange: Exchange) -> Mishap:
        path = exchange.path.partition("?")[0]
        if path.endswith("/studies"):
            return listing(*({"study": exam.study_instance_uid, "count": 2} for exam in exams))
        exam = next(exam for exam in exams if exam.study_instance_uid in path)
        if (mishap := special(exam, path)) is not None:
            return mishap
        report = reports[exam.key]
        if path.endswith("/instances"):
            return listing({"series": "1.2.3.4", "instance": str(report.SOPInstanceUID), "class": BASIC_TEXT})
        return document(file_of(report))

    return choose


@pytest.mark.parametrize("status", [403, 503, 500])
@pytest.mark.parametrize("about", ["a study", "a document"])
def test_an_exam_over_which_it_fails_holds_up_no_other(
    about: str, status: int, box: AnswersBox, district: RecordingProxy
) -> None:
    exams = [box.sent_exam(str(number)) for number in range(20, 24)]
    bad = exams[-1]  # the newest, which is asked about first

    def special(exam: Exam, path: str) -> Mishap | None:
        is_question = path.endswith(("/instances", "/series"))
        return Answer(status) if exam is bad and is_question == (about == "a study") else None

    district.always(answering(exams, special))
    inquirer = box.inquirer(district.url)
    box.ask(inquirer)
    box.ask(inquirer)
    assert [len(box.answers.of_exam(exam.key).shown) for exam in exams] == [1, 1, 1, 0]


def test_an_answer_is_not_withdrawn_because_a_question_about_it_failed(
    box: AnswersBox, district: RecordingProxy
) -> None:
    failing = False
    district.always(
        answering([box.sent_exam()], lambda _, path: Answer(503) if failing and "/instances" in path else None)
    )
    inquirer = box.inquirer(district.url)
    assert [one.withdrawn for one in box.ask(inquirer).shown] == [False]
    failing = True
    box.journal.change("UPDATE answer_questions SET held = 1")  # something else came into the study
    for _ in range(3):
        answers = box.ask(inquirer, 25 * HOUR)
    assert [one.withdrawn for one in answers.shown] == [False]


def test_a_document_that_breaks_off_often_is_fetched_when_the_link_is_better(
    box: AnswersBox, district: RecordingProxy
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Type: %s\r\n\r\n--x" % MULTIPART.encode()
    broken = True
    district.always(
        answering([box.sent_exam()], lambda _, path: RawAnswer((head,)) if broken and "/series/" in path else None)
    )
    inquirer = box.inquirer(district.url)
    for _ in range(MOST_TIMES_NOT_GIVEN + 2):
        box.ask(inquirer)
    assert box.states() == ["listed"]
    broken = False
    assert len(box.ask(inquirer).shown) == 1
    box.journal.change("UPDATE answers SET state = 'listed', attempts = ?", MOST_FETCHES - 1)
    broken = True
    assert box.ask(inquirer, 25 * HOUR).unreadable == 1


def test_a_login_page_on_the_way_costs_no_answer(box: AnswersBox, district: RecordingProxy) -> None:
    exam = box.sent_exam()
    inquirer = box.inquirer(district.url)
    district.always(holding(exam, Answer(503)))
    box.ask(inquirer)
    district.always(lambda exchange: Answer(200, b"<html>Sign in</html>", "text/html"))
    for _ in range(MOST_TIMES_NOT_GIVEN + 2):
        box.ask(inquirer)
    assert box.states() == ["listed"]


def test_one_that_lets_it_search_and_not_fetch_is_told_of(box: AnswersBox, district: RecordingProxy) -> None:
    district.always(holding(box.sent_exam(), Answer(403)))
    inquirer = box.inquirer(district.url)
    for _ in range(2):
        box.ask(inquirer)
    assert [problem.in_worklist for problem in inquirer.problems()] == [False]
