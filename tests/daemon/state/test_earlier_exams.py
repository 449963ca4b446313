"""Earlier exams are those of the same person, and never those of somebody else."""

import sqlite3
from collections.abc import Collection
from typing import Any

import pytest

from leapfrog.exam import Identity
from leapfrog.state.earlier_exams import MOST_SHOWN, EarlierExams, is_somebodys
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.publications import Publications
from leapfrog.state.records import StudyIdentity
from leapfrog.state.studies import Studies
from support.journal_rows import commit, fill, new_instance, reading_of, report

BORN = "19840217"


def _exam(
    journal: Journal,
    number: str = "KIT-42",
    *birth_dates: str,
    issuer: str = "",
    published: bool = True,
    taken: str = "",
) -> str:
    """An exam of an image for each of `birth_dates`; its key."""
    identity: StudyIdentity | None = None
    for birth_date in birth_dates or (BORN,):
        new = new_instance(owed=False)
        identity = identity or StudyIdentity(
            study_instance_uid=new.study.study_instance_uid, patient_id=number, issuer_of_patient_id=issuer
        )
        new = new_instance(owed=False, study=identity)
        Instances(journal).add(new)
        whose = Identity(patient_id=number, birth_date=birth_date, study_date=taken)
        commit(journal, new.id, reading=reading_of(new.id).model_copy(update={"identity": whose}))
    (study,) = Studies(journal).newest(1)
    report(journal, study.key, 1)
    if published:
        Publications(journal).mark_published(study.key, 1)
    return study.key


def _earlier(journal: Journal, key: str) -> list[str]:
    studies = Studies(journal)
    return [one.key for one in EarlierExams(journal).of(studies.get(key), tuple(studies.readings(key)))]


def test_those_of_the_same_number_and_birth_date_that_came_before_are_found_the_newest_first(journal: Journal) -> None:
    first, second = _exam(journal), _exam(journal, "KIT-42", "1984.02.17", BORN)
    now = _exam(journal)
    _exam(journal)
    assert _earlier(journal, now) == [second, first]
    assert _earlier(journal, first) == []


def test_they_stand_by_the_day_of_the_exam_and_a_later_one_is_none_of_them(journal: Journal) -> None:
    in_march, in_june = _exam(journal, taken="20240301"), _exam(journal, taken="20240601")
    in_april = _exam(journal, taken="2024.04.15")  # it came last
    later = _exam(journal, taken="20250101")
    assert _earlier(journal, _exam(journal, taken="20240701")) == [in_june, in_april, in_march]
    assert _earlier(journal, later) == [in_june, in_april, in_march]
    many = [_exam(journal, taken=f"202403{day:02}") for day in range(10, 10 + MOST_SHOWN)]
    assert _earlier(journal, _exam(journal, taken="20240401")) == many[::-1]


def test_whoever_differs_in_number_issuer_or_birth_date_is_somebody_else(journal: Journal) -> None:
    _exam(journal, "KIT-43")
    _exam(journal, issuer="north")
    _exam(journal, "KIT-42", "19840218")
    _exam(journal, "KIT-42", "")
    _exam(journal, "KIT-42", BORN, "19900101")
    _exam(journal, published=False)
    assert _earlier(journal, _exam(journal)) == []


@pytest.mark.parametrize(
    ("number", "birth_date"),
    [("KIT-42", ""), ("KIT-42", "19000101"), ("KIT-42", "1984"), ("", BORN), ("UNKNOWN", BORN), ("000", BORN)],
)
def test_who_counts_as_unknown_is_nobody_else_s_self(number: str, birth_date: str, journal: Journal) -> None:
    _exam(journal, number, birth_date)
    assert _earlier(journal, _exam(journal, number, birth_date)) == []


def test_only_the_newest_are_shown(journal: Journal) -> None:
    keys = [_exam(journal) for _ in range(MOST_SHOWN + 2)]
    assert _earlier(journal, keys[-1]) == keys[-2 : -2 - MOST_SHOWN : -1]


@pytest.mark.parametrize("number", ["KIT-42", "4711", "A10", "19840217-0042", "1b", "2024/00017", "१२३४७"])
def test_a_number_is_somebody_s(number: str) -> None:
    assert is_somebodys(number) == (number != "1b"), "one digit alone is too little"


@pytest.mark.parametrize(
    "number", ["", " ", "0", "0000", "99999", "1111-1111", "12345", "0123", "N/A", "Unknown", "ANON", "?"]
)
def test_what_stands_for_an_unknown_number_is_nobody_s(number: str) -> None:
    assert not is_somebodys(number)


def test_they_are_found_through_an_index_however_many_exams_there_are(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(journal, 200)
    now = _exam(journal)
    asked: list[tuple[str, Collection[Any]]] = []
    rows = journal.rows

    def noting(query: str, values: Collection[Any] = ()) -> list[sqlite3.Row]:
        asked.append((query, values))
        return rows(query, values)

    monkeypatch.setattr(journal, "rows", noting)
    _earlier(journal, now)
    [(search, values)] = [one for one in asked if "INDEXED BY" in one[0]]
    plan = " ".join(str(row["detail"]) for row in rows(f"EXPLAIN QUERY PLAN {search}", values))
    assert "USING COVERING INDEX studies_by_identity" in plan
    assert "SEARCH studies USING INTEGER PRIMARY KEY" in plan
