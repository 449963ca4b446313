"""The state of a lane, for status and the like."""

from dataclasses import dataclass

from leapfrog.lanes.host_plan import LostDevice
from leapfrog.processes.device_failures import DeviceFailure

STARTING = "starting"


@dataclass(frozen=True)
class LaneState:
    """The state of a lane. `device` is "starting" until the models have answered, then cpu or edgetpu. `since` is the
    time.time() of the last change. `lost` is the Edge TPU that the processor has replaced; `broken`: why nothing is
    read, although it is tried again and again.
    """

    device: str = STARTING
    runtime: str = ""
    since: float = 0.0
    lost: LostDevice | None = None
    broken: DeviceFailure | None = None
