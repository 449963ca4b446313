"""What the lanes read on, and what staff should know of it."""

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
    """`device` is what is read on now; `attention` holds sentences for staff."""

    device: str
    edge_tpus: tuple[EdgeTpuReport, ...] = ()
    attention: tuple[str, ...] = ()


def engine_report(lanes: Sequence[Lane], devices: DevicePool | None, *, wanted: bool) -> EngineReport:
    """The state now. `wanted` says that the settings ask for an Edge TPU, so that its absence is worth a word."""
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
    said = []
    lost = {lane.lost.path for lane in lanes if lane.lost is not None}
    for lane in lanes:
        if lane.lost is not None and lane.device != "edgetpu":
            since = time.strftime("%H:%M", time.localtime(lane.lost.at))
            said.append(f"Reading on the CPU since {since}. {_words(lane.lost.failure)}")
    for device in devices:
        is_news = device.failure is not None and device.path not in lost and not device.in_use
        if device.present and device.failure is not None and is_news:
            said.append(f"An Edge TPU is there and is not used. {_words(device.failure)}")
    if any(device.is_free for device in devices) and all(lane.device == "edgetpu" for lane in lanes):
        said.append("An Edge TPU was plugged in that nothing uses yet: restart Leapfrog.")
    if missing is not None and not said and not any(device.in_use for device in devices):
        said.append(f"Reading on the CPU. {_words(missing)}")
    return said


def _words(failure: DeviceFailure) -> str:
    told = "" if failure.kind is FailureKind.NOT_COMPILED else " It is tried again by itself."
    return f"{failure.detail} {failure.remedy}{told}"
