"""What is being measured now, for whoever waits."""

import time

from rich.console import Console


class Progress:
    """Lines with the time since the start."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console
        self._began = time.monotonic()

    def say(self, sentence: str) -> None:
        """Print one line."""
        self._console.print(f"[dim]{time.monotonic() - self._began:6.0f} s[/dim]  {sentence}", highlight=False)
