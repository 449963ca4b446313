"""What staff and `leapfrog status` are told of the engines."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from leapfrog.control.engine_report import EngineReport, engine_report
from leapfrog.devices.pool import DeviceState
from leapfrog.lanes.host_plan import LostDevice
from leapfrog.lanes.lane_state import LaneState
from leapfrog.processes.device_failures import DeviceFailure, DeviceProof, FailureKind

PORT, OTHER_PORT = "/sys/bus/usb/devices/2-1", "/sys/bus/usb/devices/2-2"
HUNG = DeviceFailure(kind=FailureKind.HUNG, detail="no answer in time.")
NOT_COMPILED = DeviceFailure(kind=FailureKind.NOT_COMPILED, detail="No model package has a model for the Edge TPU.")
PROOF = DeviceProof(device="usb:0")
AT_14_05 = time.mktime((2026, 11, 5, 14, 5, 0, 0, 0, -1))


@dataclass
class Standing:
    """A lane as far as it is looked at."""

    state: LaneState


@dataclass
class Devices:
    """A pool as far as it is looked at."""

    known: tuple[DeviceState, ...]
    failure: DeviceFailure | None = None

    def states(self) -> tuple[DeviceState, ...]:
        return self.known


def report(
    *lanes: LaneState, devices: tuple[DeviceState, ...] = (), failure: DeviceFailure | None = None, wanted: bool = False
) -> EngineReport:
    standing: Any = [Standing(lane) for lane in lanes]
    pool: Any = Devices(devices, failure)
    return engine_report(standing, pool, wanted=wanted)


def test_a_device_in_use_needs_no_word() -> None:
    said = report(LaneState("edgetpu"), devices=(DeviceState(PORT, proof=PROOF, in_use=True),))
    assert (said.device, said.attention) == ("edgetpu", ())
    assert [(one.path, one.state) for one in said.edge_tpus] == [(PORT, "in use")]


def test_the_processor_stands_in_since_a_time_and_for_a_reason() -> None:
    lost = LostDevice(PORT, HUNG, AT_14_05)
    said = report(LaneState("cpu", lost=lost), devices=(DeviceState(PORT, failure=HUNG),))
    (sentence,) = said.attention
    assert sentence.startswith("Models run on the CPU since 14:05. no answer in time. Unplug the device")
    assert sentence.endswith("Leapfrog tries it again by itself.")
    (device,) = said.edge_tpus
    assert (device.state, device.remedy) == ("resting", FailureKind.HUNG.remedy)


def test_two_lanes_that_lost_one_device_say_so_once() -> None:
    lane = LaneState("cpu", lost=LostDevice(PORT, HUNG, AT_14_05))
    assert len(report(lane, lane).attention) == 1


def test_a_device_that_never_served_is_named() -> None:
    (sentence,) = report(LaneState("cpu"), devices=(DeviceState(PORT, failure=NOT_COMPILED),)).attention
    assert sentence.startswith("An Edge TPU is connected but not used. No model package")
    assert "tried again" not in sentence  # nothing would change


@pytest.mark.parametrize(("wanted", "words"), [(True, 1), (False, 0)])
def test_no_device_is_worth_a_word_where_one_is_wanted(wanted: bool, words: int) -> None:
    none = DeviceFailure(kind=FailureKind.NO_DEVICE, detail="No Edge TPU is there.")
    assert len(report(LaneState("cpu"), failure=none, wanted=wanted).attention) == words


def test_a_device_that_went_is_listed_as_gone() -> None:
    gone = DeviceState(PORT, present=False, failure=HUNG)
    said = report(LaneState("cpu"), devices=(gone, DeviceState(OTHER_PORT)))
    assert [one.state for one in said.edge_tpus] == ["gone", "being proven"]
    assert said.attention == ()


def test_one_device_more_than_there_are_lanes_asks_for_a_restart() -> None:
    devices = (DeviceState(PORT, proof=PROOF, in_use=True), DeviceState(OTHER_PORT, proof=PROOF))
    (sentence,) = report(LaneState("edgetpu"), devices=devices).attention
    assert "restart Leapfrog" in sentence
    assert report(LaneState("cpu"), devices=devices[1:]).attention == ()  # the lane is about to take it
