"""All destinations share one link: results of one go before originals of another, and one limit holds for all."""

import time
from collections.abc import Iterator

import pytest

from leapfrog.outbox.outbox import Outbox
from leapfrog.settings import DestinationSettings, DistrictSettings
from support.orthanc import Orthanc
from support.outbox_box import QUICK, Box
from support.owed import owe_result
from support.recording_proxy import RecordingProxy, Stall
from support.waiting import wait_until

FILM_BYTES = 200_000
SLOW = 200_000  # bytes per second


@pytest.fixture
def hospital(orthanc: Orthanc) -> Iterator[RecordingProxy]:
    """The way to another destination; what is behind it does not matter here."""
    with RecordingProxy(orthanc.dicomweb_url) as proxy:
        yield proxy


def _outbox(box: Box, district: RecordingProxy, hospital: RecordingProxy, bytes_per_second: int = SLOW) -> Outbox:
    destinations = tuple(
        DestinationSettings(name=name, url=proxy.url)
        for name, proxy in (("district", district), ("hospital", hospital))
    )
    limits = DistrictSettings(bytes_per_second=bytes_per_second)
    outbox = Outbox(destinations, limits, box.deliveries, box.spool, box.fatal.append, QUICK)
    box.senders.append(outbox)
    return outbox


def _owe_hospital(box: Box, outbox: Outbox, byte_count: int = 5_000) -> str:
    uid = owe_result(box.journal, box.spool, "structured_report", byte_count, destination="hospital")
    outbox.wake()
    return uid


def test_an_original_to_one_waits_for_a_result_to_another(
    box: Box, proxy: RecordingProxy, hospital: RecordingProxy
) -> None:
    box.owe(FILM_BYTES)
    outbox = _outbox(box, proxy, hospital)
    outbox.start()
    wait_until(lambda: proxy.bytes_received > 50_000, "a part of the film")
    _owe_hospital(box, outbox, 80_000)
    wait_until(lambda: hospital.bytes_received > 10_000, "a part of the result")
    before, began = proxy.bytes_received, time.monotonic()
    wait_until(lambda: box.count("confirmed") == 1, "the result")
    assert time.monotonic() - began > 0.2
    assert proxy.bytes_received - before < 40_000, "of a film whose pieces are as large as the link is fast"
    box.wait_for(confirmed=2)
    assert proxy.begun_posts == 1


def test_one_that_is_silent_over_a_result_holds_up_no_original_to_another(
    box: Box, proxy: RecordingProxy, hospital: RecordingProxy
) -> None:
    film = box.owe(FILM_BYTES)
    hospital.plan(Stall(), method="GET")
    outbox = _outbox(box, proxy, hospital)
    _owe_hospital(box, outbox)
    began = time.monotonic()
    outbox.start()
    box.wait_for(confirmed=1)
    assert proxy.posts[film] == 1
    assert time.monotonic() - began < 8


def test_the_limit_holds_for_all_together(box: Box, proxy: RecordingProxy, hospital: RecordingProxy) -> None:
    box.owe(FILM_BYTES)
    outbox = _outbox(box, proxy, hospital)
    _owe_hospital(box, outbox, FILM_BYTES)
    began = time.monotonic()
    outbox.start()
    box.wait_for(confirmed=2)
    assert time.monotonic() - began > 2 * FILM_BYTES / SLOW * 0.9


def test_the_state_says_how_fast_each_link_is_and_how_long_what_waits_takes(
    box: Box, proxy: RecordingProxy, hospital: RecordingProxy
) -> None:
    box.owe(FILM_BYTES)
    outbox = _outbox(box, proxy, hospital)
    outbox.start()
    box.wait_for(confirmed=1)
    district, other = outbox.state().destinations
    assert district.bytes_per_second is not None and 0.5 * SLOW < district.bytes_per_second < 1.1 * SLOW
    assert (district.seconds_left, other.bytes_per_second) == (0.0, None)
    outbox.stop()
    box.owe(10 * FILM_BYTES)
    state = outbox.state()
    assert state.seconds_left == state.destinations[0].seconds_left
    assert state.seconds_left == pytest.approx(10 * FILM_BYTES / district.bytes_per_second, rel=0.05)
    _owe_hospital(box, outbox)
    assert outbox.state().seconds_left is None, "nobody knows yet how fast the other link is"


def test_an_original_to_a_dicom_archive_waits_for_a_result_as_well(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    archive = DestinationSettings(
        name="archive", kind="dicom", host="127.0.0.1", port=orthanc.dicom_port, ae_title="DISTRICT"
    )
    district = DestinationSettings(name="district", url=proxy.url)
    outbox = Outbox(
        (district, archive), DistrictSettings(bytes_per_second=SLOW), box.deliveries, box.spool, box.fatal.append, QUICK
    )
    box.senders.append(outbox)
    box.owe(FILM_BYTES)
    box.journal.change("UPDATE deliveries SET destination = 'archive'")
    outbox.start()
    originals = outbox.senders[-1]
    wait_until(lambda: originals._pace.handed_over_bytes > 50_000, "a part of the film")
    box.owe_result(byte_count=100_000)
    wait_until(lambda: proxy.bytes_received > 10_000, "a part of the result")
    before = originals._pace.handed_over_bytes
    wait_until(lambda: box.count("confirmed") == 1, "the result")
    assert originals._pace.handed_over_bytes - before < 10_000
    box.wait_for(confirmed=2)
