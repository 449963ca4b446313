"""Several destinations: what is owed to each, and how one that is down, slow or mad delays no other."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from leapfrog.settings import DistrictSettings
from support.destinations import a_destination, a_district
from support.mad_servers import MadServer, that_babbles, that_hangs, that_swallows
from support.orthanc import Orthanc
from support.outbox_box import PATIENT, Box
from support.ports import free_port
from support.recording_proxy import Answer, RecordingProxy
from support.waiting import wait_until

BOTH = ("district", "province")
FILMS = 20


@pytest.fixture(scope="module")
def other_orthanc(tmp_path_factory: pytest.TempPathFactory, orthanc: Orthanc) -> Iterator[Orthanc]:
    """A second server; where the first is not installed, neither is this."""
    with Orthanc(tmp_path_factory.mktemp("province")) as server:
        yield server


def test_each_destination_gets_what_is_owed_to_it_once_from_one_file(
    box: Box, proxy: RecordingProxy, orthanc: Orthanc, other_orthanc: Orthanc
) -> None:
    to_both, to_one = box.owe(to=BOTH), box.owe(to=("province",))
    assert len(box.spool.names()) == 2
    with RecordingProxy(other_orthanc.dicomweb_url) as other:
        box.outbox(a_district(url=proxy.url), a_destination("province", url=other.url)).start()
        box.wait_for_totals("district", waiting=0, confirmed=1)
        box.wait_for_totals("province", waiting=0, confirmed=2)
        assert (proxy.posts, other.posts) == ({to_both: 1}, {to_both: 1, to_one: 1})
    assert (orthanc.held()[to_both], orthanc.held()[to_one]) == (1, 0)
    assert {to_both, to_one} <= set(other_orthanc.held())


def _seconds_to_send(box: Box, films: int, *others: str, url: str) -> float:
    """How long it takes until the district has so many more films, while they are owed to these others too."""
    before = box.deliveries.totals_of("district")["confirmed"]
    destinations = [a_destination(f"other-{place}", url=one) for place, one in enumerate(others)]
    for _ in range(films):
        box.owe(to=("district", *(one.name for one in destinations)))
    outbox = box.outbox(a_district(url=url), *destinations)
    begun_at = time.monotonic()
    outbox.start()
    box.wait_for_totals("district", confirmed=before + films)
    seconds = time.monotonic() - begun_at
    begun_at = time.monotonic()
    outbox.stop()
    assert time.monotonic() - begun_at < 5, "a server that hangs holds up no stop"
    box.senders.remove(outbox)
    return seconds


def test_one_that_is_down_one_that_hangs_and_one_that_babbles_delay_no_other(box: Box, orthanc: Orthanc) -> None:
    alone = _seconds_to_send(box, FILMS, url=orthanc.dicomweb_url)
    with ExitStack() as stack:
        mad: list[MadServer] = [stack.enter_context(one) for one in (that_hangs(), that_swallows(), that_babbles())]
        urls = [f"http://127.0.0.1:{free_port()}/dicom-web", *(one.url for one in mad)]
        beside = _seconds_to_send(box, FILMS, *urls, url=orthanc.dicomweb_url)
    assert beside < 2 * alone + 1.0
    for place in range(len(urls)):
        totals = box.deliveries.totals_of(f"other-{place}")
        assert totals["confirmed"] == 0 and totals["waiting"] + totals["refused"] == FILMS, "nothing is lost"


def test_a_person_can_have_one_destination_tried_at_once(box: Box, proxy: RecordingProxy, orthanc: Orthanc) -> None:
    box.owe(to=BOTH)
    with RecordingProxy(orthanc.dicomweb_url) as other:
        for one in (proxy, other):
            one.plan(Answer(502), method="GET")
        outbox = box.outbox(a_district(url=proxy.url), a_destination("province", url=other.url), timing=PATIENT)
        outbox.start()
        wait_until(lambda: all(one.link == "down" for one in outbox.state().destinations), "both links are down")
        outbox.sync_now("province")
        box.wait_for_totals("province", confirmed=1)
        assert [one.link for one in outbox.state().destinations] == ["down", "ok"]


def test_what_is_wrong_with_one_is_said_with_its_name_and_the_others_stay_well(box: Box, proxy: RecordingProxy) -> None:
    box.owe(to=BOTH)
    port = free_port()
    outbox = box.outbox(a_district(url=proxy.url), a_destination("province", url=f"http://127.0.0.1:{port}/dicom-web"))
    assert outbox.state().explanation == "results are sent as soon as they are ready"
    outbox.start()
    [problem] = wait_until(outbox.problems, "the problem")
    assert problem.what.startswith("Nothing can be sent to the destination province at present. The server province")
    assert str(problem.for_staff).startswith("Nothing can be sent to province at present.")
    box.wait_for_totals("district", confirmed=1)
    state = outbox.state()
    district, province = state.destinations
    assert (state.link, district.link, province.link) == ("down", "ok", "down")
    assert state.explanation.startswith("province: The server province cannot be reached")
    assert state.failing_since == province.failing_since != ""
    assert (district.deliveries["confirmed"], province.deliveries["waiting"]) == (1, 1)
    assert province.oldest_owed_seconds is not None and district.oldest_owed_seconds is None
    assert district.last_confirmed_at is not None and province.last_confirmed_at is None


def test_what_one_refuses_is_on_hold_for_that_one(box: Box, proxy: RecordingProxy, other_orthanc: Orthanc) -> None:
    box.owe(to=BOTH)
    with RecordingProxy(other_orthanc.dicomweb_url) as other:
        other.plan(Answer(413))
        outbox = box.outbox(a_district(url=proxy.url), a_destination("province", url=other.url))
        outbox.start()
        box.wait_for_totals("province", refused=1)
        box.wait_for_totals("district", confirmed=1)
        [problem] = outbox.problems()
        assert problem.what.startswith("Deliveries to the destination province on hold: 1")
        [on_hold] = box.deliveries.listed("refused")
        assert on_hold.destination == "province" and "The server province" in on_hold.last_error


def test_settings_that_a_person_must_correct_are_named_with_their_destination(box: Box, proxy: RecordingProxy) -> None:
    box.owe(to=("province",))
    proxy.always(lambda exchange: Answer(401))
    outbox = box.outbox(a_destination("province", url=proxy.url))
    outbox.start()
    wait_until(lambda: outbox.state().link == "locked", "the link is locked")
    assert "check username of the destination province" in outbox.state().explanation


def test_the_limit_of_bytes_per_second_holds_for_all_together(
    box: Box, proxy: RecordingProxy, other_orthanc: Orthanc
) -> None:
    for _ in range(2):
        box.owe(20_000, to=BOTH)
    with RecordingProxy(other_orthanc.dicomweb_url) as other:
        limits = DistrictSettings(bytes_per_second=50_000)
        outbox = box.outbox(a_district(url=proxy.url), a_destination("province", url=other.url), limits=limits)
        begun_at = time.monotonic()
        outbox.start()
        for name in BOTH:
            box.wait_for_totals(name, confirmed=2)
    assert 4 * 20_000 / 50_000 * 0.7 < time.monotonic() - begun_at < 4 * 20_000 / 50_000 + 4
