"""The numbers of each week: every exam counts once, as what its last report came to, and stays counted."""

from datetime import date, timedelta
from itertools import count
from typing import Any

from leapfrog.fleet.box_state import DAYS_TOLD, WEEKS_TOLD, WeekCount
from leapfrog.language.sentence import Sentence
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import CommittedReport
from leapfrog.state.studies import Studies
from leapfrog.state.weeks import Weeks
from support.journal_rows import OLD_ROW, fill, new_instance

TODAY = date(2026, 11, 30)  # a Monday, of week 49
VERSIONS = count(1)


def receive(journal: Journal, day: date = TODAY) -> str:
    """An exam that came on that day; its key."""
    new = new_instance(received_at=f"{day}T10:00:00+02:00")
    Instances(journal).add(new)
    return new.id


def conclude(journal: Journal, key: str, *, urgent: bool = False, **row: Any) -> None:
    """A report of it whose line in the worklist says `row`."""
    line = OLD_ROW.model_copy(update={"urgent": urgent, **row}).model_dump_json()
    version = next(VERSIONS)
    committed = CommittedReport(
        study_key=key, version=version, changes=0, closing=True, worklist_row=line, urgent=urgent
    )
    assert Studies(journal).commit_report(committed) is not None


def this_week(journal: Journal) -> WeekCount:
    return Weeks(journal).weeks(TODAY)[-1]


def test_an_exam_counts_once_whatever_its_reports_come_to_one_after_the_other(journal: Journal) -> None:
    key = receive(journal)
    assert this_week(journal) == a_week(exams=1)
    conclude(journal, key, kind="not_assessed")
    assert this_week(journal) == a_week(exams=1, not_assessed=1)
    conclude(journal, key, kind="look", urgent=True)
    assert this_week(journal) == a_week(exams=1, urgent=1)
    answered = {"answered": Sentence("the radiologist has answered"), "radiologist_answered": True}
    conclude(journal, key, kind="look", urgent=True, **answered)
    assert this_week(journal) == a_week(exams=1, urgent=1, answered=1)
    conclude(journal, key, kind="look", urgent=True, answer_differs=True, **answered)
    assert this_week(journal) == a_week(exams=1, urgent=1, answered=1, differing=1)
    conclude(journal, key, kind="look", urgent=True)  # the district has withdrawn its answer
    assert this_week(journal) == a_week(exams=1, urgent=1)


def a_week(**values: int) -> WeekCount:
    none = {"exams": 0, "urgent": 0, "not_assessed": 0, "answered": 0, "differing": 0}
    return WeekCount(week="2026-W49", **(none | values))


def test_a_document_that_may_be_a_machine_s_is_no_answer_of_a_radiologist(journal: Journal) -> None:
    conclude(journal, receive(journal), answered=Sentence("a document from the district"))
    assert this_week(journal) == a_week(exams=1)


def test_a_demonstration_does_not_count(journal: Journal) -> None:
    key = receive(journal)
    conclude(journal, key, kind="look", urgent=True, phantom=True)
    assert Weeks(journal).weeks(TODAY) == ()
    assert Weeks(journal).days(TODAY)[-1].exams == 0


def test_another_image_of_an_exam_does_not_count(journal: Journal) -> None:
    first = new_instance(received_at=f"{TODAY}T10:00:00+02:00")
    later = new_instance(study=first.study, received_at=f"{TODAY + timedelta(days=9)}T10:00:00+02:00")
    Instances(journal).add(first)
    Instances(journal).add(later)
    assert [(one.week, one.exams) for one in Weeks(journal).weeks(TODAY + timedelta(days=9))] == [("2026-W49", 1)]


def test_what_is_deleted_stays_counted(journal: Journal) -> None:
    key = receive(journal)
    conclude(journal, key, urgent=True)
    with journal.transaction() as connection:
        for table, column in (("deliveries", "study_key"), ("instances", "study_key"), ("studies", "key")):
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))
    assert this_week(journal) == a_week(exams=1, urgent=1)
    assert Weeks(journal).days(TODAY)[-1].exams == 1


def test_weeks_are_those_of_iso_8601_on_every_day_also_around_new_year(journal: Journal) -> None:
    days = [date(2019, 12, 25) + timedelta(days=number) for number in range(12 * 366)]
    with journal.transaction() as connection:
        connection.executemany(
            "INSERT INTO studies (key, study_instance_uid, patient_id, issuer, received_at, received_date)"
            " VALUES (?, '', '', '', '', ?)",
            [(new_id(), day.isoformat()) for day in days],
        )
    rows = journal.rows("SELECT received_date, week FROM studies")
    for row in rows:
        year, week, _ = date.fromisoformat(row["received_date"]).isocalendar()
        assert row["week"] == f"{year}-W{week:02d}"
    assert {row["exams"] for row in journal.rows("SELECT exams FROM weeks")} <= set(range(1, 8))


def test_an_exam_of_no_known_day_is_received_and_counts_nowhere(journal: Journal) -> None:
    Instances(journal).add(new_instance(received_at="yesterday"))
    assert journal.count("studies") == 1
    assert journal.count("weeks") == 0


def test_half_a_year_and_a_fortnight_are_told_and_nothing_of_a_clock_that_was_ahead(journal: Journal) -> None:
    for ago in range(0, 7 * (WEEKS_TOLD + 4), 7):
        receive(journal, TODAY - timedelta(days=ago))
    receive(journal, date(2031, 1, 1))
    told = Weeks(journal).weeks(TODAY)
    assert [told[0].week, told[-1].week, len(told)] == ["2026-W24", "2026-W49", WEEKS_TOLD]
    days = Weeks(journal).days(TODAY)
    assert len(days) == DAYS_TOLD
    assert [(one.day, one.exams) for one in days if one.exams] == [(TODAY - timedelta(days=7), 1), (TODAY, 1)]


def test_with_many_exams_no_row_of_them_is_looked_at(journal: Journal) -> None:
    fill(journal, 500)
    seen: list[str] = []
    with journal.transaction() as connection:
        connection.set_trace_callback(seen.append)
    Weeks(journal).weeks(TODAY)
    Weeks(journal).days(TODAY)
    with journal.transaction() as connection:
        connection.set_trace_callback(None)
    told = [statement for statement in seen if statement.startswith("SELECT")]
    assert len(told) == 2
    assert not any("studies" in statement for statement in told)
