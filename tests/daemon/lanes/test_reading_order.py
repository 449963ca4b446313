"""Films before cines, and whatever failed behind what waits; yet nothing waits for ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.lanes.reading_order import ReadingOrder
from leapfrog.state.instances import Instances, WaitingFilm
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyIdentity
from support.journal_rows import commit, new_instance


class Queue:
    """Instances that wait, known by the names that a test gives them."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory / "journal.sqlite")
        self.instances = Instances(self.journal)
        self.restart()
        self._names: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def restart(self) -> None:
        self.order = ReadingOrder(self.instances)

    def arrive(self, *names: str) -> None:
        for name in names:
            self._arrive(name, StudyIdentity())

    def arrive_of_one_exam(self, uid: str, *names: str) -> None:
        for name in names:
            self._arrive(name, StudyIdentity(study_instance_uid=uid))

    def _arrive(self, name: str, study: StudyIdentity) -> None:
        new = new_instance(frame_count=60 if name.startswith("cine") else 1, study=study)
        self.instances.add(new)
        self._names[new.id], self._ids[name] = name, new.id

    def next(self) -> str:
        record = self.order.begin()
        return self._names[record.id] if record else ""

    def read(self, count: int) -> list[str]:
        """The next ones, each read at once."""
        names = []
        for _ in range(count):
            names.append(self.next())
            if names[-1]:
                self.done(names[-1])
        return names

    def done(self, name: str) -> None:
        commit(self.journal, self._ids[name])

    def fail(self, name: str) -> None:
        self.instances.end_attempt(self._ids[name], "reader")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path)
    yield made
    made.journal.close()


def test_films_are_read_in_the_order_in_which_they_came(queue: Queue) -> None:
    queue.arrive("one", "two", "three")
    assert queue.read(3) == ["one", "two", "three"]
    assert queue.next() == ""


def test_a_film_is_read_before_cines_that_wait(queue: Queue) -> None:
    queue.arrive("cine 1", "cine 2", "cine 3", "film")
    assert queue.read(4) == ["film", "cine 1", "cine 2", "cine 3"]


def test_a_film_that_comes_during_a_cine_waits_for_no_other(queue: Queue) -> None:
    queue.arrive("cine 1", "cine 2", "cine 3")
    assert queue.next() == "cine 1"
    queue.arrive("film")
    queue.done("cine 1")
    assert queue.read(3) == ["film", "cine 2", "cine 3"]


def test_a_cine_that_misses_its_deadline_again_and_again_lets_films_through_each_time(queue: Queue) -> None:
    queue.arrive("cine")
    for number in range(3):
        assert queue.next() == "cine"
        queue.arrive(f"film {number} a", f"film {number} b")
        queue.fail("cine")
        assert queue.read(2) == [f"film {number} a", f"film {number} b"]
    assert queue.next() == "cine"


def test_a_film_that_failed_goes_behind_what_waits_and_each_time_further(queue: Queue) -> None:
    queue.arrive("bad", "worse")
    for name in ("bad", "worse"):
        assert queue.next() == name
        queue.fail(name)
    assert queue.next() == "bad"
    queue.fail("bad")
    queue.arrive("good")
    assert queue.read(3) == ["good", "worse", "bad"]


def test_a_stream_of_films_does_not_put_off_a_cine_for_ever(queue: Queue) -> None:
    queue.arrive("cine 1", "cine 2", "film 0", "film 1")
    read = []
    for number in range(2, 12):
        read += queue.read(1)
        queue.arrive(f"film {number}")
    assert read.index("cine 1") == 2
    assert "cine 2" in read


def test_what_was_interrupted_keeps_its_turn(queue: Queue) -> None:
    queue.arrive("first", "second")
    assert queue.next() == "first"
    assert queue.instances.close_cut_attempts() == 1
    assert queue.next() == "first"


def test_an_exam_is_begun_before_another_is_read_to_its_end(queue: Queue) -> None:
    queue.arrive_of_one_exam("1.2.1", *(f"a{number}" for number in range(50)))
    queue.arrive_of_one_exam("1.2.2", "b0", "b1")
    queue.arrive("film")
    assert queue.read(7) == ["a0", "a1", "b0", "a2", "film", "a3", "a4"]


def test_a_film_that_comes_while_hundreds_wait_is_read_second_at_the_latest(queue: Queue) -> None:
    queue.arrive_of_one_exam("1.2.1", *(f"a{number}" for number in range(300)))
    assert queue.read(4) == ["a0", "a1", "a2", "a3"]
    queue.arrive("film")
    assert "film" in queue.read(2)


def test_a_stream_of_new_exams_does_not_put_off_an_old_one_for_ever(queue: Queue) -> None:
    queue.arrive_of_one_exam("1.2.1", *(f"a{number}" for number in range(5)))
    read = list[str]()
    for number in range(10):
        queue.arrive(f"film {number}")
        read += queue.read(1)
    assert [name for name in read if name.startswith("a")] == ["a0", "a1", "a2", "a3", "a4"]


def test_an_exam_of_which_something_was_read_before_a_restart_is_not_taken_for_a_new_one(queue: Queue) -> None:
    queue.arrive_of_one_exam("1.2.1", *(f"a{number}" for number in range(5)))
    queue.arrive_of_one_exam("1.2.2", "b0")
    assert queue.read(1) == ["a0"]
    queue.restart()
    assert queue.read(3) == ["b0", "a1", "a2"]


def test_what_is_taken_in_turn_is_not_read_twice(queue: Queue) -> None:
    queue.arrive_of_one_exam("1.2.1", "a0", "a1")
    queue.arrive_of_one_exam("1.2.2", "b0", "b1")
    assert queue.read(5) == ["a0", "a1", "b0", "b1", ""]


def test_choosing_looks_at_each_film_once(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.arrive_of_one_exam("1.2.1", *(f"a{number}" for number in range(20)))
    looked_at, films_after = list[int](), queue.instances.films_after

    def counted(sequence: int, most: int) -> list[WaitingFilm]:
        films = films_after(sequence, most)
        looked_at.append(len(films))
        return films

    monkeypatch.setattr(queue.instances, "films_after", counted)
    queue.read(20)
    assert sum(looked_at) == 20
