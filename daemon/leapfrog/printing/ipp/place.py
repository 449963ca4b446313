"""Where a printer is: which server has its queue, found as CUPS's own programs do (client.conf(5)), or its address."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

DEFAULT_SOCKET = Path("/run/cups/cups.sock")
DEFAULT_PORT = 631
CLIENT_FILES = (Path("~/.cups/client.conf"), Path("/etc/cups/client.conf"))
SERVER_LINE = re.compile(r"^\s*ServerName\s+(\S+)\s*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """Where an IPP printer is reached: over `socket`, or at `host` and `port`, by `tls` or not; `path` is the path of
    the HTTP requests, and `uri` how it is called in them. `is_queue`: a CUPS queue, named without an address.
    """

    uri: str
    path: str
    host: str = "localhost"
    port: int = DEFAULT_PORT
    socket: Path | None = None
    tls: bool = False
    is_queue: bool = False

    @property
    def server(self) -> str:
        """The print server, for people."""
        if self.socket is not None:
            return str(self.socket)
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def place_of(printer: str, environment: Mapping[str, str] = os.environ) -> Place:
    """Where `printer` is, which is the name of a queue or an address (settings.printer_name)."""
    if "://" in printer:
        parts = urlsplit(printer)
        return Place(
            uri=printer,
            path=parts.path or "/",
            host=parts.hostname or "localhost",
            port=parts.port or DEFAULT_PORT,
            tls=parts.scheme == "ipps",
        )
    path = f"/printers/{quote(printer, safe='')}"
    server = environment.get("CUPS_SERVER") or _server_of_client_files()
    if server.startswith("/"):
        return Place(uri=f"ipp://localhost{path}", path=path, socket=Path(server), is_queue=True)
    if not server and DEFAULT_SOCKET.exists():
        return Place(uri=f"ipp://localhost{path}", path=path, socket=DEFAULT_SOCKET, is_queue=True)
    host, port = _host_and_port(server or "localhost")
    named = f"[{host}]" if ":" in host else host
    return Place(uri=f"ipp://{named}:{port}{path}", path=path, host=host, port=port, is_queue=True)


def _server_of_client_files() -> str:
    for file in CLIENT_FILES:
        try:
            found = SERVER_LINE.search(file.expanduser().read_text(encoding="utf-8", errors="replace"))
        except (OSError, RuntimeError):  # not there, or there is no home
            continue
        if found:
            return found[1]
    return ""


def _host_and_port(server: str) -> tuple[str, int]:
    """`host`, `host:port` or `[address]:port`, perhaps with `/version=1.1` behind it."""
    parts = urlsplit(f"//{server.partition('/')[0]}")
    try:
        return parts.hostname or "localhost", parts.port or DEFAULT_PORT
    except ValueError:  # no number, or no port
        return parts.hostname or "localhost", DEFAULT_PORT
