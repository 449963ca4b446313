"""The attacks: each is what one hostile machine does with its connections, again and again until it is ended.

They run in the attacker's process, each connection from one of its addresses.
"""

import contextlib
import itertools
import selectors
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from leapfrog.settings import DicomSettings
from support.raw_peer import (
    ASSOCIATE_AC,
    COMMAND,
    COMPUTED_RADIOGRAPHY,
    EXPLICIT_LITTLE_ENDIAN,
    LAST,
    RawPeer,
    p_data,
    store_command,
)

PATIENCE_SECONDS = 10.0
PLACES = DicomSettings().max_associations
C_ECHO, C_CANCEL = 0x0030, 0x0FFF
REQUEST = RawPeer.request((COMPUTED_RADIOGRAPHY, [EXPLICIT_LITTLE_ENDIAN]), calling="HOSTILE")
MANY_CONTEXTS = struct.pack(">BxLH66x", 1, 500_068, 1) + b"\x20\0\0\1\x09" * 100_000
MANY_ELEMENTS = p_data(store_command("1.2"), COMMAND | LAST) + p_data(
    struct.pack("<HH2sH", 9, 0x1001, b"LO", 0) * 12_000, LAST
)
HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(100)  # a ClientHello that lacks its second half
PROTOCOLS = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\0\0\0\x85\xffSMBr" + bytes(100),
    b"\x03\0\0\x13\x0e\xe0" + bytes(13),  # RDP
    b"EHLO x\r\n",
    bytes(range(256)),
)


@dataclass(frozen=True)
class Target:
    """The box, and the addresses from which it is attacked."""

    address: tuple[str, int]
    sources: tuple[str, ...]

    def connect(self, source: str) -> socket.socket:
        """A connection from `source`. Raises OSError."""
        return socket.create_connection(self.address, PATIENCE_SECONDS, source_address=(source, 0))

    def associate(self, source: str) -> socket.socket:
        """An association from `source`. Raises OSError when there is none."""
        connection = self.connect(source)
        connection.sendall(REQUEST)
        answer = connection.recv(1 << 16)
        if answer[:1] != bytes([ASSOCIATE_AC]):
            connection.close()
            raise ConnectionRefusedError(answer[:10])
        return connection


Attack = Callable[[Target], None]


def _command(field: int) -> bytes:
    announced, none = struct.pack("<HHLH", 0, 0x0800, 2, 1), struct.pack("<HHLH", 0, 0x0800, 2, 0x0101)
    return p_data(store_command("1.2", field=field).replace(announced, none), COMMAND | LAST)


def _held(target: Target, count: int, begin: Callable[[Target, str], socket.socket]) -> None:
    """Hold `count` connections, and open another whenever one ends."""
    chosen = selectors.DefaultSelector()
    sources = itertools.cycle(target.sources)
    held = 0
    while True:
        while held < count:
            try:
                chosen.register(begin(target, next(sources)), selectors.EVENT_READ)
                held += 1
            except OSError:
                break
        for key, _ in chosen.select(0.2):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            if _has_ended(connection):
                chosen.unregister(connection)
                connection.close()
                held -= 1


def _has_ended(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1 << 16)
    except OSError:
        return True


def _holding(count: int, sent: bytes = b"") -> Attack:
    def begin(target: Target, source: str) -> socket.socket:
        connection = target.connect(source)
        connection.sendall(sent)
        return connection

    return lambda target: _held(target, count, begin)


def _idle_associations(target: Target) -> None:
    _held(target, PLACES * len(target.sources), Target.associate)


def _repeating(*conversations: bytes, associated: bool = False) -> Attack:
    """Connections one after the other, each with one of the `conversations`, up to the box's answer to it."""

    def attack(target: Target) -> None:
        sources = itertools.cycle(target.sources)
        for sent in itertools.cycle(conversations):
            with contextlib.suppress(OSError):
                source = next(sources)
                with target.associate(source) if associated else target.connect(source) as connection:
                    connection.sendall(sent)
                    connection.recv(1 << 16)

    return attack


def _association_flood(target: Target) -> None:
    """Associations that are dropped at once."""
    for source in itertools.cycle(target.sources):
        with contextlib.suppress(OSError):
            target.associate(source).close()


def _flooding(sent: bytes, first: bytes = b"", *, reads: bool = True) -> Attack:
    """Eight associations that send the same without end."""

    def flood(target: Target, source: str) -> None:
        while True:
            with contextlib.suppress(OSError), target.associate(source) as connection:
                connection.sendall(first)
                if reads:
                    threading.Thread(target=_drain, args=(connection,), daemon=True).start()
                connection.settimeout(600)
                while True:
                    connection.sendall(sent)
            time.sleep(0.5)

    return lambda target: _in_threads(8, target, flood)


def _drain(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while connection.recv(1 << 16):
            continue


def _trickle(target: Target) -> None:
    """Eight associations with an image that comes at four bytes a second."""

    def trickle(target: Target, source: str) -> None:
        while True:
            with contextlib.suppress(OSError), target.associate(source) as connection:
                connection.sendall(p_data(store_command("1.2"), COMMAND | LAST) + struct.pack(">BxL", 4, 10_000_000))
                connection.sendall(struct.pack(">LBB", 9_999_996, 1, LAST))
                while True:
                    connection.sendall(b"\0")
                    time.sleep(0.25)
            time.sleep(0.5)

    _in_threads(8, target, trickle)


def _handshakes(target: Target) -> None:
    """Whole TLS handshakes without a certificate, one after the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for source in itertools.cycle(target.sources):
        with contextlib.suppress(OSError), context.wrap_socket(target.connect(source)) as connection:
            connection.recv(1)


def _in_threads(count: int, target: Target, what: Callable[[Target, str], None]) -> None:
    sources: Iterator[str] = itertools.cycle(target.sources)
    threads = [
        threading.Thread(target=what, args=(target, next(sources)), daemon=True)
        for _ in range(count * min(2, len(target.sources)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _everything(target: Target) -> None:
    """Each of the attacks on a plain box from an address of its own."""
    own = [kind for kind in ATTACKS.values() if not kind.tls and kind.attack is not _everything]
    for kind, source in zip(own, itertools.cycle(target.sources), strict=False):
        threading.Thread(target=kind.attack, args=(Target(target.address, (source,)),), daemon=True).start()
    threading.Event().wait()


@dataclass(frozen=True)
class Kind:
    """An attack, from one address or all that the attacker has, on a plain box or one with TLS."""

    attack: Attack
    everywhere: bool = False
    tls: bool = False


ATTACKS = {
    "2,000 idle connections": Kind(_holding(2000)),
    "2,000 idle connections from eleven addresses": Kind(_holding(2000), everywhere=True),
    "half headers": Kind(_holding(200, b"\1\0\0")),
    "half requests": Kind(_holding(200, REQUEST[: len(REQUEST) // 2])),
    "requests of 4 GiB": Kind(_repeating(struct.pack(">BxL", 1, 0xFFFFFFFF) + bytes(10_000))),
    "requests of 100,000 contexts": Kind(_repeating(MANY_CONTEXTS)),
    "giant PDUs within associations": Kind(
        _repeating(
            struct.pack(">BxL", 4, 0xFFFFFFFF) + bytes(100_000),
            struct.pack(">BxLLBB", 4, 0x00FFFFFF, 0x00FFFFFB, 1, 0) + bytes(100_000),
            associated=True,
        )
    ),
    "other protocols": Kind(_repeating(*PROTOCOLS)),
    "associations that do nothing": Kind(_idle_associations),
    "associations that do nothing, from eleven addresses": Kind(_idle_associations, everywhere=True),
    "association flood": Kind(_association_flood),
    "fragments of no bytes": Kind(_flooding(p_data(b"", 0) * 1000, p_data(store_command("1.2"), COMMAND | LAST))),
    "images of 12,000 elements that are refused": Kind(_flooding(MANY_ELEMENTS)),
    "C-CANCEL without end": Kind(_flooding(_command(C_CANCEL) * 100)),
    "C-ECHO without end": Kind(_flooding(_command(C_ECHO) * 100)),
    "C-ECHO without end, answers not taken": Kind(_flooding(_command(C_ECHO) * 100, reads=False)),
    "an image of four bytes a second": Kind(_trickle),
    "half TLS handshakes": Kind(_holding(200, HELLO), tls=True),
    "TLS handshakes without a certificate": Kind(_handshakes, tls=True),
    "no TLS where TLS is expected": Kind(_repeating(REQUEST, *PROTOCOLS), tls=True),
    "all on a plain box together": Kind(_everything, everywhere=True),
}


def main(name: str, host: str, port: str) -> None:
    """Attack until the process is ended; `name` is one of ATTACKS."""
    from attacks.network import ATTACKER, ATTACKERS

    kind = ATTACKS[name]
    print("begins", flush=True)
    kind.attack(Target((host, int(port)), ATTACKERS if kind.everywhere else (ATTACKER,)))


def command_line(python: Path, name: str, host: str, port: int) -> list[str]:
    """Of a process that attacks. It gives way to the box, as a machine of its own would."""
    return [
        "nice",
        "-n",
        "10",
        str(python),
        "-c",
        f"from attacks.attacks import main; main({name!r}, {host!r}, '{port}')",
    ]
