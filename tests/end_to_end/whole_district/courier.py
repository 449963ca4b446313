"""Whoever carries a stick between the clinic without a link and the district, and what befalls the stick and the
programs that write and read it.
"""

import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from end_to_end.whole_district.clinic import Clinic
from end_to_end.whole_district.kills import Kill, run_and_kill, waits_for_an_answer
from end_to_end.whole_district.stick import PLACE, Stick
from support.district import District

STICK_MEBIBYTES = 512
MOST_TRIPS = 6
COMMAND_SECONDS = 300.0


class Courier:
    """Goes until the clinic owes nothing. `kills` are those that befell anything on the way."""

    def __init__(self, directory: Path, district: District, clinic: Clinic) -> None:
        """The stick is still empty."""
        self.kills: list[Kill] = []
        self.trips = 0
        self.last_export = (datetime.max, datetime.min)  # when it began and ended
        self._district = district
        self._clinic = clinic
        self._stick = Stick(directory / "stick.img", directory / "stick", district, STICK_MEBIBYTES)

    def trip(self) -> None:
        """There and back, with nothing in the way."""
        self.trips += 1
        self.bring()
        self._stick.plug_in_at_clinic()
        self._import()
        self._stick.take_from_clinic()

    def bring(self) -> None:
        """There alone: also a box that owes nothing has something to say of itself."""
        self._stick.plug_in_at_clinic()
        self._export()
        self._stick.take_from_clinic()
        self._stick.plug_in_at_district()
        self._receive()
        self._stick.take_from_district()

    def trip_with_accidents(self, meanwhile: Callable[[], object]) -> None:
        """There and back: the stick is pulled out while it is written, and every program killed once, and begun again
        each time. `meanwhile` happens at the clinic while the stick is away.
        """
        self.trips += 1
        self._stick.plug_in_at_clinic()
        run_and_kill(self._clinic.kiosk.command_line("export", str(self._stick.folder)), lambda pid: self._has_parts())
        self._note("leapfrog export", "it had begun the first part")
        self._stick.pull_out_of_clinic()
        self._note("the stick", "pulled out without a word, with that beginning on it")
        self._stick.plug_in_at_clinic()
        self._export()
        self._stick.take_from_clinic()
        meanwhile()

        self._stick.plug_in_at_district()
        before = self._held()
        run_and_kill(self._district.way_in() + self._receiving(), lambda pid: self._held() > before)
        self._note("leapfrog receive", f"{self._held() - before} of the objects on the stick were at the district")
        self._receive()
        self._stick.take_from_district()

        self._stick.plug_in_at_clinic()
        self._kill_import()
        self._note("leapfrog import", "the box had been asked, and had not answered")
        self._import()
        self._stick.take_from_clinic()

    def _export(self) -> None:
        began = datetime.now(UTC).replace(microsecond=0)  # as precise as a state is
        _succeeds(self._clinic.kiosk.command("export", str(self._stick.folder), timeout_seconds=COMMAND_SECONDS))
        self.last_export = began, datetime.now(UTC)

    def _receive(self) -> None:
        self._district.do(*self._receiving())

    def _import(self) -> None:
        _succeeds(self._clinic.kiosk.command("import", str(self._stick.folder), timeout_seconds=COMMAND_SECONDS))

    def _receiving(self) -> list[str]:
        return ["leapfrog", "receive", PLACE]

    def _has_parts(self) -> bool:
        return any((self._stick.folder / "leapfrog" / "parcels").glob("*"))

    def _held(self) -> int:
        held: int = self._district.ask_orthanc(1, "/statistics")["CountInstances"]
        return held

    def _kill_import(self) -> None:
        """While the box has the receipt and does not answer; it goes on when nobody waits any more."""
        daemon = self._clinic.kiosk.process
        daemon.send_signal(signal.SIGSTOP)
        try:
            command = self._clinic.kiosk.command_line("import", str(self._stick.folder))
            run_and_kill(command, waits_for_an_answer)
        finally:
            daemon.send_signal(signal.SIGCONT)

    def _note(self, what: str, midst: str) -> None:
        self.kills.append(Kill(what, midst))

    def __enter__(self) -> Self:
        self._stick.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stick.__exit__(kind, problem, trace)


def _succeeds(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{done.args[-4:]}: {done.stdout}\n{done.stderr}"
