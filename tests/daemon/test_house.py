"""The map of the house, `daemon/README.md`, matches the code."""

import re
import signal
import socket
import sys
from pathlib import Path

import leapfrog
from leapfrog.control.control_socket import SOCKET_NAME
from leapfrog.district_key import district_key
from support.kiosk import Kiosk
from support.waiting import wait_until

HOUSE = Path(leapfrog.__file__).parent
MAP = HOUSE.parent / "README.md"
NAMING_DAEMON = """
import signal, sys, threading
from pathlib import Path
from leapfrog.cli import main
names_file = Path(sys.argv.pop(1))
signal.signal(signal.SIGUSR2, lambda *_: names_file.write_text("\\n".join(t.name for t in threading.enumerate())))
main()
"""


def section(title: str) -> str:
    return MAP.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(title: str) -> str:
    rows = [line for line in section(title).splitlines() if line.startswith("| ")]
    return "\n".join(row.split(" | ")[0] for row in rows)


def in_code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_room_and_every_file_of_the_ground_floor_is_on_the_map() -> None:
    present = {f"{path.name}/" for path in HOUSE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    present |= {path.name for path in HOUSE.glob("*.py") if not path.name.startswith("__")}
    assert set(in_code(first_cells("Rooms"))) == present


def test_every_path_on_the_map_exists() -> None:
    paths = {word for word in in_code(MAP.read_text()) if re.fullmatch(r"[a-z_0-9/]+(/|\.py|\.sql)", word)}
    own = [path for path in HOUSE.rglob("*") if "__pycache__" not in path.parts]
    known = {f"{path.relative_to(HOUSE)}{'/' if path.is_dir() else ''}" for path in own}
    # A line about a folder names its files without the folder.
    known |= {path.name for path in own} | {f"{path.name}/" for path in own if path.is_dir()}
    assert {path for path in paths if path not in known and not (HOUSE.parent.parent / path).exists()} == set()


def test_every_code_name_on_the_map_exists() -> None:
    """Bare names of classes and tables, such as `DECODERS` or `ReadJob`, and their attributes."""
    words = [word for word in in_code(MAP.read_text()) if re.fullmatch(r"[A-Z]\w+(\.\w+)?", word)]
    names = {part for word in words for part in word.split(".")}
    code = "\n".join(path.read_text() for path in HOUSE.rglob("*.py"))
    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()


class ThreadNamingKiosk(Kiosk):
    """A box that writes the names of its threads to a file on SIGUSR2."""

    def command_line(self, *arguments: str) -> list[str]:
        command = super().command_line(*arguments)
        return [sys.executable, "-c", NAMING_DAEMON, str(self.directory / "threads"), *command[command.index("run") :]]

    def threads(self) -> set[str]:
        """The names of its threads, without numbers."""
        names_file = self.directory / "threads"
        names_file.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: names_file.exists() and bool(names_file.read_text()), "the names of the threads")
        return {without_number(name) for name in names_file.read_text().splitlines()}


def without_number(name: str) -> str:
    return re.sub(r"[-_]\d+( \(.*\))?$", "", name)


def test_every_thread_of_a_running_box_is_on_the_map(tmp_path: Path) -> None:
    district = {
        "url": "http://127.0.0.1:9/dicom-web",
        "windows": ["00:00-00:01"],
        "fetch_reports": True,
        "public_key": str(district_key(tmp_path / "district.key").public),
    }
    fleet = {"bundle_url": "http://127.0.0.1:9/current.zip"}
    archive = {
        "name": "archive",
        "kind": "dicom",
        "host": "127.0.0.1",
        "port": 9,
        "ae_title": "ARCHIVE",
        "commit": True,
    }
    listed = {without_number(name) for name in in_code(first_cells("Threads of the main process"))}
    with (
        ThreadNamingKiosk(
            tmp_path, district=district, fleet=fleet, destination=[archive], engine={"device": "auto", "threads": 1}
        ) as kiosk,
        socket.create_connection(("127.0.0.1", kiosk.port)),
    ):

        def threads() -> set[str]:
            with socket.socket(socket.AF_UNIX) as client:  # one that says nothing yet
                client.connect(str(kiosk.state_dir / SOCKET_NAME))
                return kiosk.threads()

        wait_until(lambda: threads() == listed, "every thread of the map, and no other")
