"""Whether the log of who did what is whole: no line changed, taken out, or put in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leapfrog.errors import StorageError
from leapfrog.state.actions.files import ActionFiles, first_of
from leapfrog.state.actions.line import FIRST_HASH, REPAIRED, SHORTENED, ActionLine, hash_of, line_in

MOST_PROBLEMS = 10
LineSeen = tuple[int, str]  # number and hash
LET_GO = re.compile(r"Actions before (\d+) were let go")


@dataclass(frozen=True)
class Checked:
    """What was found. `first` and `newest`: the numbers of the lines that are there, 0 without any. `torn`: lines that
    a power cut cut short, each of which the next line speaks of. `problems`: sentences.
    """

    first: int
    newest: int
    newest_hash: str
    torn: int
    problems: tuple[str, ...]

    def sentence(self) -> str:
        """The same for a person, where nothing is wrong."""
        if not self.newest:
            return "The log of who did what is empty."
        torn = f" Lines that were torn by a power cut, and say so: {self.torn}." if self.torn else ""
        return (
            f"Actions {self.first} to {self.newest}: each holds on to the one before, none is missing.{torn}"
            f" The newest is {self.newest}:{self.newest_hash}"
        )


def check(state_dir: Path, *holds: LineSeen | None) -> Checked:
    """Read all of it. `holds`: lines that were seen earlier, or elsewhere, and must still be there, unless they were
    let go with the oldest. Raises StorageError when it cannot be read.
    """
    chain = _Chain(frozenset(filter(None, holds)))
    try:
        for file in ActionFiles(state_dir).files():
            chain.begin(file)
            for raw in _lines_of(file):
                chain.look_at(raw)
    except OSError as problem:
        raise StorageError(
            f"The log of who did what cannot be read: {problem.strerror}. Run this as root or as the daemon's user."
        ) from problem
    return chain.checked()


def _lines_of(file: Path) -> Iterator[bytes]:
    """Without the last one while it has no end: it is being written, or the next action repairs it."""
    with file.open("rb") as stream:
        for raw in stream:
            if raw.endswith(b"\n"):
                yield raw[:-1]


class _Chain:
    """The lines as they come, each compared with the one before."""

    def __init__(self, holds: frozenset[LineSeen]) -> None:
        self._not_held = set(holds)
        self._problems: list[str] = []
        self._first = self._newest = self._torn = 0
        self._hash = ""  # of the line before, "" before the first
        self._before_torn: int | None = None  # the number of the last good line, while a torn one waits to be spoken of
        self._let_go = 0

    def begin(self, file: Path) -> None:
        """Another file: its name says the number of its first line."""
        if self._newest and first_of(file) != self._newest + 1:
            self._say(f"{file.name} does not go on where the file before it ends.")

    def look_at(self, raw: bytes) -> None:
        """The next line."""
        line = line_in(raw)
        if line is None:
            self._say_of_torn()
            self._before_torn, self._hash = self._newest, hash_of(raw)
            return
        if self._before_torn is not None and line.action == REPAIRED and line.before == self._hash:
            self._torn, self._before_torn = self._torn + 1, None
        self._say_of_torn()
        self._compare(line)
        self._first = self._first or line.sequence
        self._newest, self._hash = line.sequence, hash_of(raw)
        if line.action == SHORTENED and (found := LET_GO.match(line.detail)):
            self._let_go = int(found[1])
        self._not_held.discard((line.sequence, self._hash))

    def checked(self) -> Checked:
        """What all of them say together."""
        self._say_of_torn()
        if self._first > 1 and self._first != self._let_go:
            self._say(f"The actions before {self._first} are missing, and no line says that they were let go.")
        for number in sorted({number for number, _ in self._not_held if number >= self._first}):
            self._say(
                f"Action {number} is not the one that was seen before, here or elsewhere: the past was rewritten."
            )
        return Checked(self._first, self._newest, self._hash, self._torn, tuple(self._problems[:MOST_PROBLEMS]))

    def _compare(self, line: ActionLine) -> None:
        expected = self._hash or (FIRST_HASH if line.sequence == 1 else line.before)
        if line.before != expected:
            self._say(f"Action {line.sequence} does not follow what is there: a line before it was changed or removed.")
        elif self._newest and line.sequence != self._newest + 1:
            self._say(f"Action {line.sequence} follows {self._newest}: lines in between are missing.")

    def _say_of_torn(self) -> None:
        if self._before_torn is not None:
            self._say(f"After action {self._before_torn} there is a line that is none, and nothing speaks of it.")
            self._before_torn = None

    def _say(self, problem: str) -> None:
        self._problems.append(problem)
