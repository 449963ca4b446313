"""A DICOM receiver that only stores: `python -m benchmarks.bare.receiver DIRECTORY PORT`.

What it reaches, a receiver with `storescu` in front of it hardly exceeds on the same machine as long as it syncs each
image by itself: it takes the bytes off the network, writes them to a file as they come, has the disk begin with them,
and answers after rename, fsync, and fsync of the directory, in the order that costs the disk least. It does not look at
them and keeps no journal. One process for each association, so that nothing is shared but the disk.
"""

import os
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from leapfrog.durable import begin_writing_out

# PS3.8 section 9.3: types of PDUs and of items in them; PS3.8 annex E: bits of a message control header.
ASSOCIATE_RQ, ASSOCIATE_AC, P_DATA, RELEASE_RQ, RELEASE_RP = 1, 2, 4, 5, 6
APPLICATION_CONTEXT, CONTEXT_RQ, CONTEXT_AC, TRANSFER_SYNTAX, USER_INFORMATION = 0x10, 0x20, 0x21, 0x40, 0x50
COMMAND, LAST = 1, 2
HEAD_BYTES = 74  # of an A-ASSOCIATE PDU, before its items
EXPLICIT_LITTLE_ENDIAN = b"1.2.840.10008.1.2.1"
LARGEST_PDU = 131_072
WRITE_OUT_BYTES = 1 << 20
STORE_RSP, NO_DATA_SET, SUCCESS = 0x8001, 0x0101, 0x0000
CONTENTS_OF_RSP = ((0x0100, STORE_RSP), (0x0800, NO_DATA_SET), (0x0900, SUCCESS))


def main() -> None:
    """Serve until a signal ends it."""
    directory, port = Path(sys.argv[1]), int(sys.argv[2])
    directory.mkdir(parents=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            peer, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _Association(peer, directory).serve()
                os._exit(0)
            peer.close()


class _Association:
    def __init__(self, peer: socket.socket, directory: Path) -> None:
        self._peer = peer
        self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._directory = directory
        self._synced = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        self._buffer = memoryview(bytearray(LARGEST_PDU + 64))
        self._stored = 0

    def serve(self) -> None:
        while header := self._read(6):
            kind, length = struct.unpack(">BxL", header)
            if kind == ASSOCIATE_RQ:
                self._peer.sendall(_accepted(bytes(self._read(length))))
            elif kind == P_DATA:
                self._take(self._read(length))
            else:
                if kind == RELEASE_RQ:
                    self._peer.sendall(struct.pack(">BxL4x", RELEASE_RP, 4))
                return

    def _read(self, count: int) -> memoryview:
        """The next bytes, valid until the next call; none where the peer has closed."""
        place, have = self._buffer[:count], 0
        while have < count:
            got = self._peer.recv_into(place[have:])
            if not got:
                return self._buffer[:0]
            have += got
        return place

    def _take(self, values: memoryview) -> None:
        """A command, then the data set it announces, each in one or more presentation data values."""
        while values:
            length, context, control = struct.unpack(">LBB", values[:6])
            content, values = values[6 : 4 + length], values[4 + length :]
            if control & COMMAND:
                self._command = bytes(content)  # which a modality sends in one piece
                self._open()
            else:
                self._write(content)
                if control & LAST:
                    self._store()
                    self._peer.sendall(_answer(self._command, context))

    def _open(self) -> None:
        self._stored += 1
        self._path = self._directory / f"{os.getpid()}-{self._stored}.part"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        self._written = self._begun = 0

    def _write(self, content: memoryview) -> None:
        self._written += os.write(self._file, content)
        if self._written - self._begun >= WRITE_OUT_BYTES:
            begin_writing_out(self._file, self._begun, self._written - self._begun)
            self._begun = self._written

    def _store(self) -> None:
        self._path.rename(self._path.with_suffix(".dcm"))
        os.fsync(self._file)
        os.close(self._file)
        os.fsync(self._synced)


def _items(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        kind, length = struct.unpack(">BxH", content[:4])
        yield kind, content[4 : 4 + length]
        content = content[4 + length :]


def _item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(content)) + content


def _accepted(request: bytes) -> bytes:
    """The A-ASSOCIATE-AC that takes all that is proposed, uncompressed where there is a choice."""
    head = request[: HEAD_BYTES - 6]
    answer = b""
    for kind, content in _items(request[len(head) :]):
        if kind == APPLICATION_CONTEXT:
            answer += _item(kind, content)
        elif kind == CONTEXT_RQ:
            syntaxes = [value for sub, value in _items(content[4:]) if sub == TRANSFER_SYNTAX]
            chosen = EXPLICIT_LITTLE_ENDIAN if EXPLICIT_LITTLE_ENDIAN in syntaxes else syntaxes[0]
            answer += _item(CONTEXT_AC, content[:1] + b"\0\0\0" + _item(TRANSFER_SYNTAX, chosen))
    longest = _item(0x51, struct.pack(">L", LARGEST_PDU))
    answer += _item(USER_INFORMATION, longest + _item(0x52, b"2.25.1"))
    return struct.pack(">BxL", ASSOCIATE_AC, len(head) + len(answer)) + head + answer


def _elements(command: bytes) -> dict[int, bytes]:
    """The values of a command set (PS3.7 section 6.3.1), by element number."""
    found = {}
    while command:
        number, length = struct.unpack("<2xHL", command[:8])
        found[number] = command[8 : 8 + length]
        command = command[8 + length :]
    return found


def _answer(command: bytes, context: int) -> bytes:
    """The C-STORE-RSP that says success."""
    asked = _elements(command)
    values = [(0x0002, asked[0x0002]), (0x0120, asked[0x0110]), (0x1000, asked[0x1000])]
    values += [(number, struct.pack("<H", value)) for number, value in CONTENTS_OF_RSP]
    encoded = b"".join(struct.pack("<HHL", 0, number, len(value)) + value for number, value in sorted(values))
    encoded = struct.pack("<HHLL", 0, 0, 4, len(encoded)) + encoded
    pdv = struct.pack(">LBB", len(encoded) + 2, context, COMMAND | LAST) + encoded
    return struct.pack(">BxL", P_DATA, len(pdv)) + pdv


if __name__ == "__main__":
    main()
