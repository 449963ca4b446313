"""The journal: states are enforced in SQL, a step is one transaction, and nothing grows with the years."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from leapfrog.control.status import StatusSource
from leapfrog.errors import JournalError, StorageError
from leapfrog.settings import Settings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import (
    INSTANCE_STATES,
    CommittedReport,
    DeliveryState,
    FolderFile,
    InstanceState,
    NewDelivery,
    StudyIdentity,
)
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from support.journal_rows import bring_to, commit, fill, new_instance

DELIVERY_STATES: tuple[DeliveryState, ...] = ("waiting", "confirmed", "refused", "dismissed")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


def reopened(journal: Journal, tmp_path: Path) -> Journal:
    journal.close()
    return Journal(tmp_path / "journal.sqlite")


def delivery(journal: Journal, instance_id: str) -> sqlite3.Row:
    (row,) = journal.rows("SELECT * FROM deliveries WHERE instance_id = ? AND kind = 'original'", (instance_id,))
    return row


def new_delivery(kind: str = "report_pdf") -> NewDelivery:
    name = new_id()
    return NewDelivery(
        id=name,
        kind=kind,  # type: ignore[arg-type]
        sop_class_uid="1.2.840.10008.5.1.4.1.1.104.1",
        sop_instance_uid=f"1.2.4.{int(name, 16)}",
        spool_name=f"{name}.dcm",
        byte_count=5,
    )


def report(journal: Journal, study_key: str, version: int, *, closing: bool = True, urgent: bool = False) -> None:
    (row,) = journal.rows("SELECT changes FROM studies WHERE key = ?", (study_key,))
    Studies(journal).commit_report(
        CommittedReport(
            study_key=study_key,
            version=version,
            changes=row["changes"],
            closing=closing,
            summary="{}",
            urgent=urgent,
            deliveries=(new_delivery(),),
        )
    )


# ---------------------------------------------------------------- states

ALLOWED_FOR_INSTANCES = {
    ("received", "read"),
    ("received", "set_aside"),
    ("received", "forward_only"),
    ("set_aside", "received"),
    ("read", "received"),
}
ALLOWED_FOR_DELIVERIES = {
    ("waiting", "confirmed"),
    ("waiting", "refused"),
    ("refused", "waiting"),
    ("refused", "dismissed"),
}


@pytest.mark.parametrize("before", INSTANCE_STATES)
@pytest.mark.parametrize("after", INSTANCE_STATES)
def test_an_instance_changes_its_state_only_as_designed(
    journal: Journal, before: InstanceState, after: InstanceState
) -> None:
    new = new_instance()
    Instances(journal).add(new)
    bring_to(journal, new.id, before)

    def move() -> None:
        with journal.transaction() as connection:
            connection.execute("UPDATE instances SET state = ? WHERE id = ?", (after, new.id))

    if before == after or (before, after) in ALLOWED_FOR_INSTANCES:
        move()
        expected = after
    else:
        with pytest.raises(JournalError, match="cannot change its state this way"):
            move()
        expected = before
    found = Instances(journal).get(new.id)
    assert found is not None
    assert found.state == expected
    assert journal.counts("instances") == {state: int(state == expected) for state in INSTANCE_STATES}
    assert not journal.broken


@pytest.mark.parametrize("before", DELIVERY_STATES)
@pytest.mark.parametrize("after", DELIVERY_STATES)
def test_a_delivery_changes_its_state_only_as_designed(
    journal: Journal, before: DeliveryState, after: DeliveryState
) -> None:
    new = new_instance()
    Instances(journal).add(new)
    with journal.transaction() as connection:
        for state in {"confirmed": ["confirmed"], "refused": ["refused"], "dismissed": ["refused", "dismissed"]}.get(
            before, []
        ):
            connection.execute("UPDATE deliveries SET state = ?", (state,))

    def move() -> None:
        with journal.transaction() as connection:
            connection.execute("UPDATE deliveries SET state = ?", (after,))

    if before == after or (before, after) in ALLOWED_FOR_DELIVERIES:
        move()
        expected = after
    else:
        with pytest.raises(JournalError, match="cannot change its state this way"):
            move()
        expected = before
    assert delivery(journal, new.id)["state"] == expected
    assert journal.counts("deliveries") == {state: int(state == expected) for state in DELIVERY_STATES}


@pytest.mark.parametrize("table", ["instances", "deliveries", "studies"])
def test_a_state_that_nobody_knows_is_refused(journal: Journal, table: str) -> None:
    Instances(journal).add(new_instance())
    with pytest.raises(JournalError), journal.transaction() as connection:
        connection.execute(f"UPDATE {table} SET state = 'lost'")


def test_a_report_never_goes_back_to_an_older_version(journal: Journal) -> None:
    Instances(journal).add(new_instance())
    (study,) = Studies(journal).open()
    report(journal, study.key, 2)
    with pytest.raises(JournalError, match="older version"):
        report(journal, study.key, 1)
    assert Studies(journal).get(study.key).version == 2


# ---------------------------------------------------------------- intake


def test_an_instance_and_what_it_owes_are_written_together(journal: Journal) -> None:
    new = new_instance()
    assert Instances(journal).add(new) == []
    owed = delivery(journal, new.id)
    assert (owed["sop_instance_uid"], owed["spool_name"], owed["state"]) == (
        new.sop_instance_uid,
        new.spool_name,
        "waiting",
    )


def test_nothing_of_an_instance_stays_when_the_write_fails_half_way(journal: Journal) -> None:
    new = new_instance()
    with journal.transaction() as connection:
        connection.execute(
            "CREATE TEMP TRIGGER half BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'half way'); END"
        )
    with pytest.raises(JournalError, match="half way"):
        Instances(journal).add(new)
    assert Instances(journal).get(new.id) is None
    assert Studies(journal).open() == []
    assert journal.counts("instances")["received"] == 0


def test_without_a_district_nothing_is_owed(journal: Journal) -> None:
    Instances(journal).add(new_instance(owed=False))
    assert journal.counts("deliveries")["waiting"] == 0


def test_originals_are_owed_once_a_district_is_configured_and_only_once(journal: Journal) -> None:
    Instances(journal).add(new_instance(owed=False))
    Instances(journal).add(new_instance(owed=True))
    Instances(journal).add(new_instance(owed=False, sop_instance_uid=""))
    assert Instances(journal).owe_all_originals() == 1
    assert Instances(journal).owe_all_originals() == 0
    assert journal.counts("deliveries")["waiting"] == 2


def test_a_uid_that_is_held_is_not_written_until_it_was_compared(journal: Journal) -> None:
    first = new_instance(sop_instance_uid="1.2.3")
    second = new_instance(sop_instance_uid="1.2.3")
    Instances(journal).add(first)
    (holder,) = Instances(journal).add(second)
    assert (holder.id, holder.spool_name) == (first.id, first.spool_name)
    assert Instances(journal).get(second.id) is None

    assert Instances(journal).add(second, compared={first.id}) == []
    third = new_instance(sop_instance_uid="1.2.3")
    assert {holder.id for holder in Instances(journal).add(third, compared={first.id})} == {second.id}


def test_of_many_that_bring_the_same_uid_at_once_one_is_written(journal: Journal) -> None:
    answers: list[bool] = []
    barrier = threading.Barrier(8)

    def bring() -> None:
        new = new_instance(sop_instance_uid="1.2.3")
        barrier.wait()
        answers.append(Instances(journal).add(new) == [])

    threads = [threading.Thread(target=bring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 7 + [True]


def test_an_instance_that_is_forwarded_anew_owes_bytes_that_a_reader_makes(journal: Journal) -> None:
    new = new_instance(forward_as="2.25.7")
    Instances(journal).add(new)
    owed = delivery(journal, new.id)
    assert (owed["sop_instance_uid"], owed["spool_name"]) == ("2.25.7", None)

    copy = new_delivery("original")
    commit(journal, new.id, forward_copy=copy)
    assert delivery(journal, new.id)["spool_name"] == copy.spool_name
    assert journal.counts("deliveries")["waiting"] == 1


# ---------------------------------------------------------------- studies


def test_a_uid_under_two_patients_makes_two_studies_that_know_of_each_other(journal: Journal) -> None:
    for patient in ("P1", "P2", "P1"):
        Instances(journal).add(new_instance(study=StudyIdentity(study_instance_uid="1.2", patient_id=patient)))
    one, other = Studies(journal).open()
    assert (one.identity.patient_id, other.identity.patient_id) == ("P1", "P2")
    assert [study.key for study in Studies(journal).sharing_uid(one)] == [other.key]


def test_the_issuer_tells_patients_apart(journal: Journal) -> None:
    for issuer in ("north", "south"):
        identity = StudyIdentity(study_instance_uid="1.2", patient_id="P1", issuer_of_patient_id=issuer)
        Instances(journal).add(new_instance(study=identity))
    assert len(Studies(journal).open()) == 2


def test_an_instance_without_a_study_uid_is_a_study_of_its_own(journal: Journal) -> None:
    for _ in range(2):
        Instances(journal).add(new_instance(study=StudyIdentity(patient_id="P1")))
    one, other = Studies(journal).open()
    assert one.key != other.key
    assert Studies(journal).sharing_uid(one) == []


def test_a_study_s_key_says_nothing_of_the_patient(journal: Journal) -> None:
    Instances(journal).add(new_instance(study=StudyIdentity(study_instance_uid="1.2.3", patient_id="SECRET")))
    (study,) = Studies(journal).open()
    assert "SECRET" not in study.key
    assert "1.2.3" not in study.key


def test_a_late_image_opens_a_study_that_was_closed(journal: Journal) -> None:
    identity = StudyIdentity(study_instance_uid="1.2", patient_id="P1")
    Instances(journal).add(new_instance(study=identity))
    (study,) = Studies(journal).open()
    report(journal, study.key, 1)
    assert Studies(journal).open() == []
    Instances(journal).add(new_instance(study=identity))
    assert [found.key for found in Studies(journal).open()] == [study.key]


def test_a_reading_that_came_during_the_rendering_keeps_the_study_open(journal: Journal) -> None:
    new = new_instance()
    Instances(journal).add(new)
    (study,) = Studies(journal).open()
    begun = CommittedReport(study_key=study.key, version=1, changes=0, closing=True, summary="{}", urgent=False)
    commit(journal, new.id)
    Studies(journal).commit_report(begun)
    assert [found.key for found in Studies(journal).open()] == [study.key]
    Studies(journal).close(study.key)
    assert Studies(journal).open() != []
    report(journal, study.key, 2)
    assert Studies(journal).open() == []


def test_a_report_that_was_committed_and_not_switched_is_found_at_a_start(journal: Journal, tmp_path: Path) -> None:
    Instances(journal).add(new_instance())
    (study,) = Studies(journal).open()
    report(journal, study.key, 1)
    journal = reopened(journal, tmp_path)
    assert [found.key for found in Studies(journal).unpublished()] == [study.key]
    Studies(journal).mark_published(study.key, 1)
    assert Studies(journal).unpublished() == []
    journal.close()


def test_a_study_that_turns_urgent_takes_what_it_still_owes_along(journal: Journal) -> None:
    Instances(journal).add(new_instance())
    (study,) = Studies(journal).open()
    report(journal, study.key, 1, urgent=True)
    assert {row["urgent"] for row in journal.rows("SELECT urgent FROM deliveries")} == {1}


def test_readings_come_in_the_order_of_the_instances(journal: Journal) -> None:
    identity = StudyIdentity(study_instance_uid="1.2", patient_id="P1")
    first, second, third = (new_instance(study=identity) for _ in range(3))
    for new in (first, second, third):
        Instances(journal).add(new)
    for new in (third, first):
        commit(journal, new.id)
    (study,) = Studies(journal).open()
    assert [reading.instance_id for reading in Studies(journal).readings(study.key)] == [first.id, third.id]
    assert Studies(journal).unread(study.key) == 1


# ---------------------------------------------------------------- attempts


def test_an_attempt_is_counted_before_the_work_and_given_out_once(journal: Journal) -> None:
    first, second = new_instance(), new_instance()
    Instances(journal).add(first)
    Instances(journal).add(second)
    begun = [Instances(journal).begin_attempt() for _ in range(3)]
    assert [found.id if found else None for found in begun] == [first.id, second.id, None]
    assert begun[0] is not None
    assert begun[0].attempt_number == 1


@pytest.mark.parametrize(
    ("charge", "counter"), [("reader", "attempts"), ("engine", "engine_failures"), ("interruption", "interruptions")]
)
def test_a_failed_attempt_is_charged_to_whom_it_belongs(journal: Journal, charge: str, counter: str) -> None:
    new = new_instance()
    Instances(journal).add(new)
    Instances(journal).begin_attempt()
    ended = Instances(journal).end_attempt(new.id, charge)  # type: ignore[arg-type]
    assert {name: getattr(ended, name) for name in ("attempts", "engine_failures", "interruptions")} == {
        "attempts": 0, "engine_failures": 0, "interruptions": 0, counter: 1,
    }  # fmt: skip
    again = Instances(journal).begin_attempt()
    assert again is not None
    assert (again.id, again.attempt_number) == (new.id, 2)


def test_the_end_of_the_daemon_charges_neither_image_nor_device(journal: Journal, tmp_path: Path) -> None:
    new = new_instance()
    Instances(journal).add(new)
    Instances(journal).begin_attempt()
    journal = reopened(journal, tmp_path)
    assert Instances(journal).close_cut_attempts() == 1
    assert Instances(journal).close_cut_attempts() == 0
    found = Instances(journal).begin_attempt()
    assert found is not None
    assert (found.attempts, found.engine_failures, found.interruptions) == (0, 0, 1)
    journal.close()


def test_a_reading_is_committed_once(journal: Journal) -> None:
    new = new_instance()
    Instances(journal).add(new)
    commit(journal, new.id)
    with pytest.raises(JournalError, match="was not waiting to be read"):
        commit(journal, new.id)


def test_a_reading_without_its_deliveries_is_not_written(journal: Journal) -> None:
    new = new_instance()
    Instances(journal).add(new)
    twice = new_delivery()
    with pytest.raises(JournalError):
        commit(journal, new.id, deliveries=(twice, twice))
    found = Instances(journal).get(new.id)
    assert found is not None
    assert found.state == "received"
    assert journal.counts("deliveries")["waiting"] == 1


def test_a_retried_instance_begins_with_clean_counters(journal: Journal) -> None:
    new = new_instance()
    Instances(journal).add(new)
    for _ in range(3):
        Instances(journal).begin_attempt()
        Instances(journal).end_attempt(new.id, "reader")
    commit(journal, new.id, "set_aside")
    assert Instances(journal).retry(new.id)
    assert not Instances(journal).retry(new.id)
    found = Instances(journal).begin_attempt()
    assert found is not None
    assert (found.attempts, found.reason, found.attempt_number) == (0, "", 4)


def test_what_was_read_cannot_be_retried(journal: Journal) -> None:
    new = new_instance()
    Instances(journal).add(new)
    commit(journal, new.id)
    assert not Instances(journal).retry(new.id)
    assert not Instances(journal).retry("nobody")


# ---------------------------------------------------------------- folder files


def test_a_folder_file_is_remembered_with_its_instance_over_a_restart(journal: Journal, tmp_path: Path) -> None:
    file = FolderFile(path="/inbox/a.dcm", byte_count=5, modified_ns=7, inode=9)
    Instances(journal).add(new_instance(folder_file=file))
    journal = reopened(journal, tmp_path)
    assert FolderFiles(journal).all() == [file]
    FolderFiles(journal).forget([file.path])
    assert FolderFiles(journal).all() == []
    journal.close()


# ---------------------------------------------------------------- opening


def test_the_journal_is_durable_and_checks_its_references(journal: Journal) -> None:
    (mode,) = journal.rows("PRAGMA journal_mode")
    (synchronous,) = journal.rows("PRAGMA synchronous")
    assert (mode[0], synchronous[0]) == ("wal", 2)
    with pytest.raises(JournalError), journal.transaction() as connection:
        connection.execute("UPDATE instances SET study_key = 'nowhere'")
        connection.execute(
            "INSERT INTO instances (id, study_key, sop_instance_uid, sop_class_uid, source, received_at, spool_name,"
            " byte_count) VALUES ('a', 'nowhere', '', '', '', '', '', 0)"
        )


def test_a_file_that_is_no_journal_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"this was a journal once" * 1000)
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(path)
    assert path.read_bytes() == b"this was a journal once" * 1000


def test_a_folder_without_a_place_for_it_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path / "nowhere" / "journal.sqlite")


def test_a_failing_disk_breaks_the_journal_for_good(journal: Journal) -> None:
    (pages,) = journal.rows("PRAGMA page_count")
    journal.rows(f"PRAGMA max_page_count = {pages[0]}")  # SQLite's own way to a full disk
    with pytest.raises(StorageError, match="could not be written"):
        for _ in range(1000):
            Instances(journal).add(new_instance())
    assert journal.broken


# ---------------------------------------------------------------- no growth


def steps(journal: Journal, work: Callable[[], object]) -> int:
    """How many instructions SQLite's machine takes for `work`: a cost that no busy processor changes."""
    count = 0

    def one_more() -> int:
        nonlocal count
        count += 1
        return 0

    journal._connection.set_progress_handler(one_more, 1)
    try:
        work()
    finally:
        journal._connection.set_progress_handler(None, 1)
    return count


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, int]]:
    """What each everyday step costs with 100 and with 100,000 old instances in the journal."""
    return {count: _costs_with(count, tmp_path_factory.mktemp(f"with-{count}")) for count in (100, 100_000)}


def _costs_with(count: int, directory: Path) -> dict[str, int]:
    journal = Journal(directory / "journal.sqlite")
    fill(journal, count)
    news = [new_instance() for _ in range(3)]
    for new in news:
        Instances(journal).add(new)
    deliveries = Deliveries(journal)
    source = StatusSource(
        settings=Settings(), journal=journal, deliveries=deliveries, spool=Spool(directory / "spool", 0)
    )
    study_key = Studies(journal).open()[0].key
    late = new_instance()
    found = {
        "status": steps(journal, source.status),
        "take the next instance": steps(journal, Instances(journal).begin_attempt),
        "add an instance": steps(journal, lambda: Instances(journal).add(late)),
        "commit a reading": steps(journal, lambda: commit(journal, news[0].id)),
        "commit a report": steps(journal, lambda: report(journal, study_key, 1)),
        "find open studies": steps(journal, Studies(journal).open),
        "find unpublished studies": steps(journal, Studies(journal).unpublished),
        "find the newest studies": steps(journal, lambda: Studies(journal).newest(50)),
        "close cut attempts": steps(journal, Instances(journal).close_cut_attempts),
        "find the next delivery": steps(journal, deliveries.next_waiting),
    }
    journal.close()
    return found


@pytest.mark.parametrize(
    "step",
    [
        "status", "take the next instance", "add an instance", "commit a reading", "commit a report",
        "find open studies", "find unpublished studies", "find the newest studies", "close cut attempts",
        "find the next delivery",
    ],
)  # fmt: skip
def test_a_step_costs_the_same_with_100_and_with_100_000_instances(costs: dict[int, dict[str, int]], step: str) -> None:
    # Steps over an index that is deeper by a level or two do not count; a scan would take hundreds of thousands.
    assert costs[100_000][step] <= costs[100][step] * 1.1 + 20


# ---------------------------------------------------------------- counts


class CountsStayTrue(RuleBasedStateMachine):
    """Whatever happens in whatever order, the counts that triggers keep are the counts that there are."""

    received = Bundle("received")
    aside = Bundle("aside")

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal(Path(":memory:"))
        self.deliveries = Deliveries(self.journal)

    @rule(target=received, owed=st.booleans())
    def receive(self, owed: bool) -> str:
        new = new_instance(owed=owed)
        Instances(self.journal).add(new)
        return new.id

    @rule(instance_id=consumes(received), state=st.sampled_from(["read", "forward_only"]))
    def read(self, instance_id: str, state: str) -> None:
        commit(self.journal, instance_id, state, deliveries=(new_delivery(),))

    @rule(target=aside, instance_id=consumes(received))
    def set_aside(self, instance_id: str) -> str:
        commit(self.journal, instance_id, "set_aside")
        return instance_id

    @rule(target=received, instance_id=consumes(aside))
    def retry(self, instance_id: str) -> str:
        assert Instances(self.journal).retry(instance_id)
        return instance_id

    @rule(confirmed=st.booleans())
    def send(self, confirmed: bool) -> None:
        if waiting := self.deliveries.next_waiting():
            if confirmed:
                self.deliveries.confirm(waiting.id)
            else:
                self.deliveries.refuse(waiting.id, "not wanted")

    @rule(instance_id=received)
    def fail(self, instance_id: str) -> None:
        new = new_instance()
        with pytest.raises(JournalError), self.journal.transaction():
            self.journal._connection.execute("DELETE FROM deliveries")
            self.journal._connection.execute("UPDATE instances SET state = 'lost' WHERE id = ?", (instance_id,))
        assert Instances(self.journal).get(new.id) is None

    @invariant()
    def the_counts_are_true(self) -> None:
        for what in ("instances", "deliveries"):
            rows = self.journal.rows(f"SELECT state, COUNT(*) AS total FROM {what} GROUP BY state")
            counted = {row["state"]: row["total"] for row in rows}
            kept = self.journal.counts(what)
            assert {state: total for state, total in kept.items() if total} == counted

    def teardown(self) -> None:
        self.journal.close()


TestCountsStayTrue = CountsStayTrue.TestCase
TestCountsStayTrue.settings = hypothesis_settings(max_examples=25, stateful_step_count=20, deadline=None)
