"""Free ports for servers that tests start."""

import random
import socket

# Below those that the kernel gives to connections (ip_local_port_range, from 32768 on): one of these would be taken
# until the server starts, or stay taken for a minute after such a connection has ended.
LOWEST, HIGHEST = 15_000, 32_000
TRIES = 1000

_given: set[int] = set()


def free_port() -> int:
    """A TCP port that nothing listens on now, on any interface, and that this process has not given yet."""
    for _ in range(TRIES):
        port = random.SystemRandom().randint(LOWEST, HIGHEST)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"There is no free port between {LOWEST} and {HIGHEST}.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True
