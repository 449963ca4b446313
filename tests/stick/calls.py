"""Each call that changes something fails once, or is where the command is killed."""

import errno
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from stick.box_side import BoxSide, without_traceback
from support.failing_calls import KILL_AFTER, KILL_BEFORE, Call, FailingCalls, name_of

STICK, STATE = 0, 1
# Every call on the stick; of the state, where each step opens and closes the journal, one in so many, each kind from
# another place on.
APART = {STICK: 1, STATE: 7}
FOLDERS = {STICK: "the stick", STATE: "the state"}


@dataclass(frozen=True)
class Case:
    """The `number`th call of a kind in a folder is killed at, or fails; so do all later ones there, if `for_good`."""

    call: Call
    folder: int
    number: int
    fault: int
    for_good: bool = False

    @property
    def label(self) -> str:
        """Such as "rename on the stick: killed before"."""
        said = "pulled out" if self.for_good else name_of(self.fault)
        return f"{self.call.label} on {FOLDERS[self.folder]}: {said}"


class CallScene:
    """A command of the box, and its calls."""

    command = ""

    def __init__(self, directory: Path) -> None:
        """Within `directory`."""
        self.side = BoxSide(directory)
        self._calls = FailingCalls(directory, [self.side.root, self.side.box.state_dir])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.close()

    def prepare(self) -> None:
        """What comes before the command."""
        self.side.anew()

    def cases(self) -> list[Case]:
        """Every case, by the calls of a run that nothing befalls."""
        self.prepare()
        before = Counter(dict(self._calls.counts()))
        done = self.side.run(self.command, self._calls.environment)
        assert done.returncode == 0, done.stderr
        return list(_cases(Counter(dict(self._calls.counts())) - before))

    def meets(self, case: Case) -> list[str]:
        """What is wrong after a run with that fault, and another one without."""
        self.prepare()
        environment = self._calls.environment
        self._calls.arm(case.call, case.folder, case.number, case.fault, case.fault if case.for_good else 0)
        done = self.side.run(self.command, environment)
        fired = self._calls.fired
        self._calls.disarm()
        # How SQLite writes its journal is not always the same.
        wrong = [] if fired or case.folder == STATE else ["the fault was not met"]
        wrong += without_traceback(done)
        wrong += [f"after the fault: {one}" for one in self.wrong_after(case)]
        return wrong + [f"repeated: {one}" for one in self.wrong_repeated()]

    def wrong_after(self, case: Case) -> Iterator[str]:
        """What is wrong when the fault has come."""
        yield from self.side.wrong_states()
        yield from self.side.wrong_on_stick()

    def wrong_repeated(self) -> Iterator[str]:
        """What is wrong when the command was given again."""
        raise NotImplementedError


def _cases(counts: Counter[tuple[Call, int]]) -> Iterator[Case]:
    for (call, folder), times in sorted(counts.items()):
        if call is Call.LOOK or folder not in FOLDERS:
            continue
        for number in range(1, times + 1, APART[folder]):
            yield Case(call, folder, number, KILL_BEFORE)
            yield Case(call, folder, number, KILL_AFTER)
            if folder == STICK:
                yield Case(call, folder, number, errno.ENOSPC)
                yield Case(call, folder, number, errno.EIO, for_good=True)
