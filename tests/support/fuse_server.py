"""A FUSE file system that shows a folder and misbehaves as it is told (linux/fuse.h, protocol 7.31). A program.

It speaks to /dev/fuse itself, so that it needs no library, and so that a request that hangs does so as in the kernel's
own network file systems: whoever made it waits until it is answered, in the kernel, whatever signal he gets.
"""

import argparse
import ctypes
import errno
import json
import os
import select
import stat
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOKUP, FORGET, GETATTR, UNLINK, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 10, 14, 15, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, DESTROY, BATCH_FORGET = 25, 26, 27, 28, 29, 36, 38, 42
UNANSWERED = frozenset((FORGET, BATCH_FORGET, INTERRUPT))
NAMES = {
    LOOKUP: "stat",
    GETATTR: "stat",
    UNLINK: "unlink",
    OPEN: "open",
    READ: "read",
    OPENDIR: "list",
    READDIR: "list",
}
IN_HEADER, OUT_HEADER = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
ATTRIBUTES = struct.Struct("<6Q10I")
ROOT_NODE = 1
REQUEST_BYTES = 1 << 20
RETRY_SECONDS = 0.05


class Refused(Exception):
    """The request is answered with this error number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Hanging(Exception):
    """The request is not answered yet."""


@dataclass(frozen=True)
class Request:
    """One request of the kernel."""

    code: int
    unique: int
    node: int
    content: bytes


class Server:
    """Shows `backing`; `rules` is a file that says how to misbehave, and is read again for each request."""

    def __init__(self, device: int, backing: Path, rules: Path) -> None:
        self._device = device
        self._rules = rules
        self._paths = {ROOT_NODE: backing}
        self._nodes = {backing: ROOT_NODE}
        self._root = backing
        self._waiting: list[Request] = []

    def serve(self) -> None:
        """Answer until the mount is gone."""
        while True:
            ready, _, _ = select.select([self._device], [], [], RETRY_SECONDS if self._waiting else None)
            if ready:
                try:
                    content = os.read(self._device, REQUEST_BYTES)
                except OSError as problem:
                    if problem.errno == errno.ENODEV:
                        return
                    continue
                _, code, unique, node, *_ = IN_HEADER.unpack_from(content)
                self._answer(Request(code, unique, node, content[IN_HEADER.size :]))
            waiting, self._waiting = self._waiting, []
            for request in waiting:
                self._answer(request)

    def _answer(self, request: Request) -> None:
        if request.code in UNANSWERED:
            return
        number, content = 0, b""
        try:
            content = self._content(request)
        except Hanging:
            self._waiting.append(request)
            return
        except Refused as refused:
            number = refused.number
        except OSError as problem:
            number = problem.errno or errno.EIO
        try:
            os.write(self._device, OUT_HEADER.pack(OUT_HEADER.size + len(content), -number, request.unique) + content)
        except OSError:
            return  # whoever asked is gone

    def _content(self, request: Request) -> bytes:
        if request.code == INIT:
            return struct.pack("<IIIIHHIIHHI7I", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, 0, *(0,) * 7)
        if request.code in (FLUSH, RELEASE, RELEASEDIR, DESTROY):
            return b""
        if request.code == STATFS:
            return struct.pack("<5Q4I6I", 1 << 20, 1 << 19, 1 << 19, 1000, 1000, 4096, 255, 4096, 0, *(0,) * 6)
        path = self._paths.get(request.node, self._root)
        if request.code in (LOOKUP, UNLINK):
            path /= os.fsdecode(request.content.split(b"\0")[0])
        rules = self._obey(request.code, path)
        match request.code:
            case 1:  # LOOKUP
                return struct.pack("<4Q2I", self._node(path), 0, 0, 0, 0, 0) + self._attributes(path, rules)
            case 3:  # GETATTR
                return struct.pack("<QII", 0, 0, 0) + self._attributes(path, rules)
            case 10:  # UNLINK
                path.unlink()
                return b""
            case 14 | 27:  # OPEN, OPENDIR
                return struct.pack("<QII", 0, 0, 0)
            case 15:  # READ
                _, offset, size = struct.unpack_from("<QQI", request.content)
                with path.open("rb") as stream:
                    stream.seek(offset)
                    return stream.read(size)
            case 28:  # READDIR
                _, offset, size = struct.unpack_from("<QQI", request.content)
                return self._entries(path, offset, size)
        raise Refused(errno.ENOSYS)

    def _obey(self, code: int, path: Path) -> dict[str, Any]:
        """What the rules say of this request, such as {"inodes": 1000, "shift_seconds": 3600, "faults":
        [{"doing": "stat", "name": "a.dcm" or "*", "error": 116 or "hang"}]}.
        """
        try:
            rules: dict[str, Any] = json.loads(self._rules.read_text())
        except (OSError, ValueError):
            return {}
        for fault in rules.get("faults", ()):
            if fault["doing"] in ("*", NAMES.get(code)) and fault["name"] in (
                "*",
                path.name if path != self._root else "/",
            ):
                if fault["error"] == "hang":
                    raise Hanging
                raise Refused(fault["error"])
        return rules

    def _node(self, path: Path) -> int:
        path.lstat()
        if path not in self._nodes:
            self._nodes[path] = len(self._nodes) + 1
            self._paths[self._nodes[path]] = path
        return self._nodes[path]

    def _attributes(self, path: Path, rules: dict[str, Any]) -> bytes:
        status = path.lstat()
        modified = status.st_mtime_ns + int(rules.get("shift_seconds", 0) * 10**9)
        seconds, rest = divmod(modified, 10**9)
        return ATTRIBUTES.pack(
            status.st_ino + rules.get("inodes", 0), status.st_size, (status.st_size + 511) // 512,
            seconds, seconds, seconds, rest, rest, rest,
            status.st_mode, status.st_nlink, status.st_uid, status.st_gid, 0, 4096, 0,
        )  # fmt: skip

    def _entries(self, path: Path, offset: int, size: int) -> bytes:
        content = b""
        for number, entry_path in enumerate(sorted(path.iterdir())[offset:], offset + 1):
            kind, name = stat.S_IFMT(entry_path.lstat().st_mode) >> 12, os.fsencode(entry_path.name)
            entry = struct.pack("<QQII", number, number, len(name), kind) + name
            entry += bytes(-len(entry) % 8)
            if len(content) + len(entry) > size:
                break
            content += entry
        return content


def main() -> None:
    """Mount at --mount what is in --backing, and serve it. Needs root."""
    parser = argparse.ArgumentParser()
    for option in ("--backing", "--mount", "--rules"):
        parser.add_argument(option, type=Path, required=True)
    options = parser.parse_args()
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    data = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    if libc.mount(b"faulty", os.fsencode(options.mount), b"fuse.faulty", 0, data) != 0:
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    print("mounted", flush=True)
    Server(device, options.backing, options.rules).serve()


if __name__ == "__main__":
    main()
