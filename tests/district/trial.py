"""The same night at several servers, with faults or without."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import leapfrog
from district.night import Outcome, Plan
from district.parcels import Parcel
from support.district import District

ALONE = "/etc/leapfrog-district/sqlite.json"
ALONE_PORT = 8109
UPSTREAMS = "/etc/leapfrog-district/orthancs.conf"
ALONE_UNIT = f"""\
[Unit]
DefaultDependencies=no
StartLimitIntervalSec=0
[Service]
User=orthanc
Group=orthanc
Environment=ORTHANC_NUMBER=9 ORTHANC_HTTP_PORT={ALONE_PORT} ORTHANC_DICOM_PORT=10409 MALLOC_ARENA_MAX=5
CacheDirectory=leapfrog-district/9
ExecStart=/usr/sbin/Orthanc {ALONE}
Restart=always
RestartSec=1
"""


@dataclass(frozen=True)
class Fault:
    """What is done to the district when `share` of the night's objects are confirmed."""

    share: float
    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Server:
    """One of those that are compared: nginx hands on to these ports."""

    name: str
    ports: tuple[int, ...]


@dataclass(frozen=True)
class Night:
    """A server, what befell it and when, in seconds since the night began, and what came of it."""

    server: str
    faults: tuple[tuple[float, str], ...]
    outcome: Outcome


@dataclass(frozen=True)
class Needs:
    """What PostgreSQL and its backup cost, over all nights that it had."""

    objects: int
    image_bytes: int
    index_bytes: int
    log_bytes: int
    archived_bytes: int
    orthanc_megabytes: float
    restore_seconds: float

    def sentences(self) -> list[str]:
        """For people."""
        kilobytes = [size / 1000 / self.objects for size in (self.index_bytes, self.log_bytes, self.archived_bytes)]
        return [
            f"PostgreSQL held {self.objects:,} objects afterwards, the images {self.image_bytes / 1e9:.2f} GB."
            f" For each object its index had {kilobytes[0]:.1f} kB; {kilobytes[1]:.1f} kB were written to its log,"
            f" {kilobytes[2]:.1f} kB of which, packed, are in the backup beside the image itself. An Orthanc had"
            f" {self.orthanc_megabytes:.0f} MB resident. `district-backup restore latest`, the images' folder emptied"
            f" before, took {self.restore_seconds:.0f} s."
        ]


TWO = Server("two Orthancs on PostgreSQL", (8101, 8102))
ONE = Server("one Orthanc on PostgreSQL", (8101,))
SQLITE = Server("one Orthanc on SQLite", (ALONE_PORT,))
KILL_ONE = Fault(1 / 3, "Orthanc killed", ("systemctl", "kill", "-s", "KILL", "leapfrog-orthanc@1.service"))
RESTART_POSTGRESQL = Fault(
    2 / 3, "PostgreSQL restarted", ("sh", "-c", "systemctl restart 'postgresql@*-district.service'")
)
KILL_ALONE = Fault(1 / 3, "Orthanc killed", ("systemctl", "kill", "-s", "KILL", "sqlite-orthanc.service"))
NIGHTS: tuple[tuple[Server, tuple[Fault, ...]], ...] = (
    (TWO, ()),
    (ONE, ()),
    (SQLITE, ()),
    (TWO, (KILL_ONE, RESTART_POSTGRESQL)),
    (SQLITE, (KILL_ALONE,)),
)


class Trial:
    """A district that is set up, with boxes that have certificates."""

    def __init__(self, district: District, boxes: int, parcels: Sequence[Parcel]) -> None:
        """`parcels` lie where the machine can read them."""
        self._district = district
        self._parcels = tuple(parcels)
        self._boxes = tuple(f"box-{number:02}" for number in range(1, boxes + 1))
        district.do("sh", "-c", f"for box in {' '.join(self._boxes)}; do district-authority issue $box; done")

    def start_alone(self) -> None:
        """Start an Orthanc that has an index of its own, in SQLite, and all else as the others."""
        storage = "/var/lib/leapfrog-district/sqlite"
        unit = "/etc/systemd/system/sqlite-orthanc.service"
        self._district.do("install", "-d", "-o", "orthanc", "-g", "orthanc", storage)
        without_postgresql = ("-e", "/libOrthancPostgreSQL/d", "-e", '/"PostgreSQL": {/,/},/d')
        elsewhere = ("-e", f"s|/var/lib/leapfrog-district/storage|{storage}|")
        configuration = self._district.do("sed", *without_postgresql, *elsewhere, "/etc/leapfrog-district/orthanc.json")
        self._district.path(ALONE).write_text(configuration)
        self._district.path(unit).write_text(ALONE_UNIT)
        self._district.do("systemctl", "daemon-reload")
        self._district.do("systemctl", "start", "sqlite-orthanc.service")
        self._district.do("curl", "-sf", "--retry", "50", "--retry-connrefused", "--retry-delay", "1",
                          f"http://127.0.0.1:{ALONE_PORT}/system")  # fmt: skip

    def needs(self) -> Needs:
        """What all nights cost; then everything is brought back from the backup, and has to be whole."""
        district = self._district

        def number(command: str) -> int:
            return int(district.do("sh", "-c", command).split()[0])

        sql = "cd / && runuser -u postgres -- psql -qtA -p 5433 orthanc -c"
        backup = "/var/backups/leapfrog-district"
        district.do("district-backup", "now")
        held = number(f"{sql} 'SELECT count(*) FROM resources WHERE resourcetype = 3'")
        costs = {
            "image_bytes": number("du -sb /var/lib/leapfrog-district/storage"),
            "index_bytes": number(f"{sql} \"SELECT pg_database_size('orthanc')\""),
            "log_bytes": number(f"{sql} \"SELECT pg_current_wal_lsn() - '0/0'::pg_lsn\""),
            "archived_bytes": number(f"du -sb {backup}/postgresql/archive"),
        }
        resident = number(
            "grep -h VmRSS /proc/$(systemctl show --value -p MainPID leapfrog-orthanc@2)/status | tr -dc 0-9"
        )
        district.do("sh", "-c", "rm -r /var/lib/leapfrog-district/storage/*")
        began = time.monotonic()
        district.do("district-backup", "restore", "latest")
        seconds = time.monotonic() - began
        return Needs(held, **costs, orthanc_megabytes=resident / 1024, restore_seconds=seconds)

    def spend(
        self, server: Server, faults: Sequence[Fault], exams: int, seconds: float, say: Callable[[str], object]
    ) -> Night:
        """One night. Raises AssertionError when the boxes' program fails."""
        lines = [f"server 127.0.0.1:{port} max_fails=1 fail_timeout=2s;\n" for port in server.ports]
        self._district.path(UPSTREAMS).write_text("".join(lines))
        self._district.do("systemctl", "reload", "nginx")
        plan = Plan(self._boxes, exams, seconds, self._parcels, f"http://127.0.0.1:{server.ports[-1]}")
        program = Path(__file__).parents[1]
        path = f"PYTHONPATH={program}:{Path(leapfrog.__file__).parents[1]}"
        process = self._district.start("env", path, sys.executable, "-m", "district.night")
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(plan.message())
        process.stdin.close()
        left, done, last = list(faults), [], ""
        began = time.monotonic()
        for line in process.stdout:
            last = line
            share = _share(line)
            while left and share is not None and share >= left[0].share:
                fault = left.pop(0)
                say(f"{fault.name}, when {share:.0%} were confirmed")
                done.append((time.monotonic() - began, fault.name))
                self._district.do(*fault.command)
        assert process.wait() == 0, last
        values = json.loads(last)
        outcome = Outcome(**{**values, "latencies": [tuple(pair) for pair in values["latencies"]]})
        return Night(server.name, tuple(done), outcome)


def _share(line: str) -> float | None:
    try:
        return float(line)
    except ValueError:
        return None
