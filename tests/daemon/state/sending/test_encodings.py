"""What the journal knows of copies of originals, and that a copy goes with its original."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from leapfrog.spool_file.record import Reencoding, append_record
from leapfrog.state.answer_files import AnswerFiles
from leapfrog.state.answers import Answers
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.facts import Facts
from leapfrog.state.journal import Journal
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.encodings import MOST_ATTEMPTS, Encodings
from leapfrog.state.spool import Spool
from leapfrog.state.spooled_files import SpooledFiles
from leapfrog.state.start.copies import settle_copies
from leapfrog.state.studies import Studies
from leapfrog.state.upkeep.retention import Retention
from support.owed import open_state, owe, part10_bytes, secondary_capture

SYNTAX = "1.2.840.10008.1.2.4.80"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[tuple[Journal, Spool]]:
    journal, spool = open_state(tmp_path)
    yield journal, spool
    journal.close()


def owed(journal: Journal, spool: Spool) -> DeliveryRecord:
    dataset = secondary_capture()
    instance_id = owe(journal, spool, part10_bytes(dataset), dataset.SOPInstanceUID)
    journal.change("UPDATE instances SET state = 'read' WHERE id = ?", instance_id)
    row = journal.row("SELECT id FROM deliveries WHERE instance_id = ?", (instance_id,))
    assert row
    found = Deliveries(journal).get(row["id"])
    assert found
    return found


def made(encodings: Encodings, spool: Spool, byte_count: int = 10, syntax: str = SYNTAX) -> str:
    """A copy of the next original that wants one. Returns the name of its file."""
    wanted = encodings.next_wanted([("district", syntax)], 10)
    assert wanted
    encoding_id = encodings.begin(wanted)
    name = f"{encoding_id}.dcm"
    arriving = spool.incoming / name
    with arriving.open("wb") as stream:
        stream.write(bytes(byte_count))
        append_record(
            stream,
            Reencoding(
                sop_instance_uid=wanted.sop_instance_uid, transfer_syntax_uid=syntax, byte_count=byte_count, digest="00"
            ),
        )
    spool.adopt_all([(arriving, name)])
    assert encodings.made(encoding_id, name, byte_count, "00")
    return name


def test_the_smallest_form_that_is_taken_is_the_best(state: tuple[Journal, Spool]) -> None:
    journal, spool = state
    encodings, delivery = Encodings(journal), owed(journal, spool)
    made(encodings, spool, 10)
    made(encodings, spool, 5, "1.2.3")
    assert [one.transfer_syntax_uid if (one := encodings.best_for(delivery, taken)) else None for taken in (
        (SYNTAX, "1.2.3"), (SYNTAX,), ("1.2.4",), ())] == ["1.2.3", SYNTAX, None, None]  # fmt: skip


def test_of_each_attempt_it_is_known_before_it_begins(state: tuple[Journal, Spool]) -> None:
    journal, spool = state
    encodings, delivery = Encodings(journal), owed(journal, spool)
    for attempt in range(MOST_ATTEMPTS):
        wanted = encodings.next_wanted([("district", SYNTAX)], 10)
        assert wanted, attempt
        encoding_id = encodings.begin(wanted)
        encodings.put_back(encoding_id)  # cut short, which says nothing of it
        assert encodings.begin(wanted) == encoding_id
        encodings.failed(encoding_id)
    assert encodings.next_wanted([("district", SYNTAX)], 10) is None
    assert encodings.state(delivery.sop_instance_uid, SYNTAX) == "as_it_came"


def test_a_box_that_ends_over_an_original_three_times_lets_it_be(state: tuple[Journal, Spool]) -> None:
    journal, spool = state
    encodings, delivery = Encodings(journal), owed(journal, spool)
    for _ in range(MOST_ATTEMPTS):
        wanted = encodings.next_wanted([("district", SYNTAX)], 10)
        assert wanted
        encodings.begin(wanted)  # and no word of how it ended
    assert encodings.next_wanted([("district", SYNTAX)], 10) is None
    settle_copies(encodings, spool)
    assert encodings.state(delivery.sop_instance_uid, SYNTAX) == "as_it_came"


def test_an_exam_that_is_forgotten_takes_its_copies_along(state: tuple[Journal, Spool]) -> None:
    journal, spool = state
    encodings, delivery = Encodings(journal), owed(journal, spool)
    name = made(encodings, spool)
    Deliveries(journal).confirm(delivery.id)
    journal.change("UPDATE studies SET state = 'quiet'")
    retention = Retention(
        studies=Studies(journal), facts=Facts(journal), spool=spool, files=SpooledFiles(journal), keep_days=0,
        synchronised=lambda: True, answers=Answers(journal),
        answer_files=AnswerFiles(spool.directory.parent / "answers"),
    )  # fmt: skip
    journal.change("UPDATE studies SET finished_day = -1")
    assert retention.round(date(2026, 1, 2)) == 1
    assert not spool.path(name).exists()
    assert encodings.ready() == []
