"""Archives that lie, hang, refuse and die: nothing counts as stored that was not, and nobody waits for ever."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from pydicom.uid import generate_uid
from pynetdicom import AE, evt

from leapfrog.errors import DistrictLocked, DistrictUnreachable
from leapfrog.outbox.courier import CONFIRMED
from support.archives import (
    BIG_ENDIAN,
    EXPLICIT,
    IMPLICIT,
    JPEG_LS,
    SECONDARY_CAPTURE,
    VERIFICATION,
    made_up_archive,
    store_scp,
)
from support.between import between, both_ways, relay
from support.courier_box import CourierBox, most_memory
from support.waiting import wait_until

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
ABORT = bytes.fromhex("07000000000400000000")
MEANINGS = {
    0x0000: "confirmed",
    0xB000: "confirmed",
    0xB006: "confirmed",
    0xB007: "confirmed",
    0xA700: "unclear",
    0xA702: "unclear",
    0x0110: "unclear",
    0x0213: "unclear",
    0xA900: "refused",
    0x0122: "refused",
    0x0119: "refused",
    0x0111: "refused",  # it was never sent before: whatever the archive holds, it is another's
    0xC000: "doubtful",
    0xC123: "doubtful",
    0x0211: "doubtful",
}
WHOLE_SECONDS = 20.0  # the longest that anything here may take


def answered(status: int, _event: Any) -> int:
    return status


def test_each_status_means_what_the_standard_says(box: CourierBox) -> None:
    outcomes = {}
    with made_up_archive() as archive:
        courier = box.courier(archive.port)
        for status in MEANINGS:
            archive.answer = partial(answered, status)
            outcomes[status] = box.make(courier, box.owe()).outcome
    assert outcomes == MEANINGS


def test_who_may_not_store_is_locked_out(box: CourierBox) -> None:
    delivery = box.owe()
    with made_up_archive() as archive:
        archive.answer = lambda _event: 0x0124
        with pytest.raises(DistrictLocked, match="does not allow this box to store"):
            box.make(box.courier(archive.port), delivery)


def test_a_duplicate_of_what_this_box_sent_before_is_there(box: CourierBox) -> None:
    delivery = box.owe()
    box.deliveries.ask_before_sending()
    with made_up_archive() as archive:
        archive.answer = lambda _event: 0x0111
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED


def test_a_success_for_another_instance_confirms_nothing(box: CourierBox) -> None:
    def lie(event: Any) -> None:
        if event.message.__class__.__name__ == "C_STORE_RSP":
            event.message.command_set.AffectedSOPInstanceUID = generate_uid()

    delivery = box.owe()
    with made_up_archive(handlers=[(evt.EVT_DIMSE_SENT, lie)]) as archive:
        verdict = box.make(box.courier(archive.port), delivery)
    assert verdict.outcome == "unclear" and "does not belong to what it was asked" in verdict.reason


def test_a_success_for_another_message_confirms_nothing(box: CourierBox) -> None:
    def lie(event: Any) -> None:
        if event.message.__class__.__name__ == "C_STORE_RSP":
            event.message.command_set.MessageIDBeingRespondedTo = 4711

    delivery = box.owe()
    with made_up_archive(handlers=[(evt.EVT_DIMSE_SENT, lie)]) as archive:
        assert box.make(box.courier(archive.port), delivery).outcome == "unclear"


@pytest.mark.parametrize("taken", [EXPLICIT, IMPLICIT])
def test_any_syntax_that_it_takes_of_those_that_fit_is_used(box: CourierBox, taken: str) -> None:
    delivery = box.owe()
    with made_up_archive(contexts={VERIFICATION: [IMPLICIT], SECONDARY_CAPTURE: [taken]}) as archive:
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED


@pytest.mark.parametrize("taken", [[BIG_ENDIAN], [JPEG_LS]])
def test_what_it_takes_in_no_fitting_syntax_is_on_hold_with_a_reason(box: CourierBox, taken: list[str]) -> None:
    delivery = box.owe()
    with made_up_archive(contexts={VERIFICATION: [IMPLICIT], SECONDARY_CAPTURE: taken}) as archive:
        verdict = box.make(box.courier(archive.port), delivery)
    assert verdict.outcome == "refused" and archive.stored == []
    assert not box.again(delivery).posted


def test_a_kind_of_object_that_it_does_not_take_is_on_hold_with_a_reason(box: CourierBox) -> None:
    delivery = box.owe()
    with made_up_archive(contexts={VERIFICATION: [IMPLICIT]}) as archive:
        verdict = box.make(box.courier(archive.port), delivery)
    assert verdict.outcome == "refused" and "does not take this kind of object" in verdict.reason


def test_an_archive_that_takes_nothing_at_all_is_no_archive(box: CourierBox) -> None:
    delivery = box.owe()
    with (
        made_up_archive(contexts={generate_uid(): [IMPLICIT]}) as archive,
        pytest.raises(DistrictUnreachable, match="takes nothing of what this box offers"),
    ):
        box.make(box.courier(archive.port), delivery)


def test_it_says_what_to_do_where_the_archive_does_not_know_the_box(box: CourierBox) -> None:
    delivery = box.owe()
    with (
        made_up_archive(require_calling_aet=["ANOTHER"]) as archive,
        pytest.raises(DistrictLocked, match="Enter a DICOM node there with the AE title LEAPFROG"),
    ):
        box.make(box.courier(archive.port), delivery)


def test_it_says_what_to_do_where_the_archive_has_another_name(box: CourierBox) -> None:
    delivery = box.owe()
    with (
        made_up_archive(require_called_aet=True) as archive,
        pytest.raises(DistrictLocked, match="says that it is not called WRONG"),
    ):
        box.make(box.courier(archive.port, ae_title="WRONG"), delivery)


def test_an_archive_without_room_is_tried_again_soon(box: CourierBox) -> None:
    delivery = box.owe()
    another = AE()
    another.add_requested_context(VERIFICATION)
    with made_up_archive(maximum_associations=1) as archive:
        held = another.associate("127.0.0.1", archive.port)
        with pytest.raises(DistrictUnreachable, match="no room"):
            box.make(box.courier(archive.port), delivery)
        held.release()


def test_an_archive_that_closed_an_idle_association_is_called_again(box: CourierBox) -> None:
    first, second = box.owe(), box.owe()
    with made_up_archive(network_timeout=0.1) as archive:
        courier = box.courier(archive.port)
        assert box.make(courier, first) == CONFIRMED
        time.sleep(0.25)
        assert box.make(courier, second) == CONFIRMED
        assert archive.associations == 2


def test_an_association_that_nobody_uses_is_released(box: CourierBox) -> None:
    released = threading.Event()
    delivery = box.owe()
    with made_up_archive(handlers=[(evt.EVT_RELEASED, lambda _event: released.set())]) as archive:
        box.make(box.courier(archive.port), delivery)
        assert released.wait(5)


def test_an_archive_that_stores_and_then_hangs_up_is_asked_or_gets_it_again(box: CourierBox) -> None:
    arrived: list[str] = []

    def store(event: Any) -> int:
        arrived.append(str(event.request.AffectedSOPInstanceUID))
        if len(arrived) == 1:
            event.assoc.abort()
        return 0x0000

    delivery = box.owe()
    with made_up_archive() as archive:
        archive.answer = store
        courier = box.courier(archive.port)
        assert box.make(courier, delivery).outcome == "unclear"
        assert box.make(courier, delivery) == CONFIRMED
    assert set(arrived) == {delivery.sop_instance_uid}


def test_an_archive_that_stored_it_and_lets_itself_be_asked_does_not_get_it_again(box: CourierBox) -> None:
    arrived: list[str] = []

    def store(event: Any) -> int:
        arrived.append(str(event.request.AffectedSOPInstanceUID))
        event.assoc.abort()
        return 0x0000

    def find(event: Any) -> Iterator[tuple[int, Any]]:
        if str(event.identifier.SOPInstanceUID) in arrived:
            yield 0xFF00, event.identifier

    delivery = box.owe()
    contexts = {VERIFICATION: [IMPLICIT], SECONDARY_CAPTURE: [EXPLICIT], FIND: [IMPLICIT]}
    with made_up_archive(contexts=contexts, handlers=[(evt.EVT_C_FIND, find)]) as archive:
        archive.answer = store
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED
    assert arrived == [delivery.sop_instance_uid]


def test_an_archive_that_may_not_be_asked_gets_it_again_over_the_same_association(box: CourierBox) -> None:
    def find(_event: Any) -> Iterator[tuple[int, Any]]:
        yield 0xA700, None

    delivery = box.owe()
    box.deliveries.ask_before_sending()
    contexts = {VERIFICATION: [IMPLICIT], SECONDARY_CAPTURE: [EXPLICIT], FIND: [IMPLICIT]}
    with made_up_archive(contexts=contexts, handlers=[(evt.EVT_C_FIND, find)]) as archive:
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED
        assert (archive.held(), archive.associations) == ({delivery.sop_instance_uid: 1}, 1)


def test_an_archive_that_finds_without_end_is_not_believed(box: CourierBox) -> None:
    def find(event: Any) -> Iterator[tuple[int, Any]]:
        while True:
            yield 0xFF00, event.identifier

    delivery = box.owe()
    box.deliveries.ask_before_sending()
    contexts = {VERIFICATION: [IMPLICIT], SECONDARY_CAPTURE: [EXPLICIT], FIND: [IMPLICIT]}
    with made_up_archive(contexts=contexts, handlers=[(evt.EVT_C_FIND, find)]) as archive:
        began = time.monotonic()
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED
        assert archive.stored == [delivery.sop_instance_uid]  # it was sent again
    assert time.monotonic() - began < WHOLE_SECONDS


# ---------------------------------------------------------------- between the box and a real archive


@pytest.mark.parametrize(
    "hang",
    [
        lambda client: client.recv(4096),  # after the request for an association
        lambda client: client.sendall(bytes.fromhex("020000000400") + b"half"),  # within a PDU
    ],
)
def test_an_archive_that_hangs_before_the_association_is_given_up(
    box: CourierBox, hang: Callable[[socket.socket], object]
) -> None:
    def each(client: socket.socket, _server: socket.socket) -> None:
        hang(client)
        time.sleep(WHOLE_SECONDS)

    delivery, began = box.owe(), time.monotonic()
    with between(0, each) as port, pytest.raises(DistrictUnreachable):
        box.make(box.courier(port), delivery)
    assert time.monotonic() - began < WHOLE_SECONDS
    assert not box.again(delivery).posted


@pytest.mark.parametrize("answer", [ABORT, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_who_is_no_archive_is_named_so(box: CourierBox, answer: bytes) -> None:
    def each(client: socket.socket, _server: socket.socket) -> None:
        client.recv(65536)
        client.sendall(answer)

    delivery = box.owe()
    with between(0, each) as port, pytest.raises(DistrictUnreachable, match="check that this is its DICOM port"):
        box.make(box.courier(port), delivery)


@pytest.mark.parametrize("up", [2000, 90_000])
def test_a_connection_that_breaks_on_the_way_loses_nothing(box: CourierBox, archive_folder: Any, up: int) -> None:
    delivery, connections = box.owe(100_000), []

    def each(client: socket.socket, server: socket.socket) -> None:
        connections.append(client)
        both_ways(client, server, up if len(connections) == 1 else 1 << 30, 1 << 30)

    with store_scp(archive_folder) as archive, between(archive.port, each) as port:
        courier = box.courier(port)
        for _ in range(4):
            with suppress(DistrictUnreachable):
                if box.make(courier, delivery) == CONFIRMED:
                    break
        assert archive.held() == {delivery.sop_instance_uid: 1}


def test_an_archive_that_stops_reading_is_given_up(box: CourierBox, archive_folder: Any) -> None:
    def each(client: socket.socket, server: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        both_ways(client, server, 20_000, 1 << 30)
        time.sleep(WHOLE_SECONDS)

    delivery, began = box.owe(9_000_000), time.monotonic()
    with (
        store_scp(archive_folder) as archive,
        between(archive.port, each) as port,
        pytest.raises(DistrictUnreachable, match="did not answer in time"),  # nor does it answer when called anew
    ):
        box.make(box.courier(port), delivery)
    assert time.monotonic() - began < WHOLE_SECONDS


def test_an_archive_that_never_answers_a_store_is_given_up(box: CourierBox, archive_folder: Any) -> None:
    def each(client: socket.socket, server: socket.socket) -> None:
        both_ways(client, server, 1 << 30, 400)  # the answer to the association goes through
        time.sleep(WHOLE_SECONDS)

    delivery, began = box.owe(), time.monotonic()
    with store_scp(archive_folder) as archive, between(archive.port, each) as port, suppress(DistrictUnreachable):
        assert box.make(box.courier(port), delivery).outcome == "unclear"
    assert time.monotonic() - began < WHOLE_SECONDS
    assert box.again(delivery).state == "waiting"


def test_an_archive_that_takes_one_byte_at_a_time_gets_all_of_them(box: CourierBox, archive_folder: Any) -> None:
    delivery = box.owe(3000)
    with (
        store_scp(archive_folder) as archive,
        between(archive.port, lambda client, server: both_ways(client, server, 1 << 30, 1 << 30, piece=1)) as port,
    ):
        assert box.make(box.courier(port), delivery) == CONFIRMED
        assert archive.held() == {delivery.sop_instance_uid: 1}


def test_a_stop_cuts_a_transfer_and_the_next_start_sends_it(box: CourierBox, archive_folder: Any) -> None:
    delivery = box.owe(20_000_000)
    with store_scp(archive_folder) as archive:
        courier = box.courier(archive.port)
        cutting = threading.Timer(0.6, courier.cut)
        cutting.start()
        with pytest.raises(DistrictUnreachable):
            box.make(courier, delivery)
        with pytest.raises(DistrictUnreachable):
            box.make(courier, delivery)  # nothing is started any more
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED
        assert archive.held() == {delivery.sop_instance_uid: 1}


def test_a_program_that_is_killed_is_started_again(box: CourierBox, archive_folder: Any) -> None:
    import os
    import signal

    first, second = box.owe(), box.owe()
    with store_scp(archive_folder) as archive:
        courier = box.courier(archive.port)
        assert box.make(courier, first) == CONFIRMED
        assert courier.pid is not None
        os.kill(courier.pid, signal.SIGKILL)
        assert box.make(courier, second) == CONFIRMED


def test_an_archive_that_takes_one_association_at_a_time_is_not_down(box: CourierBox) -> None:
    large, small = box.owe(4_000_000), box.owe()
    arriving = threading.Event()

    def slowly(client: socket.socket, server: socket.socket) -> None:
        threading.Thread(target=relay, args=(server, client, 1 << 30), daemon=True).start()
        while relay(client, server, 16_384):
            arriving.set()
            time.sleep(0.01)

    verdicts: list[str] = []
    with made_up_archive(maximum_associations=1) as archive, between(archive.port, slowly) as port:
        one, other = box.courier(archive.port), box.courier(port)
        sending = threading.Thread(target=lambda: verdicts.append(box.make(other, large).outcome))
        sending.start()
        assert arriving.wait(10)
        assert box.make(one, small).outcome == "awaited"
        sending.join()
        assert verdicts == ["confirmed"]

        def stored() -> bool:
            try:
                return box.make(one, small) == CONFIRMED
            except DistrictUnreachable:
                return False

        wait_until(stored, "it is stored once the other association is released")


def test_an_archive_that_sends_without_end_fills_no_memory(box: CourierBox) -> None:
    def each(client: socket.socket, _server: socket.socket) -> None:
        client.recv(65536)
        client.sendall(bytes.fromhex("0200fffffff0"))  # an answer of 4 GB
        for _ in range(40_000):
            client.sendall(bytes(65_536))

    delivery = box.owe()
    with between(0, each) as port:
        courier = box.courier(port)
        with pytest.raises(DistrictUnreachable):
            box.make(courier, delivery)
        assert most_memory(courier.pid) < 400 << 20
