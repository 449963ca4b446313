"""`leapfrog import`: takes the district's receipts from a stick, or one that came by other means."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from leapfrog.commands.bundle import hand_over
from leapfrog.control.asking import run_command
from leapfrog.errors import BundleError, SettingsError, StickError
from leapfrog.outbox.told import with_article
from leapfrog.plain_file import NotPlain, opened
from leapfrog.settings import Settings
from leapfrog.stick.layout import PartName, Stick
from leapfrog.stick.receipt import LARGEST_RECEIPT_BYTES
from leapfrog.wording.text import count

PATIENCE_SECONDS = 300.0
NOT_A_RECEIPT = "This is no receipt: it is larger than any, or no file."


@dataclass(frozen=True)
class Receipt:
    """What came of one receipt. `problem`: why it says nothing, "" if it does; it is not `genuine` unless the district
    of this box made it. `became`: how many objects became what.
    """

    file: str
    genuine: bool
    problem: str
    destination: str = ""
    became: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Bundle:
    """What came of one bundle: its number, if the daemon is to try it, or `problem`, why not."""

    file: str
    number: int | None
    said: str
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What came of all receipts and bundles. `cleared_parts`: how many parts were taken off the stick, since the
    district has decided about all that is in them.
    """

    receipts: tuple[Receipt, ...]
    bundles: tuple[Bundle, ...] = ()
    cleared_parts: int = 0
    looked_at: Path

    @property
    def failed(self) -> bool:
        """Whether a person has to do something about it."""
        problems = [*(one.problem for one in self.receipts), *(one.problem for one in self.bundles)]
        return all(problems) or any(not one.genuine for one in self.receipts)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "receipts": [asdict(one) for one in self.receipts],
            "bundles": [asdict(one) for one in self.bundles],
            "cleared_parts": self.cleared_parts,
        }

    def in_short(self) -> str:
        """In one line, for the log of who did what."""
        confirmed = sum(one.became.get("confirmed", 0) for one in self.receipts)
        return f"{count(len(self.receipts), 'receipt')}, {count(confirmed, 'object')} confirmed"

    def lines(self) -> Iterator[str]:
        """For people."""
        if not self.receipts and not self.bundles:
            yield (
                f"There are no receipts in {self.looked_at}. Has this stick been at the district, and did"
                " `leapfrog receive` run there to its end? What is owed stays owed. (If they were imported here before,"
                " they were taken off the stick then: `leapfrog status` says when, and what is owed.)"
            )
        yield from said_of(self.receipts)
        for bundle in self.bundles:
            yield f"{bundle.file}: {bundle.problem or bundle.said}"
        if self.cleared_parts:
            parts = count(self.cleared_parts, "part")
            yield f"Taken off the stick, since the district has decided about all that is in them: {parts}."


def said_of(receipts: Sequence[Receipt]) -> Iterator[str]:
    """What came of receipts, for people: one line for many with one problem, as for another box that shares it."""
    for destination in dict.fromkeys(one.destination for one in receipts if not one.problem):
        became = Counter[str]()
        for one in receipts:
            if one.destination == destination:
                became.update(one.became)
        yield from _sentences(with_article(destination), became)
    for problem, times in Counter(one.problem for one in receipts if one.problem).items():
        first = next(one.file for one in receipts if one.problem == problem)
        others = f" and {count(times - 1, 'other file')}" if times > 1 else ""
        yield f"{first}{others}: {problem}"


def _sentences(destination: str, became: Counter[str]) -> Iterator[str]:
    if became["confirmed"]:
        yield f"Confirmed by {destination}: {count(became['confirmed'], 'object')}. They are not owed any more."
    else:
        yield f"Nothing new is confirmed by {destination}."
    if became["confirmed before"]:
        yield f"Confirmed before already: {count(became['confirmed before'], 'object')}."
    if became["refused"]:
        yield (
            f"Not taken by {destination}: {count(became['refused'], 'object')}. `leapfrog deliveries --state refused`"
            " says why; `leapfrog retry ID` has them written again."
        )
    if became["refused before"]:
        objects = count(became["refused before"], "object")
        yield f"Not taken, as an earlier receipt or the link said already: {objects}."
    if became["not owed"]:
        objects = count(became["not owed"], "object")
        yield f"Not owed any more, since there is a newer one, or somebody gave it up: {objects}."
    if became["never written"]:
        yield (
            f"Not counted: {count(became['never written'], 'object')} that this box did not write in that part, that is"
            " owed anew since, or that was forgotten here since (`leapfrog forget`; then have the district delete it)."
            " What is owed goes on the next stick."
        )


def import_from(settings: Settings, given: Path) -> Imported:
    """Take what is at `given`: a stick, or one file. Raises StickError when it cannot be read, LeapfrogError when the
    box does not answer; receipts that were taken before that count.
    """
    if not given.is_dir():
        if given.suffix == ".zip":
            return Imported(receipts=(), bundles=_take_bundles(settings, [given]), looked_at=given)
        return Imported(receipts=(_take(settings, given, follow=True)[0],), looked_at=given)
    stick = Stick(given.absolute())
    receipts, cleared = take_receipts(settings, stick, stick.receipts())
    bundles = _take_bundles(settings, stick.bundles())
    return Imported(receipts=receipts, bundles=bundles, cleared_parts=cleared, looked_at=given)


def take_receipts(settings: Settings, stick: Stick, files: Sequence[Path]) -> tuple[tuple[Receipt, ...], int]:
    """Take these receipts from the stick, and clear it of what the district has decided about. Returns what came of
    them, and how many parts were taken off. Raises as `import_from`.
    """
    receipts, cleared = [], 0
    on_stick = set(stick.parts())
    for file in files:
        receipt, settled = _take(settings, file, follow=False)
        receipts.append(receipt)
        if settled is not None:
            with suppress(StickError, OSError):  # one that is read-only keeps what it has
                stick.remove(settled)
                file.unlink(missing_ok=True)
                cleared += settled in on_stick
    return tuple(receipts), cleared


def _take_bundles(settings: Settings, files: Sequence[Path]) -> tuple[Bundle, ...]:
    """Hand bundles to the daemon, which tries the newest. What is not newer than what the box has is not taken."""
    taken = []
    for file in files:
        try:
            handed_over = hand_over(file, settings)
            taken.append(Bundle(file.name, handed_over.number, handed_over.sentence))
        except (BundleError, SettingsError) as problem:
            taken.append(Bundle(file.name, None, "", str(problem)))
    return tuple(taken)


def _take(settings: Settings, file: Path, *, follow: bool) -> tuple[Receipt, PartName | None]:
    """What came of the receipt in a file, and its part if nothing of it waits any more."""
    try:
        with opened(file, LARGEST_RECEIPT_BYTES, follow=follow) as stream:
            text = stream.read(LARGEST_RECEIPT_BYTES).decode("ascii", "replace")
    except NotPlain:
        return Receipt(file.name, False, NOT_A_RECEIPT), None
    except OSError as problem:
        raise StickError(
            f"{file} cannot be read: {problem.strerror}. Put the stick in again, and repeat this."
        ) from problem
    found = run_command(settings, "take_receipt", timeout_seconds=PATIENCE_SECONDS, receipt=text)
    if found["problem"]:
        return Receipt(file.name, found["genuine"], found["problem"]), None
    part = PartName(found["export_id"], found["part"])
    receipt = Receipt(file.name, True, "", found["destination"], found["became"])
    return receipt, part if not found["waiting"] else None
