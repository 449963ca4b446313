"""What the district always fails over stands in nobody's way."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from leapfrog.outbox.choice import Choice
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.outbox.pacing.timing import Timing
from leapfrog.state.journal import Journal
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from support.orthanc import Orthanc
from support.outbox_box import NOTHING_STORED, PATIENT, QUICK, Box, wait_for_link
from support.recording_proxy import Answer, CutAnswer, Exchange, Mishap, RecordingProxy
from support.waiting import wait_until

# After a failure of the link a probe soon, after one of an instance none in this test.
PROBING = Timing(link=Backoff(60.0, 60.0), probe=Backoff(0.05, 0.2), delivery=PATIENT.delivery, locked_seconds=0.1)
BAD = 16


def _fails_over(uids: set[str], how: Mishap) -> object:
    def choose(exchange: Exchange) -> Mishap | None:
        return how if exchange.method == "POST" and uids & set(exchange.sop_instance_uids) else None

    return choose


def _failed_answer(uid: str, reason: int, status: int) -> Answer:
    item = {"00081155": {"vr": "UI", "Value": [uid]}, "00081197": {"vr": "US", "Value": [reason]}}
    body = json.dumps({"00081198": {"vr": "SQ", "Value": [item]}}).encode()
    return Answer(status, body, "application/dicom+json")


@pytest.mark.parametrize(
    "how", [Answer(500), NOTHING_STORED, Answer(503), Answer(200, b"<html>virus!</html>"), Answer(403, b"<html>WAF")]
)
@pytest.mark.parametrize("timing", [QUICK])
def test_sixteen_that_always_fail_do_not_block_the_others(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, how: Answer, timing: Timing
) -> None:
    bad = {box.owe() for _ in range(BAD)}
    good = [box.owe() for _ in range(5)]
    proxy.always(_fails_over(bad, how))  # type: ignore[arg-type]
    box.sender(proxy.url, timing).start()
    box.wait_for(confirmed=5, waiting=BAD)
    assert [orthanc.held()[uid] for uid in good] == [1] * 5
    later = box.owe()
    box.wait_for(confirmed=6, waiting=BAD)
    assert [proxy.posts[uid] for uid in (*good, later)] == [1] * 6


def test_one_that_has_just_come_ends_a_long_pause_over_others(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    bad = {box.owe() for _ in range(BAD)}
    proxy.always(_fails_over(bad, Answer(500)))  # type: ignore[arg-type]
    sender = box.sender(proxy.url, PROBING)
    sender.start()
    wait_until(lambda: all(proxy.posts[uid] for uid in bad), "each was tried")
    wait_for_link(sender, "down")
    box.owe()
    box.wait_for(confirmed=1, waiting=BAD)


def test_a_person_has_each_of_them_tried_once(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    bad = {box.owe() for _ in range(BAD)}
    proxy.always(_fails_over(bad, Answer(500)))  # type: ignore[arg-type]
    sender = box.sender(proxy.url, PROBING)
    sender.start()
    wait_until(lambda: all(proxy.posts[uid] for uid in bad), "each was tried")
    wait_for_link(sender, "down")
    proxy.always(lambda exchange: None)
    sender.sync_now()
    box.wait_for(confirmed=BAD)


def test_what_fails_is_tried_again_and_arrives_when_the_district_has_got_over_it(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    bad = {box.owe() for _ in range(BAD)}
    box.owe()
    proxy.always(_fails_over(bad, Answer(500)))  # type: ignore[arg-type]
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1, waiting=BAD)
    wait_until(lambda: min(proxy.posts[uid] for uid in bad) >= 2, "a second attempt at each")
    proxy.always(lambda exchange: None)
    box.wait_for(confirmed=BAD + 1)


def test_a_question_over_which_the_district_fails_does_not_block_the_others(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    bad = {box.owe() for _ in range(3)}
    good = [box.owe() for _ in range(3)]
    proxy.always(
        lambda exchange: Answer(500) if exchange.method == "GET" and bad & set(exchange.sop_instance_uids) else None
    )
    box.sender(proxy.url).start()
    box.wait_for(confirmed=3)
    assert [orthanc.held()[uid] for uid in good] == [1] * 3


@pytest.mark.parametrize("reason", [0xA700, 0x0110, 0x0213])
@pytest.mark.parametrize("status", [409, 400, 202])
def test_a_full_district_that_answers_409_to_all_refuses_nothing(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, reason: int, status: int
) -> None:
    uids = [box.owe() for _ in range(8)]
    proxy.always(
        lambda exchange: (
            _failed_answer(exchange.sop_instance_uids[0], reason, status) if exchange.method == "POST" else None
        )
    )
    sender = box.sender(proxy.url)
    sender.start()
    wait_for_link(sender, "down")
    assert f"{reason:04X}" in sender.state().last_error
    wait_until(lambda: proxy.posts.total() >= 10, "a few more tries")
    assert (box.count("waiting"), box.count("refused")) == (8, 0)
    [problem] = sender.problems()
    assert f"{reason:04X}" in problem.what and problem.since
    proxy.always(lambda exchange: None)
    box.wait_for(confirmed=8)
    assert [orthanc.held()[uid] for uid in uids] == [1] * 8
    assert sender.problems() == ()


def test_many_refusals_without_a_reason_are_the_servers_fault_and_are_taken_back(
    box: Box, proxy: RecordingProxy
) -> None:
    for _ in range(8):
        box.owe()
    proxy.always(lambda exchange: Answer(409) if exchange.method == "POST" else None)
    sender = box.sender(proxy.url)
    sender.start()
    wait_until(lambda: proxy.posts.total() >= 12, "a few more tries")
    assert (box.count("waiting"), box.count("refused")) == (8, 0)
    proxy.always(lambda exchange: None)
    box.wait_for(confirmed=8)


def test_refusals_with_a_reason_stay_refused_however_many(box: Box, proxy: RecordingProxy) -> None:
    for _ in range(8):
        box.owe()
    proxy.always(
        lambda exchange: (
            _failed_answer(exchange.sop_instance_uids[0], 0x0122, 409) if exchange.method == "POST" else None
        )
    )
    sender = box.sender(proxy.url)
    sender.start()
    box.wait_for(refused=8)
    assert sender.state().link == "ok"
    [problem] = sender.problems()
    assert "on hold: 8" in problem.what and "leapfrog retry" in problem.remedy


def test_what_a_district_refuses_without_a_reason_is_refused_once_it_has_taken_something(
    box: Box, proxy: RecordingProxy
) -> None:
    bad = {box.owe() for _ in range(7)}
    proxy.always(_fails_over(bad, Answer(409)))  # type: ignore[arg-type]
    box.sender(proxy.url).start()
    wait_until(lambda: proxy.posts.total() >= 9, "a few more tries")
    box.owe()
    box.wait_for(confirmed=1, refused=7)


def test_a_delivery_whose_answers_are_always_lost_does_not_block_the_others(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    for _ in range(3):
        box.owe()
    proxy.plan(*[CutAnswer()] * 3, method="GET")
    box.sender(proxy.url).start()
    box.wait_for(confirmed=4)


# ---------------------------------------------------------------- the choice, by a clock of its own


def _waiting(journal: Journal, count: int, **columns: object) -> None:
    values = {"urgent": 0, "failures": 0, "due_at": 0.0, **columns}
    with journal.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO studies (key, study_instance_uid, patient_id, issuer, received_at,"
                           " received_date) VALUES ('s', '', '', '', '', '')")  # fmt: skip
        connection.execute(
            "WITH RECURSIVE rows (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM rows WHERE i + 1 < :count)"
            " INSERT INTO deliveries (id, kind, study_key, sop_class_uid, sop_instance_uid, spool_name, created_at,"
            " urgent, failures, due_at) SELECT hex(randomblob(8)), 'original', 's', '1', hex(randomblob(8)), 'x', '',"
            " :urgent, :failures, :due_at FROM rows",
            {"count": count, **values},
        )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_retries_get_a_quarter_of_the_time_while_there_are_first_attempts(journal: Journal) -> None:
    _waiting(journal, 1, failures=3)
    _waiting(journal, 100)
    clock = Clock()
    choice = Choice(DeliveryQueue(journal, "district"), clock)
    spent: Counter[bool] = Counter()
    for _ in range(60):
        chosen = choice.next(probing=False)
        assert chosen is not None
        seconds = 20.0 if chosen.failures else 1.0  # an attempt at what fails takes long
        clock.now += seconds
        choice.took(chosen, seconds)
        spent[bool(chosen.failures)] += round(seconds)
        journal.change("DELETE FROM deliveries WHERE id = ? AND failures = 0", chosen.id)
    assert 0 < spent[True] <= 0.6 * spent[False]


def test_an_urgent_first_attempt_goes_before_every_retry(journal: Journal) -> None:
    _waiting(journal, 3, failures=1, urgent=1)
    _waiting(journal, 1, urgent=1)
    chosen = Choice(DeliveryQueue(journal, "district"), Clock()).next(probing=False)
    assert chosen is not None and chosen.urgent and not chosen.failures


def test_probes_take_the_newest_and_any_in_turns(journal: Journal) -> None:
    _waiting(journal, 101)
    ids = [row["id"] for row in journal.rows("SELECT id FROM deliveries ORDER BY sequence")]
    choice = Choice(DeliveryQueue(journal, "district"), Clock(), fraction=lambda: 0.25)
    chosen = [choice.next(probing=True) for _ in range(4)]
    assert [delivery.id for delivery in chosen if delivery] == [ids[100], ids[25], ids[100], ids[25]]


def test_while_some_were_never_tried_a_server_that_fails_is_tried_again_soon(box: Box, proxy: RecordingProxy) -> None:
    bad = {box.owe() for _ in range(BAD)}
    good = box.owe()
    proxy.always(_fails_over(bad, Answer(500)))  # type: ignore[arg-type]
    box.sender(proxy.url, PROBING).start()  # whose link would wait for a minute
    box.wait_for(confirmed=1)
    assert proxy.posts[good] == 1
    assert sum(proxy.posts[uid] for uid in bad) < BAD, "found before all the others were tried"


def test_a_probe_may_come_from_anywhere(journal: Journal) -> None:
    _waiting(journal, 101)
    queue = DeliveryQueue(journal, "district")
    ids = [row["id"] for row in journal.rows("SELECT id FROM deliveries ORDER BY sequence")]
    found = [queue.any_fresh(fraction) for fraction in (0.0, 0.5, 1.0)]
    assert [delivery.id for delivery in found if delivery] == [ids[0], ids[50], ids[100]]


def test_choosing_costs_the_same_with_100_and_with_100_000_that_wait_for_another_attempt(tmp_path: Path) -> None:
    costs = {}
    for count in (100, 100_000):
        journal = Journal(tmp_path / f"{count}.sqlite")
        _waiting(journal, count, failures=2, due_at=5000.0)
        _waiting(journal, 1)
        queue, clock = DeliveryQueue(journal, "district"), Clock()
        choice = Choice(queue, clock)
        steps = [0]

        def count_step(steps: list[int] = steps) -> int:
            steps[0] += 1
            return 0

        journal._connection.set_progress_handler(count_step, 1)
        for probing in (False, True):
            assert choice.next(probing=probing) is not None
        assert queue.next_retry(clock.now) is None
        assert queue.soonest_retry() == 5000.0
        journal._connection.set_progress_handler(None, 1)
        costs[count] = steps[0]
        journal.close()
    assert costs[100_000] <= costs[100] * 1.1 + 20


def test_moments_of_another_process_hold_nothing_back(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    box.journal.change("UPDATE deliveries SET failures = 5, due_at = ?", time.monotonic() + 1e9)
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
