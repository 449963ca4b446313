"""How a lane stands, for whoever asks."""

from dataclasses import dataclass

from leapfrog.lanes.host_plan import LostDevice

STARTING = "starting"


@dataclass(frozen=True)
class LaneState:
    """How a lane stands. `device` is cpu or edgetpu once its models have answered, before that "starting"; `since` is
    the time.time() of the last change. `lost` is the Edge TPU in whose place the processor reads now.
    """

    device: str = STARTING
    runtime: str = ""
    since: float = 0.0
    lost: LostDevice | None = None
