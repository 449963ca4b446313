"""How a lane stands, for whoever asks."""

from dataclasses import dataclass

from leapfrog.lanes.host_plan import LostDevice

STARTING = "starting"


@dataclass(frozen=True)
class LaneState:
    """How a lane stands. `device` is cpu or edgetpu once its models have answered, before that "starting"; `since` is
    the time.time() of the last change. The restarts count from the daemon's start. `lost` is the Edge TPU in whose
    place the processor reads now.
    """

    device: str = STARTING
    runtime: str = ""
    since: float = 0.0
    reader_restarts: int = 0
    engine_restarts: int = 0
    last_failure: str = ""
    lost: LostDevice | None = None
