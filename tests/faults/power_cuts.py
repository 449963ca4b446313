"""Power cuts: the disks of a box at work stop at one moment, with what they hold then. It starts again from that."""

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from faults.audit import Audit, Verdict
from faults.order import Order, row_of
from faults.site import Folders, Site
from faults.table import Table
from support.disk_image import DiskImage

NAME = "power-cuts"
DOSE = 60
STORED, DROPPED = 4, 2  # films for each cut
MOMENT_SECONDS = 2.0  # within which a cut comes
MEBIBYTES = 4096  # of each disk, as a file with holes: room for the films of 100 cuts and what is made of them
AUDIT_EVERY = 10  # cuts


@dataclass(frozen=True)
class Kind:
    """Which disks are cut; the others go on, as an external disk with power of its own does."""

    name: str
    cut: tuple[str, ...]


KINDS = (
    Kind("the state's disk", ("state",)),
    Kind("all disks at once", ("state", "reports", "inbox")),
    Kind("the disks of the state and of the watched folder", ("state", "inbox")),
    Kind("the disks of the state and of the reports", ("state", "reports")),
)


def run(order: Order) -> Table:
    """So many cuts, spread evenly over the kinds. Raises CalledProcessError where no file system can be mounted."""
    count = order.count or DOSE
    table = order.table(NAME, f"{count} power cuts")
    with order.folder() as directory, ExitStack() as mounted:
        disks = {
            name: mounted.enter_context(DiskImage(directory / f"{name}.img", directory / name, MEBIBYTES))
            for name in ("state", "reports", "inbox")
        }
        folders = Folders.below(directory)
        with Site(directory, folders) as site:
            site.start()
            cutter = Cutter(site, disks, order.random())
            kinds = [kind for kind in KINDS if order.wants(kind.name)]
            for number, kind in enumerate(kinds):
                if cuts := count // len(kinds) + (number < count % len(kinds)):
                    order.progress.say(f"{cuts} x {kind.name}")
                    _cut_often(kind, cuts, cutter, table, order)
    return table


def _cut_often(kind: Kind, cuts: int, cutter: "Cutter", table: Table, order: Order) -> None:
    site, before, ended = cutter.site, len(cutter.site.senders.films), len(cutter.site.ends)
    verdict, worst = Verdict(), 0.0
    for number in range(cuts):
        worst = max(worst, cutter.cut(kind))
        if (number + 1) % AUDIT_EVERY == 0 or number + 1 == cuts:
            verdict += cutter.audit.verdict()
            order.progress.say(
                f"  {number + 1} of {cuts}: lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, {worst:.1f} s"
            )
    films = len(site.senders.films) - before
    table.rows.append(row_of(kind.name, cuts, films, verdict, worst, len(site.ends) - ended, *cutter.damage()))


@dataclass
class Cutter:
    """Cuts the power, and sees how soon the box takes films again once it is back."""

    site: Site
    disks: dict[str, DiskImage]
    chance: random.Random
    audit: Audit = field(init=False)
    _damage: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.audit = Audit(self.site)

    def cut(self, kind: Kind) -> float:
        """One cut while the box is at work. Returns the seconds from the start of the box until it took a film."""
        self.site.work(STORED, DROPPED)
        time.sleep(self.chance.uniform(0, MOMENT_SECONDS))
        for name in kind.cut:
            self.disks[name].cut()
        self.site.halt(kill=True)
        for name in kind.cut:
            self.disks[name].unmount()
            if found := self.disks[name].check():
                self._damage.append(f"e2fsck of {name}: {found.splitlines()[0]}")
            self.disks[name].mount()
        began = time.monotonic()
        self.site.launch()
        return self.site.seconds_until_normal(began)

    def damage(self) -> list[str]:
        """Remarks on file systems that were damaged since the last call."""
        found, self._damage = self._damage, []
        return found
