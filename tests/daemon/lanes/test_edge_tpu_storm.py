"""Every failure of an Edge TPU, over and over in random order, while images come: none is lost, late or wrong.

The full dose, five hundred images and more, and each failure a hundred times, takes an hour on a quiet machine, since
every call has a second: `tests/run tests/daemon/lanes/test_edge_tpu_storm.py -n 0 -s --storm 100`.
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leapfrog.devices import pool, proof
from leapfrog.lanes import lane
from support.edge_tpu import EdgeTpuDouble, compile_package
from support.films import write_film
from support.processes import children_of
from support.reading_box import Box, running
from support.tiny_models import write_classifier
from support.waiting import wait_until

BEFORE_SERVICE = ("refuse", "too-new", "segfault-at-construction", "list-segfault")
AT_ANY_CALL = ("fail", "abort", "segfault", "hang", "exit", "wrong", "wrong-size", "slow 400")
PORTS = ("usb /sys/bus/usb/devices/2-1", "usb /sys/bus/usb/devices/2-2")
GONE, MOVED = "gone", "moved"
SMALL_DOSE = 1
IMAGES_PER_DOSE = 5
PROGRESS_EVERY = 50
KINDS_OF_FILMS = 4
DEADLINE_SECONDS = 1.0
DEADLINE_AMONG_OTHER_TESTS = 5.0  # which take the processor's time
LONGEST_STALL_BEYOND = 2.0
MOST_GROWTH_KIB = 30_000
TAKEN_WITHIN_SECONDS = 30.0


class Storm(threading.Thread):
    """Causes failures, each after the one before was noticed, and every second one only once the device is in use."""

    def __init__(self, box: Box, edge_tpu: EdgeTpuDouble, dose: int) -> None:
        super().__init__(name="storm", daemon=True)
        self._box = box
        self._edge_tpu = edge_tpu
        self._chance = random.Random(0)
        self._failures = [*BEFORE_SERVICE, *AT_ANY_CALL, GONE, MOVED] * dose
        self._chance.shuffle(self._failures)
        self._to_serve_first = False
        self.met: dict[str, int] = {}
        self.total = len(self._failures)

    @property
    def done(self) -> int:
        return sum(self.met.values())

    @property
    def waits_for_an_image(self) -> bool:
        return self._to_serve_first or (self._edge_tpu.is_pending and self._serves())

    def run(self) -> None:
        port = 0
        for failure in self._failures:
            if failure in (GONE, MOVED) or (failure in AT_ANY_CALL and self._chance.random() < 0.5):
                self._let_it_serve()
            if failure == GONE:
                self._edge_tpu.plug_in()
                self._bring_about("abort")
                self._edge_tpu.plug_in(PORTS[port])
            elif failure == MOVED:
                port = 1 - port
                self._edge_tpu.plug_in(PORTS[port])
                self._bring_about("abort")
            else:
                self._bring_about(failure)
            self.met[failure] = self.met.get(failure, 0) + 1
            if self.done % PROGRESS_EVERY == 0:
                print(f"{self.done} of {self.total} failures")
        self._edge_tpu.always("")

    def _serves(self) -> bool:
        return self._box.lane.state.device == "edgetpu"

    def _let_it_serve(self) -> None:
        """Wait until the device has read an image: each is run twice."""
        wait_until(self._serves, "the device serves", deadline_seconds=60)
        before, self._to_serve_first = self._edge_tpu.calls, True
        wait_until(lambda: self._edge_tpu.calls >= before + 2, "it reads an image", deadline_seconds=60)
        self._to_serve_first = False

    def _bring_about(self, word: str) -> None:
        """Have the next call end so. One that nobody meets, since nobody calls, is taken away again."""
        self._edge_tpu.next(word)
        deadline = time.monotonic() + TAKEN_WITHIN_SECONDS
        while self._edge_tpu.is_pending and time.monotonic() < deadline:
            time.sleep(0.01)
        self._edge_tpu.take_back()


@pytest.fixture
def dose(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--storm") or SMALL_DOSE


@pytest.fixture
def deadline_seconds(request: pytest.FixtureRequest) -> float:
    return DEADLINE_SECONDS if request.config.getoption("--storm") else DEADLINE_AMONG_OTHER_TESTS


@pytest.fixture
def box(
    edge_tpu: EdgeTpuDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deadline_seconds: float
) -> Iterator[Box]:
    """A box that tries a device again at once, so that it meets many failures."""
    times = {
        "FIRST_PAUSE_SECONDS": 0.05,
        "LONGEST_PAUSE_SECONDS": 0.1,
        "LOOK_SECONDS": 0.05,
        "ASK_SECONDS": 0.3,
    }
    for name, value in times.items():
        monkeypatch.setattr(pool, name, value)
    monkeypatch.setattr(pool, "prove", partial(proof.prove, seconds=4.0))
    monkeypatch.setattr(lane, "START_SECONDS", 4.0)
    package = compile_package(write_classifier(tmp_path / "packages"))
    edge_tpu.plug_in(PORTS[0])
    edge_tpu.always("refuse")  # until the processor has given the right answer
    made = Box(tmp_path, deadline_seconds=deadline_seconds, packages=[package], on_edge_tpu=True)
    with running(made):
        yield made


def read(box: Box, folder: Path, number: int) -> tuple[float, dict[str, Any]]:
    """Read a film of that kind. Returns the seconds that it took, and what the report says."""
    gray = 40 + 50 * (number % KINDS_OF_FILMS)
    film = write_film(folder / "film.dcm", np.full((400, 300), gray, np.uint8))
    began = time.monotonic()
    instance_id = box.add_image(study_uid=f"2.25.{number + 1}", content=film)
    box.wait_for_state(instance_id, "read")
    taken = time.monotonic() - began
    (reading,) = box.studies.readings(box.record(instance_id).study_key)
    return taken, reading.model_dump(include={"findings", "model", "outcome"})


@pytest.mark.timeout(7200)
def test_a_storm_of_failures_loses_nothing(
    box: Box, edge_tpu: EdgeTpuDouble, tmp_path: Path, dose: int, deadline_seconds: float
) -> None:
    expected = [read(box, tmp_path, number)[1] for number in range(KINDS_OF_FILMS)]
    assert {one["model"]["device"] for one in expected} == {"cpu"}
    edge_tpu.always("")
    storm = Storm(box, edge_tpu, dose)
    images, stalls, devices = IMAGES_PER_DOSE * dose, [], []
    memory, processes = resident_kib(), len(children_of(os.getpid()))
    storm.start()
    number = 0
    while number < images or storm.is_alive():
        if storm.waits_for_an_image or number < images * (storm.done + 1) / storm.total or not storm.is_alive():
            taken, said = read(box, tmp_path, KINDS_OF_FILMS + number)
            stalls.append(taken)
            devices.append(said["model"].pop("device"))
            wanted = expected[number % KINDS_OF_FILMS]
            assert said["findings"] == wanted["findings"]
            number += 1
        else:
            time.sleep(0.02)
    assert storm.met == dict.fromkeys((*BEFORE_SERVICE, *AT_ANY_CALL, GONE, MOVED), dose)
    assert set(devices) == {"cpu", "edgetpu"}
    assert max(stalls) < deadline_seconds + LONGEST_STALL_BEYOND
    assert len(children_of(os.getpid())) <= processes + 2  # a proof and its engine host may be going on
    assert resident_kib() - memory < MOST_GROWTH_KIB
    counts = box.journal.counts("instances")
    assert counts["read"] == KINDS_OF_FILMS + number
    print(
        f"\n{number} images, {storm.done} failures; longest stall {max(stalls):.2f} s; {devices.count('edgetpu')} on it"
    )


def resident_kib() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
