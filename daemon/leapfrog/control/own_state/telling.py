"""All that tells others how this box is: what it says of itself, where that goes, and the file for Prometheus."""

from collections.abc import Callable

from leapfrog.control.own_state.metrics import MetricsWriter
from leapfrog.control.own_state.own_state import OwnState
from leapfrog.control.status import StatusSource
from leapfrog.outbox.outbox import Outbox
from leapfrog.outbox.own_state.sender import StateSender
from leapfrog.packages.catalogue import Catalogue
from leapfrog.parts import Watched
from leapfrog.state.journal import Journal
from leapfrog.state.station.station_key import StationKey


class Telling:
    """Of the running daemon; `sender` and `metrics` are parts with a thread of their own."""

    def __init__(
        self,
        *,
        journal: Journal,
        source: StatusSource,
        outbox: Outbox,
        models: Callable[[], Catalogue],
        station_key: Callable[[], StationKey | None],
    ) -> None:
        """As of an OwnState. It is sent in the sync windows of `outbox`, and shares the link with what that sends."""
        own_state = OwnState(journal=journal, source=source, models=models, station_key=station_key)
        self.signed = own_state.signed
        self.sender = StateSender(
            source.settings,
            own_state.signed,
            windows=outbox.windows,
            throttle=outbox.throttle,
            precedence=outbox.precedence,
        )
        self.metrics = MetricsWriter(own_state, source.settings.state_dir)

    def news(self) -> None:
        """Something else needs attention than before. Returns at once."""
        self.sender.news()
        self.metrics.wake()

    def parts(self) -> list[Watched]:
        """What runs."""
        return [Watched("own state", self.sender), Watched("metrics", self.metrics)]
