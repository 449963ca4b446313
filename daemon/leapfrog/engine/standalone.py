"""An engine host without a lane, for trying a model before it is installed and for measuring it during training."""

import socket
import sys
import weakref
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from leapfrog.engine.client import EngineClient
from leapfrog.errors import EngineError
from leapfrog.processes.child_process import ChildProcess
from leapfrog.processes.command_lines import engine_host


class StandaloneEngine(AbstractContextManager["StandaloneEngine"]):
    """An engine host started just as on the kiosk. It ends when this object is closed or goes away."""

    def __init__(self, models: Iterable[Path], python: str = sys.executable, options: Sequence[str] = ()) -> None:
        """Start a host under the interpreter `python` that may read the folders `models`, with additional command-line
        `options`.

        Raises EngineError when it cannot be started.
        """
        ours, theirs = socket.socketpair()
        command = engine_host(python, "--fd", str(theirs.fileno()), *options, models=models)
        self.client = EngineClient(ours)
        try:
            self._host = ChildProcess("engine host", command, theirs, may_log=True)
        except OSError as problem:
            self.client.close()
            raise EngineError(f"{python} cannot be started: {problem.strerror}.") from problem
        self.close = weakref.finalize(self, _end, self.client, self._host)

    def ended_by(self) -> int | None:
        """The signal that killed the host, known once it is closed. None if it ended otherwise or we killed it."""
        return self._host.signal

    def __exit__(self, *_error: object) -> None:
        """End the host."""
        self.close()


def _end(client: EngineClient, host: ChildProcess) -> None:
    client.close()  # the host ends with its connection
    host.end()
