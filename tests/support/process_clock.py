"""The wall clock of another process, which a test sets."""

import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

SOURCE = Path(__file__).with_name("set_clock.c")


class ProcessClock:
    """The wall clock of a process that is started with `environment`; that process reads it anew each time."""

    def __init__(self, folder: Path, *, synchronised: bool = False) -> None:
        """Needs gcc. `synchronised`: the process takes the clock for one that NTP keeps."""
        self._synchronised = synchronised
        self._library, self._file = folder / "set_clock.so", folder / "set_clock.txt"
        self.set(timedelta())
        command = ["gcc", "-O1", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the process must be given; its zone is UTC."""
        kept = {"SET_CLOCK_SYNCHRONISED": "1"} if self._synchronised else {}
        return {"LD_PRELOAD": str(self._library), "SET_CLOCK_FILE": str(self._file), "TZ": "UTC", **kept}

    def set(self, ahead: timedelta) -> None:
        """It shows the true time and that much more."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{int(ahead.total_seconds())}\n")
        written.rename(self._file)
