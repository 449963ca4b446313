"""The program that speaks to archives: what it says of patients, what memory it takes, and how it ends."""

import logging
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from leapfrog.dicom.encoding import EXPLICIT_LITTLE
from leapfrog.dicom.part10 import file_head
from leapfrog.outbox.courier import CONFIRMED
from support.archives import SECONDARY_CAPTURE, query_scp, store_scp
from support.between import between, relay
from support.courier_box import CourierBox, most_memory
from support.owed import PATIENT_NAME

MEGABYTES = 40


def test_nothing_of_a_patient_is_logged_whatever_happens(
    box: CourierBox, archive_folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    delivery = box.owe()
    box.deliveries.ask_before_sending()
    with query_scp(archive_folder) as archive:
        courier = box.courier(archive.port)
        assert box.make(courier, delivery) == CONFIRMED
        archive.kill()
        with pytest.raises(Exception, match=r"cannot be reached|broke off"):
            box.make(courier, box.owe())
        courier.close()
    printed = capfd.readouterr()
    for text in (caplog.text, printed.out, printed.err):
        assert PATIENT_NAME not in text and delivery.sop_instance_uid not in text


def test_a_large_image_passes_through_piece_by_piece(box: CourierBox, archive_folder: Path) -> None:
    uid, count = "2.25.4711", MEGABYTES << 20
    head = file_head(SECONDARY_CAPTURE.encode(), uid.encode(), b"1.2.840.10008.1.2.1")
    elements = EXPLICIT_LITTLE.element(0x00080016, b"UI", SECONDARY_CAPTURE.encode())
    elements += EXPLICIT_LITTLE.element(0x00080018, b"UI", uid.encode())
    pixels = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, count)
    delivery = box.owe_bytes(head + elements + pixels + bytes(count), uid)

    def with_a_pause(client: socket.socket, server: socket.socket) -> None:
        threading.Thread(target=relay, args=(server, client, 1 << 30), daemon=True).start()
        relay(client, server, 1_000_000)
        time.sleep(0.5)
        relay(client, server, 1 << 30)

    with store_scp(archive_folder) as archive, between(archive.port, with_a_pause) as port:
        courier = box.courier(port)
        assert box.make(courier, box.owe()) == CONFIRMED
        before = most_memory(courier.pid)
        assert box.make(courier, delivery) == CONFIRMED
        assert most_memory(courier.pid) - before < 4 << 20
        (arrived,) = [path for path in archive.files() if uid in path.name]
        assert arrived.stat().st_size > count


def test_a_damaged_file_never_arrives_whole(box: CourierBox, archive_folder: Path) -> None:
    delivery = box.owe(200_000)
    path = box.spool.path(delivery.spool_name or "")
    content = bytearray(path.read_bytes())
    content[150_000] ^= 1
    path.write_bytes(content)
    box.journal.change("UPDATE deliveries SET file_digest = 'xxh3-128:00' WHERE file_digest = ''")
    with store_scp(archive_folder) as archive:
        verdict = box.make(box.courier(archive.port), delivery)
        assert verdict.outcome == "refused" and "damaged" in verdict.reason
        assert archive.held() == {}


def test_it_reaches_neither_journal_nor_spool_nor_pixels_of_ours() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import leapfrog.dimse.store, sys; print('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    ours = [name for name in loaded if name.startswith("leapfrog.")]
    assert not [name for name in ours if name.split(".")[1] in ("state", "reader", "intake", "outbox", "spool_file")]
    assert "sqlite3" not in loaded


def test_without_a_parent_it_does_not_start(tmp_path: Path) -> None:
    done: Any = subprocess.run(
        [sys.executable, "-m", "leapfrog.dimse.store", "--fd", "0", "--parent", "1"],
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode != 0
