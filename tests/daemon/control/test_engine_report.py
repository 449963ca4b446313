"""What staff and `leapfrog status` learn about the engines."""

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
class FakeLane:
    """The part of a lane that the report looks at."""

    state: LaneState


@dataclass
class FakePool:
    """The part of a device pool that the report looks at."""

    known: tuple[DeviceState, ...]
    failure: DeviceFailure | None = None

    def states(self) -> tuple[DeviceState, ...]:
        return self.known


def report(
    *lanes: LaneState,
    devices: tuple[DeviceState, ...] = (),
    failure: DeviceFailure | None = None,
    edge_tpu_required: bool = False,
) -> EngineReport:
    fake_lanes: Any = [FakeLane(lane) for lane in lanes]
    pool: Any = FakePool(devices, failure)
    return engine_report(fake_lanes, pool, edge_tpu_required=edge_tpu_required)


def test_a_device_in_use_needs_no_attention() -> None:
    engines = report(LaneState("edgetpu"), devices=(DeviceState(PORT, proof=PROOF, in_use=True),))
    assert (engines.device, engines.attention) == ("edgetpu", ())
    assert [(device.path, device.state) for device in engines.edge_tpus] == [(PORT, "in use")]


def test_a_lost_device_is_reported_with_the_time_and_the_reason() -> None:
    lost = LostDevice(PORT, HUNG, AT_14_05)
    engines = report(LaneState("cpu", lost=lost), devices=(DeviceState(PORT, failure=HUNG),))
    (sentence,) = engines.attention
    assert sentence.startswith("Models run on the CPU since 14:05. no answer in time. Unplug the device")
    assert sentence.endswith("Leapfrog keeps trying by itself.")
    (device,) = engines.edge_tpus
    assert (device.state, device.remedy) == ("resting", FailureKind.HUNG.remedy)


def test_an_engine_that_fails_again_and_again_is_said_unless_another_lane_reads() -> None:
    broken = LaneState(broken=DeviceFailure(kind=FailureKind.ENDED, detail="It ended (status 1)."))
    assert report(broken, broken).broken == "No image can be read: no model runs. It ended (status 1)."
    assert report(broken, LaneState("cpu")).broken == ""
    assert report(LaneState()).broken == ""


def test_two_lanes_that_lost_one_device_say_so_once() -> None:
    lane = LaneState("cpu", lost=LostDevice(PORT, HUNG, AT_14_05))
    assert len(report(lane, lane).attention) == 1


def test_a_device_that_never_served_is_named() -> None:
    (sentence,) = report(LaneState("cpu"), devices=(DeviceState(PORT, failure=NOT_COMPILED),)).attention
    assert sentence.startswith("An Edge TPU is connected but not used. No model package")
    assert "keeps trying" not in sentence  # only a compiled package can help


@pytest.mark.parametrize(("required", "sentences"), [(True, 1), (False, 0)])
def test_a_missing_device_is_reported_only_where_one_is_required(required: bool, sentences: int) -> None:
    none = DeviceFailure(kind=FailureKind.NO_DEVICE, detail="No Edge TPU is connected.")
    assert len(report(LaneState("cpu"), failure=none, edge_tpu_required=required).attention) == sentences


def test_an_unplugged_device_is_listed_as_gone() -> None:
    gone = DeviceState(PORT, present=False, failure=HUNG)
    engines = report(LaneState("cpu"), devices=(gone, DeviceState(OTHER_PORT)))
    assert [device.state for device in engines.edge_tpus] == ["gone", "being proven"]
    assert engines.attention == ()


def test_a_device_without_a_lane_asks_for_a_restart() -> None:
    devices = (DeviceState(PORT, proof=PROOF, in_use=True), DeviceState(OTHER_PORT, proof=PROOF))
    (sentence,) = report(LaneState("edgetpu"), devices=devices).attention
    assert "restart Leapfrog" in sentence
    assert report(LaneState("cpu"), devices=devices[1:]).attention == ()  # the lane is about to take it
