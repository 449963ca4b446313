"""A box with an Edge TPU that drops out and comes back, as its staff see it. A double of libedgetpu stands for it."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from support import dcmtk
from support.edge_tpu import EdgeTpuDouble, compile_package
from support.films import write_film
from support.kiosk import Kiosk
from support.tiny_models import write_classifier
from support.waiting import wait_until

FIRST_PORT, SECOND_PORT = "usb /sys/bus/usb/devices/2-1", "usb /sys/bus/usb/devices/2-2"


@pytest.fixture
def kiosk(edge_tpu: EdgeTpuDouble, tmp_path: Path) -> Iterator[Kiosk]:
    package = compile_package(write_classifier(tmp_path / "packages"))
    edge_tpu.plug_in(FIRST_PORT)
    box = Kiosk(tmp_path / "kiosk", engine={"device": "auto", "threads": 0}, models={"paths": [str(package)]})
    with box:
        yield box
        assert box.stop() == 0
    assert "Traceback" not in box.log()


def wait_for_device(kiosk: Kiosk, device: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        status = kiosk.status()
        return status if status["device"] == device else None

    return wait_until(look, f"the box reads on {device}", deadline_seconds=60)


def device_of_another_film(kiosk: Kiosk, folder: Path) -> str:
    """Send a film; what the report of it says that it was read on."""
    film = write_film(folder / "film.dcm")
    uid = str(dcmread(film).SOPInstanceUID)
    assert dcmtk.store(kiosk.port, [film]).statuses == ["Success"]

    def look() -> str | None:
        images = [image for report in kiosk.reports() for image in report["images"]]
        return next((str(one["model"]["device"]) for one in images if one["sop_instance_uid"] == uid), None)

    return wait_until(look, "the film's report", deadline_seconds=60)


def doctors_word(kiosk: Kiosk) -> tuple[str, str]:
    """What `leapfrog doctor` says of the device, which it must leave to the daemon."""
    told = subprocess.run(kiosk.command_line("doctor", "--json"), capture_output=True, check=False)
    (check,) = [check for check in json.loads(told.stdout)["checks"] if check["name"].startswith("proof")]
    return check["status"], check["detail"]


def worklist(kiosk: Kiosk) -> str:
    return (kiosk.reports_dir / "index.html").read_text(encoding="utf-8")


def test_staff_see_what_is_read_on_while_a_device_drops_out_and_comes_back(
    kiosk: Kiosk, edge_tpu: EdgeTpuDouble, tmp_path: Path
) -> None:
    wait_for_device(kiosk, "edgetpu")
    assert device_of_another_film(kiosk, tmp_path) == "edgetpu"
    assert doctors_word(kiosk) == ("ok", "The daemon reports: in use.")

    edge_tpu.plug_in()
    edge_tpu.next("abort")
    assert device_of_another_film(kiosk, tmp_path) == "cpu"
    (found,) = wait_for_device(kiosk, "cpu")["attention"]
    assert re.match(r"Models run on the CPU since \d\d:\d\d\. ", found["what"])
    assert found["for_staff"].startswith("Exams may be read more slowly than usual")
    wait_until(lambda: found["for_staff"] in worklist(kiosk), "the worklist says so, in the words of staff")

    edge_tpu.plug_in(SECOND_PORT)
    status = wait_for_device(kiosk, "edgetpu")
    assert [device["state"] for device in status["edge_tpus"]] == ["gone", "in use"]
    assert device_of_another_film(kiosk, tmp_path) == "edgetpu"
    assert kiosk.status()["attention"] == []
    assert (kiosk.state_dir / "engine.json").exists() == (len(os.sched_getaffinity(0)) > 1)
    wait_until(lambda: "more slowly" not in worklist(kiosk), "the worklist says no more of it")
