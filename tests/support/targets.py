"""What a reader or an engine host that was taken over would go for, and nothing of which it may reach."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.attacks import TARGETS

SECRETS = ("journal", "key", "other_exam")


@contextmanager
def targets(folder: Path) -> Iterator[dict[str, str]]:
    """A state directory with secrets in `folder`, and a port that somebody listens at. Yields the environment in which
    an attacker finds them.
    """
    spool, elsewhere, own = folder / "spool", folder / "elsewhere", folder / "own"
    for path in (spool, elsewhere, own, folder / "given"):
        path.mkdir(parents=True)
    places: dict[str, Any] = {
        "journal": folder / "journal.sqlite",
        "key": folder / "station.key",
        "other_exam": spool / "another.dcm",
    }
    for name in SECRETS:
        places[name].write_text("secret")
    places["given"] = folder / "given" / "source"
    places["given"].hardlink_to(places["other_exam"])  # as a desk holds an exam of the spool
    with socket.create_server(("127.0.0.1", 0)) as server:
        places |= {"spool": spool, "elsewhere": elsewhere, "own": own, "port": server.getsockname()[1]}
        yield {TARGETS: json.dumps(places, default=str)}
    assert all(places[name].read_text() == "secret" and places[name].stat().st_mode & 0o002 == 0 for name in SECRETS)
    assert list(elsewhere.iterdir()) == []
