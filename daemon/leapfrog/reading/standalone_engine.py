"""An engine host outside of a lane: to try a model before it is installed, and to measure one where it is made.

Runs in a reader, and on the training machine.
"""

import os
import socket
import sys
import weakref
from types import TracebackType
from typing import Self

from leapfrog.errors import EngineError
from leapfrog.reading import engine_host
from leapfrog.reading.child_process import ChildProcess
from leapfrog.reading.engine_client import EngineClient


class StandaloneEngine:
    """An engine host of one's own, as the kiosk starts it. It ends with this object, at the latest."""

    def __init__(self, python: str = sys.executable) -> None:
        """Start a host under the interpreter `python`. Raises EngineError when it cannot be started."""
        ours, theirs = socket.socketpair()
        command = [python, "-I", engine_host.__file__, "--fd", str(theirs.fileno()), "--parent", str(os.getpid())]
        self.client = EngineClient(ours)
        try:
            host = ChildProcess("engine host", command, theirs, may_log=True)
        except OSError as problem:
            self.client.close()
            raise EngineError(f"{python} cannot be started: {problem.strerror}.") from problem
        self.close = weakref.finalize(self, _end, self.client, host)

    def __enter__(self) -> Self:
        """Use it for a while."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the host."""
        self.close()


def _end(client: EngineClient, host: ChildProcess) -> None:
    client.close()
    host.kill()
    host.end()
