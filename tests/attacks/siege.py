"""One attack after the other on a box at work, beside a modality."""

import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from attacks.attacks import ATTACKS, Kind, command_line
from attacks.modality import Modality
from attacks.network import ATTACKER_PREFIX, BOX_FOR_ATTACKER, Network
from attacks.table import Needs, Row
from faults.films import Films
from support.certificates import make_certificate
from support.kiosk import Kiosk

ALONE_FILMS = 10
LOOK_SECONDS = 0.5
STRENGTH_SECONDS = 1.0  # until an attack is at full strength
TOLD_SECONDS = 10.0
CALM_SECONDS = 3.0  # after an attack, for its connections to end
# The same for those that were being slowed down: what they sent lies before the news that they have gone, and the box
# reads on until its patience with a flood ends, a fifth of dicom.idle_seconds.
SLOWED_SECONDS = 20.0
SETTLED_SECONDS = 60.0  # of which the memory is looked at, in the middle of a long attack and at its end


@dataclass(frozen=True)
class _Box:
    """A box at work and its modality."""

    kiosk: Kiosk
    modality: Modality

    def needs(self) -> Needs:
        """What its main process needs now."""
        process = Path(f"/proc/{self.kiosk.process.pid}")
        status = (process / "status").read_text()
        kilobytes = re.search(r"VmRSS:\s+(\d+)", status)
        threads = re.search(r"Threads:\s+(\d+)", status)
        assert kilobytes and threads
        return Needs(int(kilobytes[1]) / 1024, len(list((process / "fd").iterdir())), int(threads[1]))

    def names_attacker(self) -> bool:
        """Whether its status names an attacker, at once or within some seconds."""
        until = time.monotonic() + TOLD_SECONDS
        while not (told := any(ATTACKER_PREFIX in problem["what"] for problem in self.kiosk.status()["attention"])):
            if time.monotonic() > until:
                break
            time.sleep(LOOK_SECONDS)
        return told

    def lost(self) -> int:
        """How many films it acknowledged and does not have."""
        stored = {uid for (uid,) in self.kiosk.rows("SELECT sop_instance_uid FROM instances")}
        return sum(uid not in stored for uid in self.modality.acknowledged)

    def log_lines(self) -> int:
        """How many lines of its log name an attacker or a connection that was not served."""
        lines = [line for line in self.kiosk.log().splitlines() if "were left out" not in line]
        return sum(ATTACKER_PREFIX in line or "could not be served" in line for line in lines)


class Siege:
    """A network with a plain box and one with TLS, each started when an attack needs it."""

    def __init__(self, directory: Path, network: Network) -> None:
        """Nothing runs yet."""
        self._directory = directory
        self._network = network
        self._films = Films(directory / "films")
        self._boxes: dict[bool, _Box] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for box in self._boxes.values():
            box.kiosk.__exit__(kind, problem, trace)

    def row(self, name: str, seconds: float, films: int = ALONE_FILMS) -> Row:
        """The attack of that name, for so many seconds; `films` are stored before it and after it."""
        kind = ATTACKS[name]
        box = self._box(kind)
        pid, lines = box.kiosk.process.pid, box.log_lines()
        before = box.needs()
        alone = box.modality.store(seconds=0, least=films)
        began = time.monotonic()
        with self._attack(name, box), _watched(box) as course:
            during = box.modality.store(seconds=seconds, least=3)
            told = box.names_attacker()
            page = (box.kiosk.reports_dir / "index.html").read_text()
        time.sleep(CALM_SECONDS)
        after = box.modality.store(seconds=0, least=films)
        self._wait_for_rest(box, before)
        minutes = 1 + int((time.monotonic() - began) / 60)
        ended = box.kiosk.process.poll() is not None or box.kiosk.process.pid != pid
        sources = 11 if kind.everywhere else 1
        return Row(
            attack=name,
            alone=alone,
            during=during,
            after=after,
            needs=(before, _most(course), box.needs()),
            settled_megabytes=_settled_megabytes(course),
            log_lines=box.log_lines() - lines,
            most_log_lines=sources * (minutes + 1),
            told=told,
            in_worklist=ATTACKER_PREFIX in page,
            ended=ended,
            lost=box.lost(),
        )

    @staticmethod
    def _wait_for_rest(box: _Box, before: Needs) -> None:
        """Until it has no more descriptors than before the attack, if that comes."""
        until = time.monotonic() + SLOWED_SECONDS
        while box.needs().descriptors > before.descriptors and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)

    @contextmanager
    def _attack(self, name: str, box: _Box) -> Iterator[None]:
        command = command_line(Path(sys.executable), name, BOX_FOR_ATTACKER, box.kiosk.port)
        attacker = subprocess.Popen(
            self._network.within(self._network.attacker, command),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        _give_way(attacker.pid)
        try:
            assert attacker.stdout
            attacker.stdout.readline()  # that it begins
            time.sleep(STRENGTH_SECONDS)
            yield
            if attacker.poll() is not None:
                raise RuntimeError(f"the attack {name!r} ended by itself")
        finally:
            os.killpg(attacker.pid, signal.SIGKILL)
            attacker.wait()

    def _box(self, kind: Kind) -> _Box:
        if kind.tls not in self._boxes:
            directory = self._directory / ("tls" if kind.tls else "plain")
            directory.mkdir()
            dicom: dict[str, object] = {"host": "0.0.0.0"}
            options: Sequence[str] = ()
            if kind.tls:
                own, client = make_certificate(directory, "box"), make_certificate(directory, "modality")
                files = {"certificate": own.certificate, "key": own.key, "client_ca": client.certificate}
                dicom |= {f"tls_{name}": str(path) for name, path in files.items()}
                options = ["+tls", str(client.key), str(client.certificate), "+cf", str(own.certificate), "-ic"]
            kiosk = Kiosk(directory / "box", dicom=dicom)
            kiosk.wrapper = self._network.within(self._network.box, [])
            modality = Modality(self._network, self._films, kiosk.port, options)
            self._boxes[kind.tls] = _Box(kiosk, modality)
            kiosk.start().wait_until_ready()
            modality.store(seconds=0, least=5)  # what the first ones cost is no matter of the attack
        return self._boxes[kind.tls]


def _give_way(pid: int) -> None:
    """Have the attacker's session yield to the box as a machine of its own would: between sessions, the kernel's
    scheduler looks at the group's nice value and not at the process' (sched(7), autogroup).
    """
    group = Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text("10")


@contextmanager
def _watched(box: _Box) -> Iterator[list[tuple[float, Needs]]]:
    """Keeps what the box needed within, and after how many seconds."""
    began = time.monotonic()
    course, over = [(0.0, box.needs())], threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            course.append((time.monotonic() - began, box.needs()))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield course
    finally:
        over.set()
        thread.join()


def _most(course: Sequence[tuple[float, Needs]]) -> Needs:
    """The most of each, though not at the same time."""
    needs = [needs for _, needs in course]
    return Needs(
        max(one.megabytes for one in needs), max(one.descriptors for one in needs), max(one.threads for one in needs)
    )


def _settled_megabytes(course: Sequence[tuple[float, Needs]]) -> tuple[float, float] | None:
    """The memory in the median of the SETTLED_SECONDS before the middle of the attack, and before its end; None where
    it was too short to tell.
    """
    end = course[-1][0]
    if end < 4 * SETTLED_SECONDS:
        return None
    middle, last = (
        [needs.megabytes for at, needs in course if until - SETTLED_SECONDS <= at <= until] for until in (end / 2, end)
    )
    return statistics.median(middle), statistics.median(last)
