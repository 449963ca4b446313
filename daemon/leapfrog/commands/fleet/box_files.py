"""Reads the folder in which each box leaves its state, and says of each file whether it is believed.

boxes/
  kitui.json          what the box kitui sent over the link
  by-stick/
    kitui.json        what a stick brought of it (`leapfrog receive`); the newer of the two counts

Anybody with a certificate can write one file there, and whoever carries a stick can too. So nothing is believed but
what the box's own key signed, and nothing that lies there stops the rest from being read.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from leapfrog.commands.fleet.box import Box, Distrust, Heard, Stranger, in_utc
from leapfrog.commands.fleet.box_keys import BoxKeys
from leapfrog.commands.fleet.memory import Memory, Seen
from leapfrog.errors import NotABoxState
from leapfrog.fleet.box_state import BoxState
from leapfrog.fleet.signed_state import BY_STICK, LARGEST_BYTES, SignedState, read_state
from leapfrog.plain_file import NotPlain, opened
from leapfrog.wording.text import clean, span

SUFFIX = ".json"
MOST_FILES = 20_000  # that are listed
MOST_STRANGERS = 50  # that are looked into, and named
FUTURE = timedelta(days=1)  # by which a clock may be ahead before nothing else is believed


@dataclass(frozen=True)
class Folder:
    """The known boxes, the files that are none of theirs, how many more of these there are, and what is remembered of
    the boxes from now on. `problem`: why the folder could not be read, or not all of it.
    """

    boxes: tuple[Box, ...]
    strangers: tuple[Stranger, ...]
    more_strangers: int
    seen: Mapping[str, Seen]
    problem: str = ""


@dataclass(frozen=True)
class _Lying:
    """What lies in a file: the text, or why there is none; and since when, by the district's clock."""

    text: str
    since: datetime
    why_not: str = ""


def read_folder(folder: Path, keys: BoxKeys, memory: Memory, now: datetime) -> Folder:
    """What lies in `folder`, seen at `now` by the district's clock. It raises nothing."""
    names, problem = _names(folder)
    seen = dict(memory.boxes)
    boxes = []
    for name, known in keys.by_name.items():
        box = Box(name, known.known_since, key_problem=known.problem)
        if known.key is not None:
            box = _box(box, folder, known.key, keys, seen, now)
        boxes.append(replace(box, missing=name not in names and not problem))
    foreign = sorted(names - keys.by_name.keys())
    strangers = tuple(_stranger(folder, name, keys, now) for name in foreign[:MOST_STRANGERS])
    return Folder(tuple(boxes), strangers, max(0, len(foreign) - MOST_STRANGERS), seen, problem)


def _names(folder: Path) -> tuple[set[str], str]:
    """The names that have a file in `folder`, and why these are not all."""
    listed: list[str] = []
    for place in (folder, folder / BY_STICK):
        try:
            with os.scandir(place) as entries:
                listed += [entry.name for entry in islice(entries, MOST_FILES + 1)]
        except OSError as problem:
            if place == folder or not isinstance(problem, FileNotFoundError):
                return set(), f"The folder {place} cannot be read: {problem.strerror}."
    names = {name.removesuffix(SUFFIX) for name in listed if name.endswith(SUFFIX) and not name.startswith(".")}
    if len(listed) > MOST_FILES:
        return names, f"There are more than {MOST_FILES:,} files in {folder}: not all were looked at."
    return names, ""


def _box(box: Box, folder: Path, key: bytes, keys: BoxKeys, seen: dict[str, Seen], now: datetime) -> Box:
    """`box` with what it said and what lies in its place. What is newer than what was seen becomes what was seen."""
    last = _last(seen.get(box.name), key)
    if last is None:
        seen.pop(box.name, None)
    before = seen.get(box.name)
    heard = _heard(last.state, before) if last is not None and before is not None else None
    distrust = None
    for by_stick in (False, True):
        lying = _lying(_place(folder, box.name, by_stick=by_stick), now)
        if lying is None or (before is not None and lying.text == before.document):
            continue
        found = _signed(lying, box.name, key, keys, now)
        if isinstance(found, SignedState):
            found = _newer(found, last, lying)
        if not isinstance(found, Distrust):
            before = Seen(
                station_key=key.hex(),
                document=lying.text,
                arrived_at=lying.since,
                by_stick=by_stick,
                log_cut_at=_log_cut_at(found, lying.since, last, before),
            )
            last, heard = found, _heard(found.state, before)
            seen[box.name] = before
        elif not (found.kind == "older" and before is not None and _overtaken(lying, before, by_stick=by_stick)):
            distrust = found
    return replace(box, heard=heard, distrust=distrust)


def _heard(state: BoxState, seen: Seen) -> Heard:
    return Heard(state, seen.arrived_at, seen.by_stick, seen.log_cut_at)


def _log_cut_at(found: SignedState, moment: datetime, last: SignedState | None, before: Seen | None) -> datetime | None:
    """When the log of who did what was last found to be shorter than before, or to have another line in the place of
    its newest.
    """
    if last is None or before is None:
        return None
    (had, had_hash), (has, has_hash) = _newest_action(last.state), _newest_action(found.state)
    return moment if has < had or (has == had and has_hash != had_hash) else before.log_cut_at


def _newest_action(state: BoxState) -> tuple[int, str]:
    number, _, line = state.newest_action.partition(":")
    return int(number or 0), line


def _overtaken(lying: _Lying, before: Seen, *, by_stick: bool) -> bool:
    """Whether an older state is no wonder: a stick is slower than the link, or one brought the newer state later."""
    return by_stick or (before.by_stick and lying.since <= before.arrived_at)


def _place(folder: Path, name: str, *, by_stick: bool) -> Path:
    return (folder / BY_STICK if by_stick else folder) / f"{name}{SUFFIX}"


def _last(before: Seen | None, key: bytes) -> SignedState | None:
    """The newest that was seen of the box with this key; None if nothing was, or another version kept it."""
    if before is None or before.station_key != key.hex():
        return None
    try:
        return read_state(before.document.encode())
    except NotABoxState:
        return None


def _signed(lying: _Lying, name: str, key: bytes, keys: BoxKeys, now: datetime) -> SignedState | Distrust:
    """The state that lies there, if the box of that name signed it."""
    if lying.why_not:
        return Distrust("unreadable", f"What lies in its place is not believed: {lying.why_not}.", lying.since)
    try:
        found = read_state(lying.text.encode())
    except NotABoxState as problem:
        return Distrust("unreadable", f"What lies in its place is not believed: {problem}.", lying.since)
    if found.station_key != key:
        return _foreign(found, lying, keys, name)
    ahead = in_utc(found.state.made_at) - now
    if ahead > FUTURE:
        why = f"It was made {span(ahead.total_seconds())} from now: the box's clock is wrong, or somebody uses its key."
        return Distrust("future", why, lying.since)
    return found


def _foreign(found: SignedState, lying: _Lying, keys: BoxKeys, name: str) -> Distrust:
    if owner := keys.owner(found.station_key):
        return Distrust("other", f"The state of the box {clean(owner)} lies in its place.", lying.since)
    return Distrust("forged", f"Not {clean(name)}'s key signed it, but one that is not known here.", lying.since)


def _newer(found: SignedState, last: SignedState | None, lying: _Lying) -> SignedState | Distrust:
    """`found`, unless it may not take the place of the newest that was seen."""
    if found.is_later_than(last):
        return found
    assert last is not None  # anything is later than nothing
    number, newest = found.state.sequence, last.state.sequence
    if number == newest:
        why = f"There are two different states with the number {number}: two boxes use the key of this one."
        return Distrust("doubled", why, lying.since)
    return Distrust("older", f"An old state was put in its place: number {number}, and {newest} was here.", lying.since)


def _stranger(folder: Path, name: str, keys: BoxKeys, now: datetime) -> Stranger:
    by_stick = not os.path.lexists(_place(folder, name, by_stick=False))
    lying = _lying(_place(folder, name, by_stick=by_stick), now)
    if lying is None:
        return Stranger(name, Distrust("unknown", "It has just gone.", now))
    if lying.why_not:
        return Stranger(name, Distrust("unreadable", _sentence(lying.why_not), lying.since))
    try:
        found = read_state(lying.text.encode())
    except NotABoxState as problem:
        return Stranger(name, Distrust("unreadable", _sentence(str(problem)), lying.since))
    if owner := keys.owner(found.station_key):
        why = f"The state of the box {clean(owner)}, under another name."
        return Stranger(name, Distrust("other", why, lying.since))
    return Stranger(name, Distrust("unknown", "No box of this name is known here.", lying.since))


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."


def _lying(file: Path, now: datetime) -> _Lying | None:
    """What lies in a file; None when nothing does."""
    since = now
    try:
        # When the content came: a program that writes it may set the other time, such as nginx by a header.
        since = min(now, datetime.fromtimestamp(file.lstat().st_ctime, UTC))
        with opened(file, LARGEST_BYTES, follow=False) as stream:
            return _Lying(stream.read(LARGEST_BYTES + 1).decode("ascii"), since)
    except FileNotFoundError:
        return None
    except NotPlain:
        return _Lying("", since, f"it is no file, or has more than {LARGEST_BYTES >> 10} KB")
    except UnicodeDecodeError:
        return _Lying("", since, "it is no text")
    except (OSError, ValueError) as problem:
        said = problem.strerror if isinstance(problem, OSError) else problem
        return _Lying("", since, f"it cannot be read: {said}")
