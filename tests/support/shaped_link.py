"""A slow link: a cable between two network namespaces, the box's and the district's, which carries so many bits a
second each way (tc-tbf(8)) and has a queue like that of a modem before it.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.namespaces import entered, ip, namespaces, within

BOX, DISTRICT = "10.78.1.1", "10.78.1.2"
BITS_PER_SECOND = 64_000
# A modem holds seconds of what it cannot send yet.
QUEUE_SECONDS = 4.0
BURST_BYTES = 1_600
# What loses nothing until a queue is full: the kernel's default nearly everywhere (cubic), or what is nearest to it.
CONGESTION_CONTROLS = ("cubic", "reno")


@dataclass(frozen=True)
class ShapedLink:
    """The two namespaces' names."""

    box: str
    district: str

    def at_district(self, command: Sequence[str]) -> list[str]:
        """The command line of `command` at the district's end."""
        return within(self.district, command)

    def set_rate(self, bits_per_second: int) -> None:
        """Let the link carry so much, each way."""
        for name in (self.box, self.district):
            _tc(name, "change", bits_per_second)

    def bytes_sent(self) -> int:
        """What the box has put on the link, headers of every kind included."""
        counted = subprocess.run(
            within(self.box, ["cat", "/sys/class/net/eth0/statistics/tx_bytes"]),
            check=True,
            capture_output=True,
            text=True,
        )
        return int(counted.stdout)


@contextmanager
def shaped_link(bits_per_second: int = BITS_PER_SECOND) -> Iterator[ShapedLink]:
    """One that lasts as long as the context, in which this thread is at the box's end. Needs root. Raises
    CalledProcessError when it cannot be made.
    """
    with namespaces("box", "district") as (box, district):
        ip("-n", box, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", district)
        for name, address in ((box, BOX), (district, DISTRICT)):
            ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            _tc(name, "add", bits_per_second)
        with entered(box):
            _set_congestion_control()
            yield ShapedLink(box, district)


def _tc(namespace: str, action: str, bits_per_second: int) -> None:
    limit = round(bits_per_second / 8 * QUEUE_SECONDS)
    shape = ["tbf", "rate", f"{bits_per_second}bit", "burst", str(BURST_BYTES), "limit", str(limit)]
    command = within(namespace, ["tc", "qdisc", action, "dev", "eth0", "root", *shape])
    subprocess.run(command, check=True, capture_output=True)


def _set_congestion_control() -> None:
    for name in CONGESTION_CONTROLS:
        try:
            Path("/proc/sys/net/ipv4/tcp_congestion_control").write_text(name)
        except OSError:
            continue
        return
