"""Instances: added with their deliveries, attempted, charged with failures, read, and read again."""

import threading
from pathlib import Path

import pytest

from leapfrog.errors import JournalError
from leapfrog.exam import Outcome, PictureIdentity
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import InstanceState, StudyIdentity
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from leapfrog.state.studies import Studies
from support.journal_rows import commit, new_delivery, new_instance, original_delivery, reading_of, reopened


def test_an_instance_and_what_it_owes_are_written_together(journal: Journal) -> None:
    new = new_instance()
    assert Instances(journal).add(new) == []
    owed = original_delivery(journal, new.id)
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
    assert Studies(journal).newest(10) == []
    assert journal.counts("instances")["received"] == 0


def test_a_picture_is_not_owed_before_a_reader_has_wrapped_it(journal: Journal) -> None:
    picture = PictureIdentity(study_instance_uid="2.25.1", series_instance_uid="2.25.2", sop_instance_uid="2.25.3")
    Instances(journal).add(new_instance(picture=picture, sop_instance_uid="2.25.3"))
    assert journal.counts("deliveries")["waiting"] == 0


def test_without_a_district_nothing_is_owed(journal: Journal) -> None:
    Instances(journal).add(new_instance(owed=False))
    assert journal.counts("deliveries")["waiting"] == 0


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


@pytest.mark.parametrize("state", ["read", "set_aside", "forward_only"])
def test_under_a_new_uid_an_instance_can_go_once_a_reader_has_seen_it_whatever_it_saw(
    journal: Journal, state: str
) -> None:
    new = new_instance(forward_as="2.25.7")
    Instances(journal).add(new)
    owed = original_delivery(journal, new.id)
    assert (owed["sop_instance_uid"], owed["spool_name"]) == ("2.25.7", None)
    assert DeliveryQueue(journal, "district").next_fresh() is None

    commit(journal, new.id, state)
    ready = DeliveryQueue(journal, "district").next_fresh()
    assert ready is not None
    assert (ready.sop_instance_uid, ready.spool_name, ready.renamed) == ("2.25.7", new.spool_name, True)


def test_the_same_image_again_is_neither_owed_nor_reported_and_a_resend_of_it_is_known(journal: Journal) -> None:
    study = StudyIdentity(study_instance_uid="1.2.9", patient_id="P1")
    first = new_instance(sop_instance_uid="1.2.3", study=study)
    again = new_instance(sop_instance_uid="1.2.3", study=study, forward_as="2.25.7")
    Instances(journal).add(first)
    commit(journal, first.id)
    Instances(journal).add(again, compared={first.id})
    assert [record.id for record in Instances(journal).same_uid_before(again.id, 4)] == [first.id]
    [key] = {record.study_key for record in Instances(journal).listed()}
    changes = Studies(journal).get(key).changes

    commit(journal, again.id, same_as=first.id, dataset_sha256="a" * 64)
    assert [delivery.instance_id for delivery in Deliveries(journal).listed("waiting")] == [first.id]
    assert [reading.instance_id for reading in Studies(journal).readings(key)] == [first.id]
    assert Studies(journal).get(key).changes == changes, "its report says nothing new"
    assert Instances(journal).forwarded_under_new_uid() == 0
    third = new_instance(sop_instance_uid="1.2.3", study=study)
    assert {holder.dataset_sha256 for holder in Instances(journal).add(third)} == {"", "a" * 64}


def test_the_same_image_as_one_that_is_gone_meanwhile_is_owed_and_reported(journal: Journal) -> None:
    new = new_instance(forward_as="2.25.7")
    Instances(journal).add(new)
    commit(journal, new.id, same_as="gone")
    [owed] = Deliveries(journal).listed("waiting")
    assert (owed.sop_instance_uid, owed.spool_name) == ("2.25.7", new.spool_name)
    assert len(Studies(journal).readings(Instances(journal).listed()[0].study_key)) == 1


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


def read_as(journal: Journal, instance_id: str, outcome: Outcome, state: InstanceState = "read") -> None:
    reading = reading_of(instance_id).model_copy(update={"outcome": outcome})
    commit(journal, instance_id, state, reading=reading)


def test_an_instance_that_is_read_again_keeps_its_reading_until_then(journal: Journal) -> None:
    instances = Instances(journal)
    first = new_instance()
    second = new_instance(study=first.study)
    for new in (first, second):
        instances.add(new)
        read_as(journal, new.id, "findings")
    assert instances.read_again([first.id, second.id]) == 2
    readings = Studies(journal).readings(first.id)
    assert [reading.outcome for reading in readings] == ["findings", "findings"]
    read_as(journal, first.id, "nothing_found")
    assert [one.outcome for one in Studies(journal).readings(first.id)] == ["nothing_found", "findings"]


def test_one_that_cannot_be_read_again_keeps_what_was_once_read_of_it(journal: Journal) -> None:
    instances = Instances(journal)
    new = new_instance()
    instances.add(new)
    read_as(journal, new.id, "findings")
    instances.read_again([new.id])
    read_as(journal, new.id, "not_assessed", "set_aside")
    record = instances.get(new.id)
    assert record is not None and record.state == "set_aside"
    assert [reading.outcome for reading in Studies(journal).readings(new.id)] == ["findings"]
    instances.retry(new.id)
    read_as(journal, new.id, "nothing_found")
    assert [reading.outcome for reading in Studies(journal).readings(new.id)] == ["nothing_found"]


def test_one_that_could_never_be_read_says_why_at_the_last_attempt(journal: Journal) -> None:
    new = new_instance()
    Instances(journal).add(new)
    for reason in ("first", "second"):
        reading = reading_of(new.id, reason)
        commit(journal, new.id, "set_aside", reading=reading)
        assert [one.reason for one in Studies(journal).readings(new.id)] == [reason]
        Instances(journal).retry(new.id)
