"""Which device the lanes read on, and what staff should know about it."""

import time
from collections.abc import Sequence

from leapfrog.devices.pool import DevicePool, DeviceState
from leapfrog.exam import Frozen
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.lane_state import LaneState
from leapfrog.processes.device_failures import DeviceFailure, FailureKind


class EdgeTpuReport(Frozen):
    """An Edge TPU for `leapfrog status --json`: `in use`, `proven`, `being proven`, `resting` or `gone`."""

    path: str
    state: str
    detail: str = ""
    remedy: str = ""


class EngineReport(Frozen):
    """`device` is what the lanes read on now, `since` when (seconds since 1970, 0 where nobody knows); `attention` has
    sentences for staff. `broken`: why no lane reads anything, "" where one does.
    """

    device: str
    since: float = 0.0
    edge_tpus: tuple[EdgeTpuReport, ...] = ()
    attention: tuple[str, ...] = ()
    broken: str = ""


def engine_report(lanes: Sequence[Lane], devices: DevicePool | None, *, edge_tpu_required: bool) -> EngineReport:
    """The state now. With `edge_tpu_required`, because the settings ask for an Edge TPU, a missing one is reported."""
    states = [lane.state for lane in lanes]
    device_states = devices.states() if devices else ()
    missing = devices.failure if devices and edge_tpu_required else None
    return EngineReport(
        device=", ".join(dict.fromkeys(state.device for state in states)),
        since=max((state.since for state in states), default=0.0),
        edge_tpus=tuple(map(_edge_tpu_report, device_states)),
        attention=tuple(dict.fromkeys(_attention(states, device_states, missing))),
        broken=_broken(states),
    )


def _broken(lanes: Sequence[LaneState]) -> str:
    failures = [lane.broken for lane in lanes if lane.broken is not None]
    if not lanes or len(failures) < len(lanes):
        return ""
    return f"No image can be read: no model runs. {failures[0].detail}"


def _edge_tpu_report(state: DeviceState) -> EdgeTpuReport:
    failure = state.failure
    detail, remedy = (failure.detail, failure.remedy) if failure else ("", "")
    return EdgeTpuReport(path=state.path, state=_state_name(state), detail=detail, remedy=remedy)


def _state_name(state: DeviceState) -> str:
    if not state.present:
        return "gone"
    if state.in_use:
        return "in use"
    if state.proof is not None:
        return "proven"
    return "resting" if state.failure is not None else "being proven"


def _attention(lanes: Sequence[LaneState], devices: Sequence[DeviceState], missing: DeviceFailure | None) -> list[str]:
    sentences = []
    lost = {lane.lost.path for lane in lanes if lane.lost is not None}
    for lane in lanes:
        if lane.lost is not None and lane.device != "edgetpu":
            since = time.strftime("%H:%M", time.localtime(lane.lost.at))
            sentences.append(f"Models run on the CPU since {since}. {_what_to_do(lane.lost.failure)}")
    for device in devices:
        reported_above = device.path in lost
        if device.failure is not None and device.present and not device.in_use and not reported_above:
            sentences.append(f"An Edge TPU is connected but not used. {_what_to_do(device.failure)}")
    if any(device.is_free for device in devices) and all(lane.device == "edgetpu" for lane in lanes):
        sentences.append("An Edge TPU is connected but no lane uses it yet: restart Leapfrog.")
    if missing is not None and not sentences and not any(device.in_use for device in devices):
        sentences.append(f"Models run on the CPU. {_what_to_do(missing)}")
    return sentences


def _what_to_do(failure: DeviceFailure) -> str:
    retried = failure.kind is not FailureKind.NOT_COMPILED
    return f"{failure.detail} {failure.remedy}" + (" Leapfrog keeps trying by itself." if retried else "")
