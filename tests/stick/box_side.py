"""A box that writes sticks and takes receipts, made anew for each case, and what must hold of it afterwards."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from leapfrog.errors import ParcelRefused
from leapfrog.stick.layout import UNFINISHED, Stick
from support.stick_box import Arrived, StickBox
from support.toml import toml_document

SECONDS = 120.0
IMAGES, URGENT, RESULTS = 3, 1, 1


class BoxSide:
    """The state of a box that owes some objects, kept to be copied; and its stick, at `root`."""

    def __init__(self, directory: Path, root: Path | None = None) -> None:
        """Within `directory`."""
        self.box = StickBox(directory / "box")
        self.root = root or directory / "stick"
        self._template = directory / "template"
        self._settings_file = directory / "leapfrog.toml"
        self._settings_file.write_text(
            toml_document(
                {
                    "station": {"state_dir": str(self.box.state_dir)},
                    "district": {"public_key": str(self.box.key.public)},
                }
            )
        )
        self.owed = {*self.box.owe(IMAGES), *self.box.owe(URGENT, urgent=True)}
        self.owed |= {self.box.owe_result() for _ in range(RESULTS)}
        shutil.copytree(self.box.state_dir, self._template)

    def anew(self) -> None:
        """The box as it was at first, and an empty stick."""
        shutil.rmtree(self.box.state_dir)
        shutil.copytree(self._template, self.box.state_dir)
        self.root.mkdir(exist_ok=True)
        for path in self.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def run(
        self, command: str, environment: Mapping[str, str] | None = None, *, part_bytes: int = 250_000
    ) -> subprocess.CompletedProcess[str]:
        """`leapfrog export` or `import`, in small parts."""
        small = (
            "import leapfrog.commands.stick.writing as writing, leapfrog.commands.stick.export as export;"
            f" export.export.__kwdefaults__['part_bytes'] = {part_bytes};"
            " import leapfrog.cli; leapfrog.cli.main()"
        )
        line = [sys.executable, "-c", small, command, str(self.root), "--config", str(self._settings_file)]
        variables = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin", **(environment or {})}
        return subprocess.run(line, capture_output=True, text=True, timeout=SECONDS, check=False, env=variables)

    # ------------------------------------------------------------ what must hold

    def wrong_on_stick(self) -> Iterator[str]:
        """What has its name on the stick is whole, and the box knows of all that is in it."""
        try:
            arrived = self.box.arrived(self.root)
        except ParcelRefused as problem:
            yield f"a part is not whole: {problem}"
            return
        query = "SELECT delivery_id, content_sha256, export_id, part FROM exported"
        noted = {tuple(row) for row in self.box.in_journal(lambda journal: journal.rows(query))}
        for part, manifest in arrived.manifests.items():
            for one in manifest.objects:
                if (one.delivery_id, one.sha256, part.export_id, part.part) not in noted:
                    yield "a receipt for what is on the stick would not count"
        if len(arrived.manifests) != len(Stick(self.root).parts()):
            yield "there is a part that the box does not know"

    def wrong_states(self) -> Iterator[str]:
        """All is owed, or confirmed; nothing is gone."""
        states = self.box.states()
        if set(states) != self.owed:
            yield "a delivery is gone"
        if others := set(states.values()) - {"waiting", "confirmed"}:
            yield f"deliveries are {', '.join(sorted(others))}"

    def not_all_on_stick(self) -> Iterator[str]:
        """All that is owed is on the stick, once, and nothing is left over."""
        arrived = self.box.arrived(self.root)
        if Counter(arrived.times) != Counter(self.owed):
            yield f"on the stick are {sum(arrived.times.values())} objects, not each of {len(self.owed)} once"
        if left := [path.name for path in self.root.rglob(f"*{UNFINISHED}")]:
            yield f"left behind: {len(left)} unfinished files"

    def not_all_confirmed(self) -> Iterator[str]:
        """The district has read all, and its receipts have confirmed all."""
        if self.box.count("confirmed") != len(self.owed):
            yield f"confirmed are {self.box.count('confirmed')} of {len(self.owed)}"

    def district(self) -> Arrived:
        """The district reads the stick, and puts its receipts on it."""
        return self.box.give_receipts(self.root)


def without_traceback(done: subprocess.CompletedProcess[str]) -> Iterator[str]:
    """Nobody is shown how the program was made."""
    if "Traceback" in done.stderr:
        yield f"a traceback: {done.stderr.strip().splitlines()[-1]}"
