"""The deliveries table: order, states, and what people and `status` ask of it."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from leapfrog.errors import JournalError
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.journal import Journal
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from support.owed import open_state, owe, owe_image, part10_bytes, secondary_capture

MANY = 100_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal, _ = open_state(tmp_path)
    yield journal
    journal.close()


def test_a_delivery_is_posted_then_confirmed_and_then_final(tmp_path: Path) -> None:
    journal, spool = open_state(tmp_path)
    deliveries = Deliveries(journal)
    owe_image(journal, spool)
    [waiting] = deliveries.listed("waiting")
    assert (waiting.posted, waiting.attempts) == (False, 0)
    deliveries.mark_posted(waiting.id)
    DeliveryQueue(journal, "district").note_failure(waiting.id, "the link broke")
    [again] = deliveries.listed("waiting")
    assert (again.posted, again.attempts, again.last_error) == (True, 1, "the link broke")
    deliveries.confirm(waiting.id)
    [confirmed] = deliveries.listed("confirmed")
    assert (confirmed.posted, confirmed.last_error) == (False, "")
    assert DeliveryQueue(journal, "district").next_fresh() is None
    for change in (deliveries.confirm, deliveries.mark_posted):
        with pytest.raises(JournalError):
            change(waiting.id)
    with pytest.raises(JournalError):
        deliveries.refuse(waiting.id, "too late")
    journal.close()


def test_what_was_refused_is_owed_until_a_person_decides(tmp_path: Path) -> None:
    journal, spool = open_state(tmp_path)
    deliveries = Deliveries(journal)
    dataset = secondary_capture()
    instance_id = owe(journal, spool, part10_bytes(dataset), dataset.SOPInstanceUID)
    owe_image(journal, spool)
    first, second = deliveries.listed("waiting")
    for delivery in (first, second):
        deliveries.mark_posted(delivery.id)
        deliveries.refuse(delivery.id, "too large")
    assert deliveries.oldest_owed_seconds() is not None
    assert deliveries.retry("unknown") == 0
    assert deliveries.retry(instance_id) == 1
    again = DeliveryQueue(journal, "district").next_fresh()
    assert again is not None
    assert (again.id, again.posted, again.attempts, again.last_error) == (first.id, False, 0, "")
    assert deliveries.dismiss(first.id) == 0
    assert deliveries.dismiss(second.id) == 1
    deliveries.confirm(first.id)
    assert deliveries.oldest_owed_seconds() is None
    gone = {"waiting": 0, "refused": 0, "superseded": 0}
    assert journal.counts("deliveries") == {"confirmed": 1, "dismissed": 1, **gone}
    journal.close()


def test_the_age_of_what_is_owed_never_goes_below_zero(tmp_path: Path) -> None:
    journal, spool = open_state(tmp_path)
    owe_image(journal, spool)
    with journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET created_at = '2035-01-01T00:00:00+02:00'")
    assert Deliveries(journal).oldest_owed_seconds() == 0.0
    with journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET created_at = '2026-01-01T00:00:00+02:00'")
    age = Deliveries(journal).oldest_owed_seconds()
    assert age is not None and age > 300 * 86_400
    journal.close()


def test_what_came_while_the_clock_had_lost_its_battery_has_no_age(tmp_path: Path) -> None:
    journal, spool = open_state(tmp_path)
    deliveries = Deliveries(journal)
    owe_image(journal, spool)
    with journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET created_at = '2020-01-01T00:00:00+02:00'")
    assert (deliveries.oldest_owed_seconds(), deliveries.oldest_owed_seconds_to("district")) == (0.0, 0.0)
    owe_image(journal, spool)
    two_days_ago = (datetime.now().astimezone() - timedelta(days=2)).isoformat()
    with journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET created_at = ? WHERE created_at > '2021'", (two_days_ago,))
    for age in (deliveries.oldest_owed_seconds(), deliveries.oldest_owed_seconds_to("district")):
        assert age is not None and 0 <= age - 2 * 86_400 < 60
    journal.close()


def test_looking_costs_little_with_a_hundred_thousand_rows(journal: Journal) -> None:
    with journal.transaction() as connection:
        connection.execute("DROP TRIGGER delivery_added")  # it counts, and would take most of this test's time
        connection.execute(
            "INSERT INTO studies (key, study_instance_uid, patient_id, issuer, received_at, received_date)"
            " VALUES ('s', '', '', '', '2026-01-01T00:00:00+00:00', '2026-01-01')"
        )
        connection.execute(
            "WITH RECURSIVE rows (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM rows WHERE i + 1 < ?)"
            " INSERT INTO deliveries (id, kind, study_key, sop_class_uid, sop_instance_uid, spool_name, state, urgent,"
            " created_at) SELECT CAST(i AS TEXT), 'original', 's', '1', '1.' || i, 'x',"
            " iif(i % 2, 'waiting', 'confirmed'), i % 997 = 0, '2026-01-01T00:00:00+00:00' FROM rows",
            (MANY,),
        )
    deliveries = Deliveries(journal)
    begun = time.perf_counter()
    for _ in range(20):
        found = DeliveryQueue(journal, "district").next_fresh()
        deliveries.oldest_owed_seconds()
        deliveries.last_confirmed_at()
    assert (time.perf_counter() - begun) / 20 < 0.01
    assert found is not None and found.urgent and found.id == "997"
