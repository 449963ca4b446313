"""`leapfrog export` and `leapfrog import` as commands, also while the daemon runs."""

import json
from pathlib import Path

import pytest

from leapfrog.state.actions.files import ACTIONS_NAME
from support.kiosk import Kiosk
from support.stick_box import StickBox


@pytest.fixture
def box(tmp_path: Path) -> StickBox:
    return StickBox(tmp_path)


@pytest.fixture
def kiosk(box: StickBox) -> Kiosk:
    """The daemon on the state of `box`."""
    kiosk = Kiosk(
        box.directory,
        station={"state_dir": str(box.state_dir)},
        district={"public_key": str(box.key.public)},
    )
    return kiosk


def test_a_stick_goes_out_and_comes_back_while_the_box_runs(box: StickBox, kiosk: Kiosk) -> None:
    uids = box.owe(3)
    kiosk.start()
    try:
        _out_and_back(box, kiosk, uids)
    finally:
        kiosk.stop()


def _out_and_back(box: StickBox, kiosk: Kiosk, uids: list[str]) -> None:
    stick = box.stick()
    done = kiosk.command("export", str(stick), "--json", "--kind", "original")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["objects"] == 3
    assert list(box.give_receipts(stick).contents) == uids
    done = kiosk.command("import", str(stick))
    assert done.returncode == 0, done.stderr
    assert "Confirmed by the district: 3 objects" in done.stdout
    status = json.loads(kiosk.command("status", "--json").stdout)
    assert status["outbox"]["destinations"][0]["deliveries"]["confirmed"] == 3
    checks = {one["name"]: one for one in json.loads(kiosk.command("doctor", "--json").stdout)["checks"]}
    assert checks["sticks for district"]["status"] == "ok"
    assert " wait; the last one was written at" in checks["sticks for district"]["detail"]
    assert not [name for name in checks if name.startswith("district")], "nobody is asked over a link"
    refused = kiosk.command("sync")
    assert (refused.returncode, "leapfrog export" in refused.stderr) == (2, True)
    log = "".join(file.read_text() for file in (box.state_dir / ACTIONS_NAME).iterdir())
    assert "3 objects of 3 exams for district" in log
    assert "1 receipt, 3 objects confirmed" in log


def test_a_failure_is_a_sentence_and_exit_status_1(box: StickBox, kiosk: Kiosk) -> None:
    box.owe(1)
    done = kiosk.command("export", str(box.directory / "nowhere"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("leapfrog: There is no folder")
    empty = kiosk.command("import", str(box.stick()))
    assert (empty.returncode, "no receipts" in empty.stdout) == (1, True)
    assert kiosk.command("export", str(box.stick()), "--kind", "film").returncode == 2
