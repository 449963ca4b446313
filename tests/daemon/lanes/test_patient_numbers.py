"""A patient's number is hashed once for an exam, before a report needs it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from leapfrog.lanes import patient_numbers
from leapfrog.lanes.patient_numbers import MOST_KEPT, PatientNumbers
from leapfrog.signed_summary.patient_number import is_of
from leapfrog.signed_summary.summary import HashedNumber


class Hashing:
    """Stands for the hash, which is slow on purpose, and counts."""

    def __init__(self) -> None:
        self.hashed: list[str] = []
        self.problem: Exception | None = None
        self.may_go_on = Event()
        self.may_go_on.set()

    def __call__(self, patient_id: str) -> HashedNumber:
        self.hashed.append(patient_id)
        self.may_go_on.wait(10)
        if self.problem is not None:
            raise self.problem
        return HashedNumber(salt=str(len(self.hashed)).encode(), digest=patient_id.encode())


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Hashing:
    counted = Hashing()
    monkeypatch.setattr(patient_numbers, "hashed", counted)
    return counted


def test_every_version_of_an_exams_sheet_has_the_same_hash_of_its_patients_number() -> None:
    numbers = PatientNumbers()
    first, again = (numbers.hashed("exam", "P-1") for _ in range(2))
    assert first == again
    assert is_of("P-1", first)


def test_two_exams_of_one_patient_cannot_be_told_to_be_one_patients(hashing: Hashing) -> None:
    numbers = PatientNumbers()
    assert numbers.hashed("exam", "P-1") != numbers.hashed("another", "P-1")
    assert numbers.hashed("exam", "P-2").digest == b"P-2"


def test_two_lanes_that_need_a_number_at_once_hash_it_once(hashing: Hashing) -> None:
    numbers = PatientNumbers()
    hashing.may_go_on.clear()
    with ThreadPoolExecutor(2) as lanes:
        both = [lanes.submit(numbers.hashed, "exam", "P-1") for _ in range(2)]
        hashing.may_go_on.set()
        assert both[0].result(10) == both[1].result(10)
    assert hashing.hashed == ["P-1"]


def test_a_hash_that_failed_is_tried_again(hashing: Hashing) -> None:
    numbers = PatientNumbers()
    hashing.problem = MemoryError()
    with pytest.raises(MemoryError):
        numbers.hashed("exam", "P-1")
    hashing.problem = None
    assert numbers.hashed("exam", "P-1").digest == b"P-1"


def test_only_the_latest_exams_numbers_are_kept(hashing: Hashing) -> None:
    numbers = PatientNumbers()
    for exam in range(MOST_KEPT + 1):
        numbers.hashed(str(exam), "P")
    numbers.hashed(str(MOST_KEPT), "P")
    assert len(hashing.hashed) == MOST_KEPT + 1
    numbers.hashed("0", "P")
    assert len(hashing.hashed) == MOST_KEPT + 2
