"""What people are told of the district: what is wrong, since when, and what to do."""

from datetime import datetime, timedelta
from pathlib import Path

from leapfrog.outbox.trouble import FAILING_SINCE, LONG_SECONDS, Trouble
from leapfrog.state.deliveries import TRIED_IN_VAIN
from leapfrog.state.facts import Facts
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from leapfrog.state.sending.handed_over import HandedOvers
from support.orthanc import Orthanc
from support.outbox_box import Box, wait_for_link
from support.ports import free_port
from support.recording_proxy import Answer, RecordingProxy
from support.waiting import wait_until


def test_without_a_district_nothing_is_wrong(box: Box) -> None:
    assert box.sender("").problems() == ()


def test_a_district_that_cannot_be_reached_is_named_since_when_and_forgotten_when_it_is_back(
    box: Box, tmp_path: Path
) -> None:
    server = Orthanc(tmp_path / "late")
    box.owe()
    sender = box.sender(server.dicomweb_url)
    assert sender.problems() == ()
    sender.start()
    [problem] = wait_until(sender.problems, "the problem")
    assert "cannot be reached" in problem.what
    assert "leapfrog sync" in problem.remedy
    assert abs((datetime.now().astimezone() - datetime.fromisoformat(problem.since)).total_seconds()) < 60
    with server:
        box.wait_for(confirmed=1)
        assert sender.problems() == ()


def test_a_rejected_login_is_named(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    proxy.always(lambda exchange: Answer(401))
    sender = box.sender(proxy.url)
    sender.start()
    wait_for_link(sender, "locked")
    [problem] = sender.problems()
    assert "rejected this box's login" in problem.what and "password" in problem.remedy
    proxy.always(lambda exchange: None)
    box.wait_for(confirmed=1)
    assert sender.problems() == ()


def test_a_link_that_fails_for_a_day_is_said_to(box: Box) -> None:
    now = 0.0
    trouble = Trouble(DeliveryQueue(box.journal, "district"), Facts(box.journal), lambda: now)
    trouble.link_failed("It is down.", locked=False)
    [first] = trouble.current()
    now = LONG_SECONDS + 1
    trouble.link_failed("It is down.", locked=False)
    [later] = trouble.current()
    assert "at present" in first.what and "more than a day" in later.what
    assert first.since == later.since
    trouble.link_works()
    assert trouble.current() == ()


def test_a_box_that_is_turned_off_every_night_knows_since_when_the_link_fails(box: Box) -> None:
    facts = Facts(box.journal)
    yesterday = (datetime.now().astimezone() - timedelta(hours=25)).isoformat(timespec="seconds")
    facts.put(FAILING_SINCE, yesterday)
    trouble = Trouble(DeliveryQueue(box.journal, "district"), facts)
    assert trouble.current() == ()
    trouble.link_failed("It is down.", locked=False)
    [problem] = trouble.current()
    assert problem.since == yesterday and "more than a day" in problem.what
    trouble.link_works()
    Trouble(DeliveryQueue(box.journal, "district"), facts).link_failed("It is down.", locked=False)
    assert facts.get(FAILING_SINCE) not in ("", yesterday)


def test_nothing_is_wrong_with_a_link_that_nothing_needs_any_more(box: Box) -> None:
    box.owe()
    sender = box.sender(f"http://127.0.0.1:{free_port()}/dicom-web")
    sender.start()
    wait_until(sender.problems, "the problem")
    box.journal.change("DELETE FROM deliveries")
    wait_until(lambda: not sender.problems(), "no problem")


def test_a_refused_delivery_is_named_until_a_person_decides(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    proxy.plan(Answer(413))
    sender = box.sender(proxy.url)
    sender.start()
    box.wait_for(refused=1)
    [problem] = sender.problems()
    assert "on hold: 1" in problem.what and problem.since
    box.deliveries.dismiss(box.deliveries.listed("refused")[0].id)
    assert sender.problems() == ()


def test_what_fails_for_a_day_although_the_server_answers_is_told_and_can_be_given_up(box: Box) -> None:
    for _ in range(2):
        box.owe(to=("archive",))
    queue = DeliveryQueue(box.journal, "archive")
    trouble = Trouble(queue, Facts(box.journal))
    failing, new = box.deliveries.listed("waiting")
    for _ in range(TRIED_IN_VAIN):
        assert trouble.current() == () and box.deliveries.dismiss(failing.id) == 0
        queue.put_off(failing.id, "The connection broke off.", 0.0)
    [problem] = trouble.current()
    assert problem.what.startswith("Deliveries to the destination archive that fail again and again")
    assert problem.what.endswith("although the server answers: 1.") and "leapfrog dismiss ID" in problem.remedy
    assert (box.deliveries.dismiss(failing.id), box.deliveries.dismiss(new.id)) == (1, 0)
    assert trouble.current() == ()


def test_what_an_archive_has_stored_and_not_promised_yet_to_keep_is_not_said_to_fail(box: Box) -> None:
    box.owe(to=("archive",))
    [delivery] = box.deliveries.listed("waiting")
    HandedOvers(box.journal).stored(delivery)
    queue = DeliveryQueue(box.journal, "archive")
    for _ in range(TRIED_IN_VAIN):
        queue.put_off(delivery.id, "It has not promised yet to keep it.", 0.0)
    assert Trouble(queue, Facts(box.journal)).current() == ()


def test_a_clock_that_had_lost_its_battery_makes_no_day_of_a_minute(box: Box) -> None:
    facts = Facts(box.journal)
    facts.put(FAILING_SINCE, "2020-01-01T00:00:00+00:00")
    trouble = Trouble(DeliveryQueue(box.journal, "district"), facts)
    trouble.link_failed("It is down.", locked=False)
    [problem] = trouble.current()
    assert "at present" in problem.what
