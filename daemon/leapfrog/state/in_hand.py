"""What the main process has in hand: so that the next start knows on what the last one ended.

An instance that ends the daemon would end it again at each start, for ever. So whoever handles one notes it here
meanwhile. What is still noted at a start, from the same boot, was in hand when the daemon ended in its midst: killed,
crashed, or ended because a part hung. After ENDS_LIMIT such ends it is set aside instead of tried again.

The notes are not fsynced, and need not be: they outlive the process without it, and a power cut, which they may not
outlive, is nobody's fault. One from another boot does not count.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from leapfrog.state.journal import Journal

IN_HAND_NAME = "in_hand"  # in the state directory
ENDS_LIMIT = 2
SLOT_BYTES = 128
SLOTS = 256  # as many things may be in hand at once; beyond that they are not noted
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
FACT = "ended_on "  # the name of a fact begins so; its value is how often


class InHand:
    """Notes of what is in hand. Any thread may call it.

    A thing is known by a short name that holds nothing of a patient, such as `instance 0123456789abcdef`.
    """

    def __init__(self, path: Path, journal: Journal, boot_id: str | None = None) -> None:
        """Count what was in hand when the last run ended, then start with empty hands. A file that cannot be used is
        done without.
        """
        self._journal = journal
        self._lock = threading.Lock()
        self._free = list(range(1, SLOTS))
        self._descriptor: int | None = None
        boot = boot_id or _boot_id()
        with suppress(OSError):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            left = _slots(os.pread(self._descriptor, SLOTS * SLOT_BYTES, 0))
            if left[:1] == [boot]:
                for thing in filter(None, left[1:]):
                    self.count(thing)
            os.ftruncate(self._descriptor, 0)
            self._write(0, boot)

    @contextmanager
    def holding(self, thing: str) -> Iterator[None]:
        """Note that `thing` is in hand during the block. An exception is no end of the daemon."""
        with self._lock:
            slot = self._free.pop() if self._free else None
        if slot is None:
            yield
            return
        self._write(slot, thing)
        try:
            yield
        finally:
            self._write(slot, "")
            with self._lock:
                self._free.append(slot)

    def ends_on(self, thing: str) -> int:
        """How often the daemon ended, or failed, while `thing` was in hand."""
        row = self._journal.row("SELECT value FROM facts WHERE name = ?", (FACT + thing,))
        return int(row["value"]) if row else 0

    def count(self, thing: str) -> int:
        """Count that the daemon ended, or failed, while `thing` was in hand. Returns how often that was."""
        with self._journal.transaction() as connection:
            row = connection.execute(
                "INSERT INTO facts VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                (FACT + thing,),
            ).fetchone()
        return int(row["value"])

    def forget(self, thing: str) -> None:
        """Forget the count of `thing`: it is settled, or a person wants it tried again."""
        if self.ends_on(thing):
            self._journal.change("DELETE FROM facts WHERE name = ?", FACT + thing)

    def _write(self, slot: int, text: str) -> None:
        if self._descriptor is not None:
            with suppress(OSError):  # a full disk: then it is not noted
                os.pwrite(self._descriptor, text.encode()[:SLOT_BYTES].ljust(SLOT_BYTES, b"\0"), slot * SLOT_BYTES)


def _slots(content: bytes) -> list[str]:
    parts = [content[start : start + SLOT_BYTES] for start in range(0, len(content), SLOT_BYTES)]
    return [part.rstrip(b"\0").decode("ascii", "replace") for part in parts]


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
