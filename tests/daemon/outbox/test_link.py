"""The link to the district server: down, slow, locked, or leading somewhere else."""

import socket
import time
from io import BufferedReader
from pathlib import Path

from leapfrog.outbox.pacing.timeouts import Timeouts
from support.orthanc import Orthanc
from support.outbox_box import PATIENT, Box, wait_for_error, wait_for_link
from support.recording_proxy import Answer, CutAnswer, RecordingProxy, Stall

WEB_PAGE = Answer(200, b"<html><title>Welcome! Please accept our terms</title></html>")


def test_a_district_that_starts_late_gets_everything(box: Box, tmp_path: Path) -> None:
    server = Orthanc(tmp_path / "late")
    uids = [box.owe() for _ in range(5)]
    sender = box.sender(server.dicomweb_url)
    sender.start()
    wait_for_link(sender, "down")
    assert "reached" in sender.state().explanation
    with server:
        box.wait_for(confirmed=5)
        assert sender.state().link == "ok"
        assert all(server.held()[uid] == 1 for uid in uids)


def test_while_the_link_is_down_one_question_is_asked_and_no_instance_is_sent(box: Box, proxy: RecordingProxy) -> None:
    for _ in range(20):
        box.owe()
    proxy.plan(*[Answer(502)] * 3, method="GET")
    box.sender(proxy.url).start()
    box.wait_for(confirmed=20)
    assert [each.method for each in proxy.exchanges[:4]] == ["GET"] * 4
    assert proxy.exchanges[4].method == "POST"
    assert all(each.attempts == 1 for each in box.deliveries.listed("confirmed"))


def test_a_stalled_link_is_noticed_and_the_instance_goes_out_afterwards(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    uid = box.owe(8_000_000)
    proxy.plan(Stall(after_bytes=10_000))
    proxy.plan(Stall())
    box.sender(proxy.url, timeouts=Timeouts(send_seconds=0.3, query_seconds=0.3, answer_seconds=0.5)).start()
    box.wait_for(confirmed=1)
    assert orthanc.held()[uid] == 1


def test_a_captive_portal_is_no_district_and_is_outlasted(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    uid = box.owe()
    redirect = Answer(302, headers={"Location": "http://portal.example/login"})
    proxy.plan(WEB_PAGE, redirect, Answer(511), Answer(200, b"[{}"), method="GET")
    proxy.plan(WEB_PAGE)
    sender = box.sender(proxy.url)
    sender.start()
    wait_for_error(sender, "web page")
    wait_for_error(sender, "portal.example")
    box.wait_for(confirmed=1)
    assert orthanc.held()[uid] == 1


def test_a_wrong_address_is_named_and_no_image_is_sent_to_it(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    box.owe()
    sender = box.sender(proxy.url.replace("dicom-web", "dicomweb"))
    sender.start()
    wait_for_error(sender, "(HTTP 404) does not come from a DICOMweb server")
    assert sender.state().link == "down"
    assert proxy.begun_posts == 0


def test_a_server_without_a_search_is_sent_to_all_the_same(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    proxy.always(lambda exchange: Answer(405) if exchange.method == "GET" else None)
    proxy.plan(CutAnswer())
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert proxy.posts.total() == 2


def test_a_connection_that_idled_is_not_trusted_with_an_instance(box: Box, proxy: RecordingProxy) -> None:
    box.sender(proxy.url).start()
    for count in (1, 2):
        box.owe()
        box.wait_for(confirmed=count)
        time.sleep(0.8)
    assert proxy.connections_made == 2


def test_a_busy_district_is_left_alone_as_long_as_it_asks(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    proxy.plan(Answer(503, headers={"Retry-After": "1"}))
    sender = box.sender(proxy.url)
    sender.start()
    wait_for_link(sender, "down")
    remaining = sender.state().next_attempt_in_seconds
    assert remaining is not None and 0.3 < remaining <= 1.0
    seen = len(proxy.exchanges)
    time.sleep(0.4)
    assert len(proxy.exchanges) == seen
    box.wait_for(confirmed=1)


def test_a_wrong_password_stops_everything_until_the_file_is_mended(box: Box, tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text("wrong\n")
    with Orthanc(tmp_path / "guarded", users={"kiosk": "pässword"}) as server:
        for _ in range(3):
            box.owe()
        sender = box.sender(server.dicomweb_url, username="kiosk", password_file=password_file)
        sender.start()
        wait_for_link(sender, "locked")
        assert "password_file" in sender.state().explanation
        assert box.count("waiting") == 3
        password_file.unlink()
        wait_for_error(sender, "cannot be read")
        password_file.write_text("pässword\n")
        box.wait_for(confirmed=3)


def test_a_token_goes_along(box: Box, proxy: RecordingProxy, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("abc123\n")
    box.owe()
    box.sender(proxy.url, token_file=token_file).start()
    box.wait_for(confirmed=1)
    assert {each.headers["Authorization"] for each in proxy.exchanges} == {"Bearer abc123"}


class _OneRequestAConnection(RecordingProxy):
    """Closes each connection just when its second request comes, as a server seems to do behind a long round trip."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self._served: set[socket.socket] = set()
        self.closed_on = 0

    def _exchange(self, connection: socket.socket, stream: BufferedReader) -> bool:
        if connection in self._served:
            self.closed_on += bool(stream.readline())
            return False
        self._served.add(connection)
        return super()._exchange(connection, stream)


def test_a_server_that_has_closed_a_kept_connection_is_asked_on_a_new_one_and_soon_at_once(
    box: Box, orthanc: Orthanc
) -> None:
    uids = [box.owe() for _ in range(6)]
    with _OneRequestAConnection(orthanc.dicomweb_url) as proxy:
        box.sender(proxy.url, PATIENT).start()
        box.wait_for(confirmed=6)
        assert [proxy.posts[uid] for uid in uids] == [1] * 6
        assert 0 < proxy.closed_on <= 3
    assert all(delivery.last_error == "" for delivery in box.deliveries.listed("confirmed"))
