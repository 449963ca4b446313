"""A whole box whose watched folder hangs: it starts, receives, says so, and stops, as if nothing were the matter."""

import time
from pathlib import Path

import pytest

from support.faulty_folder import FaultyFolder, why_not
from support.kiosk import Kiosk
from support.raw_peer import RawPeer, data_set, store_command
from support.waiting import wait_until

STOP_SECONDS = 20.0  # systemd waits a minute (systemd/leapfrog.service)


@pytest.mark.root
def test_a_box_whose_folder_hangs_starts_receives_and_stops(tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    with FaultyFolder(tmp_path / "faulty") as share:
        share.fail("*", "hang")
        kiosk = Kiosk(tmp_path / "box", folder={"paths": [str(share.mount)], "settle_seconds": 0.2})
        with kiosk:
            with RawPeer(kiosk.port) as peer:
                peer.associate()
                assert peer.store(store_command("1.2.3"), data_set("1.2.3")) == 0x0000
            wait_until(lambda: "does not answer" in kiosk.log(), "it is named", deadline_seconds=90)
            started = time.monotonic()
            assert kiosk.stop() == 0
            assert time.monotonic() - started < STOP_SECONDS
            without = kiosk.command("doctor", timeout_seconds=60)
            assert f"The watched folder {share.mount} cannot be read: it does not answer." in without.stdout
            share.behave()  # only now can the kernel end the child
