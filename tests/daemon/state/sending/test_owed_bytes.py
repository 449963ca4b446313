"""What is owed, by kind, and how long it takes."""

import time
from pathlib import Path

import pytest

from leapfrog.state.deliveries import Deliveries
from leapfrog.state.journal import Journal
from leapfrog.state.sending.owed_bytes import OwedBytes, owed_bytes, seconds_left
from support.owed import open_state, owe_image


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


def _owe(journal: Journal, kind: str, count: int, byte_count: int, destination: str = "district") -> None:
    with journal.transaction() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO studies (key, study_instance_uid, patient_id, issuer, received_at, received_date)"
            " VALUES ('s', '', '', '', '', '')"
        )
        connection.execute(
            "WITH RECURSIVE rows (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM rows WHERE i < ?)"
            " INSERT INTO deliveries (id, kind, destination, study_key, sop_class_uid, sop_instance_uid, spool_name,"
            " created_at, byte_count) SELECT hex(randomblob(8)), ?, ?, 's', '1', hex(randomblob(8)), 'x', '', ?"
            " FROM rows",
            (count, kind, destination, byte_count),
        )


def test_what_waits_is_told_by_destination_and_kind_in_the_order_in_which_it_goes(journal: Journal) -> None:
    _owe(journal, "original", 3, 8_000_000)
    _owe(journal, "structured_report", 2, 5_000)
    _owe(journal, "report_pdf", 1, 70_000, "hospital")
    _owe(journal, "print", 1, 0, "")
    waiting = owed_bytes(journal)
    assert waiting == [
        OwedBytes("district", "structured_report", 2, 10_000),
        OwedBytes("district", "original", 3, 24_000_000),
        OwedBytes("hospital", "report_pdf", 1, 70_000),
    ]
    assert seconds_left(waiting[:2], 8_000.0) == pytest.approx(3001.25)
    assert seconds_left(waiting, None) is None
    assert seconds_left([], None) == 0


def test_what_was_confirmed_or_refused_waits_no_longer(tmp_path: Path) -> None:
    journal, spool = open_state(tmp_path)
    for _ in range(3):
        owe_image(journal, spool)
    deliveries = Deliveries(journal)
    first, second, third = deliveries.listed()
    deliveries.confirm(first.id)
    deliveries.refuse(second.id, "no")
    assert owed_bytes(journal) == [OwedBytes("district", "original", 1, third.byte_count)]


def test_asking_takes_no_longer_with_a_hundred_thousand_rows(journal: Journal) -> None:
    _owe(journal, "original", 100_000, 1)
    begun = time.perf_counter()
    for _ in range(100):
        owed_bytes(journal)
    assert (time.perf_counter() - begun) / 100 < 0.002
