"""How long a courier waits for a server."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for the server."""

    connect_seconds: float = 10.0  # for each of its addresses
    send_seconds: float = 40.0  # for the network to accept one chunk of a body
    query_seconds: float = 60.0  # for the answer to a query
    answer_seconds: float = 300.0  # for the answer to an instance, which the server may have to store first
