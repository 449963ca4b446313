"""What the lanes run their models on, and what staff should know about it."""

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
    """`device` is what models run on now; `attention` holds sentences for staff."""

    device: str
    edge_tpus: tuple[EdgeTpuReport, ...] = ()
    attention: tuple[str, ...] = ()


def engine_report(lanes: Sequence[Lane], devices: DevicePool | None, *, wanted: bool) -> EngineReport:
    """The state now. If the settings ask for an Edge TPU (`wanted`), staff are told when there is none."""
    states = [lane.state for lane in lanes]
    known = devices.states() if devices else ()
    return EngineReport(
        device=", ".join(dict.fromkeys(state.device for state in states)),
        edge_tpus=tuple(map(_report, known)),
        attention=tuple(dict.fromkeys(_attention(states, known, devices.failure if devices and wanted else None))),
    )


def _report(state: DeviceState) -> EdgeTpuReport:
    failure = state.failure
    detail, remedy = (failure.detail, failure.remedy) if failure else ("", "")
    return EdgeTpuReport(path=state.path, state=_word(state), detail=detail, remedy=remedy)


def _word(state: DeviceState) -> str:
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
            sentences.append(f"Models run on the CPU since {since}. {_explanation(lane.lost.failure)}")
    for device in devices:
        told_already = device.in_use or device.path in lost
        if device.present and device.failure is not None and not told_already:
            sentences.append(f"An Edge TPU is connected but not used. {_explanation(device.failure)}")
    if any(device.is_free for device in devices) and all(lane.device == "edgetpu" for lane in lanes):
        sentences.append("An Edge TPU was plugged in but is not used yet: restart Leapfrog.")
    if missing is not None and not sentences and not any(device.in_use for device in devices):
        sentences.append(f"Models run on the CPU. {_explanation(missing)}")
    return sentences


def _explanation(failure: DeviceFailure) -> str:
    retried = "" if failure.kind is FailureKind.NOT_COMPILED else " Leapfrog tries it again by itself."
    return f"{failure.detail} {failure.remedy}{retried}"
