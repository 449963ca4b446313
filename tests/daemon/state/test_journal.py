"""The journal: states are enforced in SQL, a step is one transaction, and nothing grows with the years."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from leapfrog.control.status import StatusSource
from leapfrog.errors import JournalDamaged, JournalError, StorageError
from leapfrog.settings import Settings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.listed_studies import ListedStudies
from leapfrog.state.publications import Publications
from leapfrog.state.records import (
    INSTANCE_STATES,
    DeliveryState,
    InstanceState,
    StudyIdentity,
)
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from support.journal_rows import (
    bring_to,
    commit,
    fill,
    fill_with_open_studies,
    new_delivery,
    new_instance,
    original_delivery,
    report,
)

DELIVERY_STATES: tuple[DeliveryState, ...] = ("waiting", "confirmed", "refused", "superseded", "dismissed")


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
    ("waiting", "superseded"),
    ("refused", "superseded"),
    ("refused", "waiting"),
    ("refused", "dismissed"),
    ("superseded", "dismissed"),
    ("waiting", "dismissed"),
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
        ways = {"confirmed": ["confirmed"], "refused": ["refused"], "superseded": ["superseded"]}
        for state in {**ways, "dismissed": ["refused", "dismissed"]}.get(before, []):
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
    assert original_delivery(journal, new.id)["state"] == expected
    assert journal.counts("deliveries") == {state: int(state == expected) for state in DELIVERY_STATES}


@pytest.mark.parametrize("table", ["instances", "deliveries", "studies"])
def test_a_state_that_nobody_knows_is_refused(journal: Journal, table: str) -> None:
    Instances(journal).add(new_instance())
    with pytest.raises(JournalError), journal.transaction() as connection:
        connection.execute(f"UPDATE {table} SET state = 'lost'")


def test_a_report_never_goes_back_to_an_older_version(journal: Journal) -> None:
    Instances(journal).add(new_instance())
    (study,) = Studies(journal).newest(2)
    assert report(journal, study.key, 2)
    for version in (1, 2):
        assert not report(journal, study.key, version)
    assert journal.count("deliveries WHERE kind = 'report_pdf'") == 1
    with pytest.raises(JournalError, match="older version"):
        journal.change("UPDATE studies SET version = 1")
    assert Studies(journal).get(study.key).version == 2


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


def test_only_what_can_be_made_again_is_committed_without_an_fsync_of_its_own(journal: Journal) -> None:
    def synchronous(**how: bool) -> int:
        with journal.transaction(**how) as connection:
            (value,) = connection.execute("PRAGMA synchronous").fetchone()
        return int(value)

    full, normal = 2, 1  # as SQLite numbers them
    assert (synchronous(), synchronous(can_be_made_again=True), synchronous()) == (full, normal, full)
    with pytest.raises(ZeroDivisionError), journal.transaction(can_be_made_again=True):
        raise ZeroDivisionError
    assert synchronous() == full


def test_a_transaction_is_synced_whatever_became_of_one_that_needed_no_sync(journal: Journal) -> None:
    def refuse_rollback(action: int, first: str | None, *_rest: str | None) -> int:
        return sqlite3.SQLITE_DENY if (action, first) == (sqlite3.SQLITE_TRANSACTION, "ROLLBACK") else sqlite3.SQLITE_OK

    with pytest.raises(sqlite3.Error), journal.transaction(can_be_made_again=True) as connection:
        connection.set_authorizer(refuse_rollback)
        raise ZeroDivisionError
    connection.set_authorizer(None)
    with pytest.raises(StorageError), journal.transaction():
        pass  # the one before was still open
    with journal.transaction() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_a_file_that_is_no_journal_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"this was a journal once" * 1000)
    with pytest.raises(JournalDamaged, match="is damaged"):
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
    """How many instructions SQLite's virtual machine runs for `work`: a busy processor does not change that."""
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
    """What each everyday step costs with 100 and with 100,000 old instances in the journal, a fifth as many open
    studies with an unread image each, and a machine that gave as many patients the same study UID.
    """
    return {count: _costs_with(count, tmp_path_factory.mktemp(f"with-{count}")) for count in (100, 100_000)}


def _costs_with(count: int, directory: Path) -> dict[str, int]:
    journal = Journal(directory / "journal.sqlite")
    fill(journal, count)
    fill_with_open_studies(journal, count // 5)
    news = [new_instance() for _ in range(3)]
    for new in news:
        Instances(journal).add(new)
    deliveries = Deliveries(journal)
    source = StatusSource(
        settings=Settings(), journal=journal, deliveries=deliveries, spool=Spool(directory / "spool", 0)
    )
    study_key = Studies(journal).newest(1)[0].key
    late = new_instance()
    found = {
        "status": steps(journal, source.status),
        "take the next instance": steps(journal, Instances(journal).begin_attempt),
        "add an instance": steps(journal, lambda: Instances(journal).add(late)),
        "commit a reading": steps(journal, lambda: commit(journal, news[0].id)),
        "commit a report": steps(journal, lambda: report(journal, study_key, 1)),
        "add another patient of the same study": steps(
            journal, lambda: Instances(journal).add(new_instance(study=StudyIdentity(study_instance_uid="1.8")))
        ),
        "find studies of the same UID": steps(
            journal, lambda: Studies(journal).sharing_uid(Studies(journal).newest(1)[0])
        ),
        "find what waits": steps(journal, Instances(journal).waiting),
        "look whether a study is whole": steps(journal, lambda: Studies(journal).is_whole(study_key)),
        "find the next report to publish": steps(journal, lambda: Publications(journal).next(set())),
        "find the newest studies": steps(journal, lambda: Studies(journal).newest(50)),
        "choose the exams of the worklist": steps(journal, lambda: ListedStudies(journal).newest(20, 5)),
        "close cut attempts": steps(journal, Instances(journal).close_cut_attempts),
        "find the next delivery": steps(journal, DeliveryQueue(journal, "district").next_fresh),
    }
    journal.close()
    return found


@pytest.mark.parametrize(
    "step",
    [
        "status", "take the next instance", "add an instance", "commit a reading", "commit a report",
        "add another patient of the same study", "find studies of the same UID", "find what waits",
        "look whether a study is whole", "find the next report to publish", "find the newest studies",
        "close cut attempts", "choose the exams of the worklist",
        "find the next delivery",
    ],
)  # fmt: skip
def test_a_step_costs_the_same_with_100_and_with_100_000_instances(costs: dict[int, dict[str, int]], step: str) -> None:
    # Steps over an index that is deeper by a level or two do not count; a scan would take hundreds of thousands.
    assert costs[100_000][step] <= costs[100][step] * 1.1 + 20


# ---------------------------------------------------------------- counts


class CountsStayTrue(RuleBasedStateMachine):
    """Whatever happens in whatever order, the counts that the triggers keep match the rows."""

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
        if waiting := DeliveryQueue(self.journal, "district").next_fresh():
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


def test_a_journal_that_is_removed_or_replaced_in_use_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    assert not journal.was_replaced()
    path.rename(tmp_path / "elsewhere.sqlite")
    assert journal.was_replaced()
    Journal(path).close()
    assert journal.was_replaced()
    journal.close()
