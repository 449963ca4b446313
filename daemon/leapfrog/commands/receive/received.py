"""What came of a stick, for a person and for a program."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leapfrog.wording.text import count

MOST_NAMED = 20  # of one kind, to people; programs get all


@dataclass
class FromBox:
    """What came from one box, counted while it comes. `refused` and `undecided`: how many objects, by the reason."""

    parts: int = 0
    confirmed: int = 0
    were_there: int = 0
    byte_count: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    state_taken: bool = False

    def as_json(self) -> dict[str, Any]:
        """The shape of `boxes` in `leapfrog receive --json`."""
        return {
            "parts": self.parts,
            "confirmed": self.confirmed,
            "were_there": self.were_there,
            "bytes": self.byte_count,
            "refused": dict(self.refused),
            "undecided": dict(self.undecided),
            "state_taken": self.state_taken,
        }

    def lines(self, name: str) -> Iterator[str]:
        """The same for people."""
        were_there = f", of which {self.were_there:,} were there already" if self.were_there else ""
        yield (
            f"{name}: {count(self.confirmed, 'object')} ({self.byte_count / 1e6:,.1f} MB) at the server and"
            f" confirmed{were_there}."
        )
        for reason, times in self.refused.most_common():
            yield f"  {times:,} refused, which the receipt says too: {reason}"
        for reason, times in self.undecided.most_common():
            yield f"  {times:,} neither confirmed nor refused: {reason}"


@dataclass
class Received:
    """All that came of a stick. `problems`: what was wrong with files on it, each named. `stopped`: why the rest was
    left. `stick_trouble`: why the stick lacks receipts that it should have.
    """

    stick: Path
    receipts: Path
    parts: int = 0
    boxes: dict[str, FromBox] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    receipts_on_stick: int = 0
    receipts_missing: int = 0
    removed: int = 0
    not_read: int = 0
    stopped: str = ""
    stick_trouble: str = ""

    @property
    def all_taken(self) -> bool:
        """Whether there is nothing left to do with this stick but to carry it back."""
        boxes = self.boxes.values()
        return not (
            self.problems or self.stopped or self.receipts_missing or any(box.refused or box.undecided for box in boxes)
        )

    def as_json(self) -> dict[str, Any]:
        """The shape of `leapfrog receive --json`."""
        return {
            "all_taken": self.all_taken,
            "parts": self.parts,
            "boxes": {name: box.as_json() for name, box in sorted(self.boxes.items())},
            "problems": self.problems,
            "strangers": self.strangers,
            "receipts_on_stick": self.receipts_on_stick,
            "receipts_missing": self.receipts_missing,
            "receipts_folder": str(self.receipts),
            "parts_removed": self.removed,
            "parts_not_read": self.not_read,
            "stopped": self.stopped,
            "stick_trouble": self.stick_trouble,
        }

    def lines(self) -> Iterator[str]:
        """The same for people."""
        if not self.parts:
            yield f"There is nothing on {self.stick} that a box wrote for its district."
        for name, box in sorted(self.boxes.items()):
            yield from box.lines(name)
        yield from _first(self.problems)
        if self.strangers:
            yield f"Not ours, and left alone: {count(len(self.strangers), 'file')} beside the parts."
            yield from (f"  {line}" for line in _first(self.strangers))
        if self.receipts_on_stick:
            yield (
                f"Written on the stick: {count(self.receipts_on_stick, 'receipt')}. Carry it back to the box, and run"
                " `leapfrog import` there."
            )
        if self.removed:
            yield f"Removed from the stick, since they are wholly confirmed: {count(self.removed, 'part')}."
        if self.receipts_missing:
            yield (
                f"Not on the stick: {count(self.receipts_missing, 'receipt')}. {self.stick_trouble} Bring the files in"
                f" {self.receipts} to the box by any means; they are no secret."
            )
        if self.stopped:
            left = f" Not read: {count(self.not_read, 'part')}." if self.not_read else ""
            yield f"Stopped: {self.stopped}{left} Nothing is lost: repeat this command."


def _first(lines: list[str]) -> Iterator[str]:
    yield from lines[:MOST_NAMED]
    if len(lines) > MOST_NAMED:
        yield f"... and {len(lines) - MOST_NAMED:,} more; --json names all of them."
