"""What came of an export, for programs and in words for whoever carries the stick."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from leapfrog.commands.stick.receipts import Receipt, said_of
from leapfrog.outbox.told import with_article
from leapfrog.wording.text import MOST_NAMED_EXAMS, byte_size, count, exams_in_brackets


@dataclass(frozen=True, kw_only=True)
class Written:
    """What an export did. `objects` of `exams` were written in `parts`, `byte_count` of them together; `left` objects
    of `left_bytes` are owed and not on the stick, since it is `full`, or were left out on purpose. Of the parts that
    were on it before, `kept_parts` are whole, `settled_parts` were removed since the district has decided about them,
    `outdated_parts` since the district or this box has a new key, `damaged_parts` since they were not whole any more;
    `unknown_parts` are of another box. `unfit` objects did not go since their files here are damaged; of `unfit_exams`.
    `receipts`: what came of those that were on it, and that nobody had imported.
    """

    destination: str
    export_id: str
    objects: int
    exams: int
    byte_count: int
    parts: int
    left: int
    left_bytes: int
    full: bool
    kept_parts: int
    settled_parts: int
    outdated_parts: int
    damaged_parts: int
    unknown_parts: int
    unfit: int
    unfit_exams: tuple[str, ...]
    receipts: tuple[Receipt, ...]
    warnings: tuple[str, ...]

    def in_short(self) -> str:
        """In one line, for the log of who did what."""
        written = f"{count(self.objects, 'object')} of {count(self.exams, 'exam')} for {self.destination}"
        confirmed = sum(one.became.get("confirmed", 0) for one in self.receipts)
        return f"{written}; by receipts on it, {count(confirmed, 'object')} confirmed" if self.receipts else written

    def lines(self, root: Path, kinds: Sequence[str]) -> Iterator[str]:
        """The same for people, with what to do next."""
        yield from (f"Warning: {warning}" for warning in self.warnings)
        if self.receipts:
            yield "The district's receipts were on it, and are taken now:"
            yield from (f"  {line}" for line in said_of(self.receipts))
        yield self._done()
        yield from self._parts_before()
        if self.unfit:
            yield (
                f"Not written: {count(self.unfit, 'object')} whose stored file is damaged or missing"
                f"{exams_in_brackets(self.unfit_exams[: MOST_NAMED_EXAMS + 1])}. `leapfrog instances --file-problems`"
                " lists the images; send them again from the machine that made them."
            )
        yield self._left(f" of the chosen kinds ({', '.join(kinds)})" if kinds else "")
        if self.parts or self.kept_parts:
            yield from _what_to_do(root, anything_owed=bool(self.objects or self.kept_parts))

    def _done(self) -> str:
        to = with_article(self.destination)
        if self.parts and not self.objects:
            return f"Written for {to}: what this box says of itself, and nothing else."
        if not self.objects:
            return f"Nothing new was written for {to}." if self.kept_parts else f"Nothing was written for {to}."
        return (
            f"Written for {to}: {count(self.objects, 'object')} of {count(self.exams, 'exam')},"
            f" {_size(self.byte_count)} in {count(self.parts, 'part')}. Each part was read back and is whole."
        )

    def _parts_before(self) -> Iterator[str]:
        if self.kept_parts:
            yield f"Already on it and whole, so not written again: {count(self.kept_parts, 'part')}."
        if self.settled_parts:
            yield f"Taken off it, since the district has decided about them: {count(self.settled_parts, 'part')}."
        if self.outdated_parts:
            yield (
                f"Of before the district, or this box, got a new key: {count(self.outdated_parts, 'part')}. What was in"
                " them was written anew, with the keys of today."
            )
        if self.damaged_parts:
            yield (
                f"Damaged on it since they were written: {count(self.damaged_parts, 'part')}. What was in them was"
                " written anew. If that happens again, use another stick."
            )
        if self.unknown_parts:
            yield (
                f"Left alone: {count(self.unknown_parts, 'part')} of another box, or of before the journal of this one"
                " was made anew."
            )

    def _left(self, of_kinds: str) -> str:
        if not self.left:
            if self.objects or self.kept_parts:
                return f"All that is owed{of_kinds} is on this stick."
            return f"Nothing {'else ' if self.unfit else ''}is owed{of_kinds}."
        what = f"{count(self.left, 'object')}{of_kinds} ({_size(self.left_bytes)})"
        if self.full:
            return (
                f"The stick is full. {what} did not fit: write them on another stick with the same command, or on this"
                " one when it comes back."
            )
        return f"Not on this stick: {what}. They are on another one, or came while this one was written."


def _size(byte_count: int) -> str:
    return f"{byte_count / 1000:,.0f} kB" if byte_count < 1_000_000 else byte_size(byte_count)


def _what_to_do(root: Path, *, anything_owed: bool) -> Iterator[str]:
    yield "What to do now:"
    first = f"Unmount the stick before you pull it out: umount {root}" if root.is_mount() else "Bring it on a stick."
    yield f"  1. {first}"
    yield "  2. Carry it to the district. `leapfrog receive` takes there what is on it, and puts receipts on it."
    yield f"  3. When it is back, put it in and run: leapfrog import {root}"
    if not anything_owed:
        return
    yield "Until then all of it stays on this box and counts as owed. If the stick gets lost, no exam is lost, and"
    yield "nobody can read it: what was on it goes on the next one."
