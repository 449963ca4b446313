"""Clocks that a test moves."""

from datetime import datetime, timedelta


class Clocks:
    """A wall clock and a monotonic clock that a test moves together or apart."""

    def __init__(self, text: str = "2026-03-04T10:00:00") -> None:
        """The wall clock stands at `text`, ISO, in local time where it names no other."""
        self.wall = datetime.fromisoformat(text)
        if self.wall.tzinfo is None:
            self.wall = self.wall.astimezone()
        self.seconds = 1000.0

    def now(self) -> datetime:
        """What the wall clock shows."""
        return self.wall

    def monotonic(self) -> float:
        """What the monotonic clock shows, in seconds."""
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        """Time passes, on both clocks."""
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds
